// What the script in feeds and chats may ask the worker. It runs in pages of others: the browser says
// which site it is on, the body only what is asked, and a subject is listed or not whatever it says.

import * as core from "./core";
import { api } from "./ext";
import { details, notice } from "./guard";
import { listChanged, type Detailed, type FromFeed } from "./message";
import { networkOf } from "./networks";
import * as session from "./session";
import type { Warning } from "./session";
import { settings } from "./settings";
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

/** The reason for one address that is listed, fetched and proved. */
export const reason: Handler<"feed.details"> = async ({ href }, tabId, url): Promise<Detailed | null> => {
  const found = await warning(href, tabId, url);
  return found ? details(found) : null;
};

/** What is listed under an address, if anything is. */
export async function warning(href: string, tabId: number, url: string): Promise<Warning | undefined> {
  return isBatch([href]) && networkOf(new URL(url).hostname) ? (await listed([href], tabId))[0] : undefined;
}

/** Tells all tabs that a list is in use in which other things may be listed. */
export async function tellAll(): Promise<void> {
  const tabs = await api.tabs.query({});
  // Most tabs have no script of ours, and then nobody is there to hear it.
  await Promise.all(tabs.map(({ id }) => (id === undefined ? undefined : api.tabs.sendMessage(id, listChanged, { frameId: 0 }).catch(() => undefined))));
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
