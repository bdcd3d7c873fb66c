// Who a page really is. An address may give one name of an account where another is listed; what the platform
// itself has written into the document yields the others. All this can do is add names to look up: the worker
// takes those that stand beside the address's own (whose.ts), and the core alone says what is listed.

import { maxGroups, maxNames, type Names } from "../../shared/named";
import { networkOf } from "../../shared/networks";
import { readers } from "./readers_gen";

export { called } from "./telegram";
export { readers };

/**
 * The names that stand together in a document, each group for one account: some of them for that of the address, if
 * any.
 */
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
