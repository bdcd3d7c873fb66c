// What the script in feeds and chats may ask the worker. It runs in pages of others: the browser says
// which site it is on, the body only what is asked, and a subject is listed or not whatever it says.

import * as core from "./core";
import { api } from "../shared/ext";
import { notice } from "./guard";
import { listChanged, whatIsMarked, type FromFeed, type Notice } from "../shared/message";
import { networkOf } from "../shared/networks";
import * as session from "../shared/session";
import type { Warning } from "../shared/session";
import { settings } from "../shared/settings";
import { restore } from "./store";

/** How many addresses one question may hold, and how many characters in all. */
const maxHrefs = 200;
const maxText = 1 << 20;

type Handler<N extends keyof FromFeed> = (body: FromFeed[N][0], tabId: number, url: string) => Promise<FromFeed[N][1]>;

/** What is known of each address of a batch, in their order: the notice of a listed one, or null. */
export const check: Handler<"feed.check"> = async ({ hrefs }, tabId, url) => {
  if (!isBatch(hrefs) || !(await marked(url))) return null;
  const warnings = await listed(hrefs, tabId);
  return Promise.all(warnings.map((warning) => (warning ? notice(warning) : null)));
};

/** What is listed under an address, if anything is. */
export async function about(href: string, tabId: number): Promise<Warning | undefined> {
  return isBatch([href]) ? (await listed([href], tabId))[0] : undefined;
}

/** What is marked in the page of a tab, each thing once; nothing where our script is not there. */
export async function marks(tabId: number): Promise<Notice[]> {
  const hrefs: unknown = await api.tabs.sendMessage(tabId, whatIsMarked, { frameId: 0 }).catch(() => undefined);
  if (!isBatch(hrefs)) return [];
  const found = new Map((await listed(hrefs, tabId)).flatMap((warning) => (warning ? [[warning.finding.subject, warning]] : [])));
  return Promise.all([...found.values()].map((warning) => notice(warning)));
}

/** Tells all tabs that a list is in use in which other things may be listed. */
export async function tellAll(): Promise<void> {
  const tabs = await api.tabs.query({});
  // Most tabs have no script of ours, and then nobody is there to hear it.
  await Promise.all(tabs.map(({ id }) => (id === undefined ? undefined : tell(id))));
}

/** Tells one tab that something else may be listed than what it has marked. */
export async function tell(tabId: number): Promise<void> {
  await api.tabs.sendMessage(tabId, listChanged, { frameId: 0 }).catch(() => undefined);
}

function isBatch(hrefs: unknown): hrefs is string[] {
  if (!Array.isArray(hrefs) || hrefs.length > maxHrefs || !hrefs.every((href) => typeof href === "string")) return false;
  return hrefs.reduce((sum, href: string) => sum + href.length, 0) <= maxText;
}

/** Whether a person wants marks on the site of an address. */
async function marked(url: string): Promise<boolean> {
  const network = networkOf(new URL(url).hostname);
  if (!network) return false;
  const { unmarked } = await settings();
  return !network.domains.some((domain) => unmarked.includes(domain));
}

async function listed(hrefs: string[], tabId: number): Promise<(Warning | undefined)[]> {
  await restore();
  const findings = await core.check(hrefs);
  return Promise.all(
    findings.map(async (finding, i) => {
      if (finding.verdict !== "listed" || (await session.letThrough(tabId, finding)) === "cleared") return undefined;
      return { tabId, href: hrefs[i] ?? "", finding };
    }),
  );
}
