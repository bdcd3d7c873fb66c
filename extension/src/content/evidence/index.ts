// Who a page really is. An address may give one name of an account where another is listed; what the platform
// itself has written into the document yields the others. All this can do is add names to look up: the worker
// takes those that stand beside the address's own (whose.ts), and the core alone says what is listed.

import { maxGroups, maxNames, type Names } from "../../shared/named";
import { networkOf, type Platform } from "../../shared/networks";
import type { Reader } from "./document";
import { facebook } from "./facebook";
import { instagram } from "./instagram";
import { linkedin } from "./linkedin";
import { called, telegram } from "./telegram";
import { threads } from "./threads";
import { tiktok } from "./tiktok";
import { x } from "./x";
import { youtube } from "./youtube";
import { zalo } from "./zalo";

export { called };

/** Each platform's own; it finds nothing at addresses of others. */
export const readers: Record<Platform, Reader> = { facebook, instagram, linkedin, telegram, threads, tiktok, x, youtube, zalo };

/** The names that stand together in a document, each group for one account: some of them for that of the address, if any. */
export function evidence(page: Document, address: URL): Names[] {
  const platform = networkOf(address.hostname)?.platform;
  if (!platform) return [];
  const groups = new Map<string, Names>();
  for (const group of readers[platform](page, address)) {
    const names = [...new Set(group.filter((name) => name !== ""))].slice(0, maxNames);
    if (names.length > 0) groups.set(names.join(" "), names);
    if (groups.size === maxGroups) break;
  }
  return [...groups.values()];
}
