// From an address to what the person sees: a warning page, a covered account, a badge, or nothing.

import { ahead, past } from "./clock";
import * as core from "./core";
import { api, badge as toolbar, beside, isPrivate, navigate, own, renew, shown, shut } from "../shared/ext";
import * as met from "./met";
import { inTurn, lookAgain, type Detailed, type Health, type Notice } from "../shared/message";
import type { Finding } from "../shared/protocol";
import * as hot from "./hot";
import { get, ServerError } from "./server";
import * as session from "../shared/session";
import * as standing from "./standing";
import type { Warning } from "../shared/session";
import { restore, status } from "./store";
import { isUnlisted, shows, type Asked, type Badge, type Known, type Shown } from "./tab";
import { t, ready, type Key } from "../shared/text";
import { patience, update } from "./update";

/**
 * Where a navigation stands. Before the page comes, and when it comes, its content
 * script asks for itself; within a page and once it is read, the script must answer.
 */
export type Moment = "before" | "commit" | "within" | "read";

/** The last address that each tab went to: what is known about another is of no use any more. */
const latest = new Map<number, string>();

/** The page that a tab holds: the address it came from, and the one that it has now, which its scripts may change. */
interface Loaded {
  readonly from: string;
  now: string;
  /** Whether a warning is taking its place just now. */
  leaving?: boolean;
}

const loaded = new Map<number, Loaded>();

/** Notes what a tab holds. A page that is loaded anew is the same one. */
function load(tabId: number, href: string, moment: Moment): Loaded {
  const before = loaded.get(tabId);
  const page = before && (moment !== "commit" || before.from === href || before.now === href) ? before : { from: href, now: href };
  if (moment !== "read") page.now = href;
  loaded.set(tabId, page);
  return page;
}

/** Whether a page has been at an address. In a network people go from one account to the other within one page. */
const was = (page: Loaded | undefined, href: string): boolean => page?.now === href || (page?.from === href && !onNetwork(href));

/**
 * Whether a tab has gone elsewhere since it went to an address. It has not as long as it holds that page, wherever the
 * page begins to lead: what never comes, or is no page, takes its place no more than a name that it gives itself. A
 * window that has just opened says that it shows nothing, which is no other page.
 */
function movedOn(tabId: number, href: string): boolean {
  const going = latest.get(tabId);
  return going !== href && going !== "about:blank" && !was(loaded.get(tabId), href);
}

/** The page that is in each tab, and since when it could be read. */
const came = new Map<number, { href: string; at: number }>();

/**
 * A page that leads on sooner than this may have done so by itself: those that count down begin at ten seconds, if not
 * at five.
 */
const countdown = 12_000;

/**
 * The address that a page is judged by. What a site has made in the browser, and opens there, is a page of that site.
 */
function judged(href: string): string {
  return /^blob:https?:/.test(href) && URL.canParse(href) ? `${new URL(href).origin}/` : href;
}

/**
 * As judged. What stands in a tab without an address is of the site that has opened the tab, if that is listed: only it
 * may write there.
 */
async function judgedIn(tabId: number, href: string): Promise<string> {
  return href === "about:blank" ? ((await session.opener(tabId)) ?? href) : judged(href);
}

/** The address that the page in a tab is judged by, as it is when this is called. */
export async function address(tabId: number): Promise<string | undefined> {
  const href = loaded.get(tabId)?.now ?? (await shown(tabId));
  return href && judgedIn(tabId, href);
}

/**
 * Looks at the address a tab goes to, and acts before the person can be harmed there. What is looked at again is not
 * met anew.
 */
export async function visit(tabId: number, href: string, moment: Moment, again = false): Promise<void> {
  latest.set(tabId, href);
  if (moment !== "before") load(tabId, href, moment);
  if (moment === "commit") standing.end(tabId);
  if (href.startsWith(own(""))) {
    if (moment === "commit") await ownPage(tabId, href);
    return;
  }
  if (moment === "commit" || moment === "read") came.set(tabId, { href, at: Date.now() });
  const address = await judgedIn(tabId, href);
  if (!/^https?:/.test(address)) return;
  const finding = await look(address);
  if (movedOn(tabId, href)) return;
  const network = onNetwork(href);
  const { warning, cover } = shows({ place: network ? "network" : "web", page: await asked({ tabId, href, finding }) });
  const back = leaving.get(tabId);
  if (back && moment === "commit" && finding.verdict !== "listed") {
    back.arrived = true;
    back.until = Date.now() + patienceWithPages;
  }
  if (moment !== "before") void refreshBadge(tabId);

  if (cover && moment === "commit" && back && !back.arrived && back.subject === finding.subject) return void (await leave(cover, false));
  if (cover && moment !== "before") standing[moment === "commit" ? "comes" : "expect"](cover, takeAway);
  const told = network && moment === "within" ? await tell(tabId) : false;
  if (finding.verdict !== "listed" && (moment === "read" || moment === "within") && !again && !(await isPrivate(tabId))) met.page(address);
  if (!warning && !cover) return;
  met.warned(finding.subject);
  if (cover) {
    if (moment === "before" || moment === "commit" || told) return;
    if (moment === "read" && (await tell(tabId))) return;
  }
  // The browser leads to the warning by itself; should it not, the page is seen when it comes.
  if (moment === "before" && (await hot.redirects(href))) return;
  if (!movedOn(tabId, href)) await warn(tabId, href, { address, finding }, moment === "before");
}

/**
 * Firefox asks before it loads a page, where a person has granted access: returns whether it may not be loaded. The
 * warning then takes its place. A covered account is loaded, for the cover to lie over.
 */
export async function holds(tabId: number, href: string): Promise<boolean> {
  if (tabId < 0 || !/^https?:/.test(href)) return false;
  latest.set(tabId, href);
  const { warning } = shows(await known(tabId, href));
  if (!warning) return false;
  if (!movedOn(tabId, href)) void warn(tabId, href, { address: href, finding: warning.finding }, true).catch(() => undefined);
  return true;
}

/**
 * For a warning page that the browser has opened by a rule. Its fragment is the address that it stands for, which
 * anybody could have written: only what the core says about that address counts. Returns the name of a warning; or the
 * address, if it may be opened after all; or nothing, also while the tab is led back over it.
 */
export async function claim(tabId: number, address: string): Promise<{ id: string } | { href: string } | null> {
  if (!/^https?:/.test(address) || !URL.canParse(address)) return null;
  const { href } = new URL(address);
  const finding = await look(href);
  if (await isWarnedOf({ tabId, href, finding })) {
    if (closing.get(tabId) === finding.subject) {
      await shut(tabId);
      return null;
    }
    const before = left(tabId, finding);
    const warning: Warning = { tabId, href, finding, ...wayBack(tabId, href, before, true) };
    badgeLater(warning);
    if (before && !before.arrived) {
      await leave(warning, false);
      return null;
    }
    return { id: await session.addWarning(await dated(warning)) };
  }
  if (finding.verdict !== "listed" && finding.verdict !== "unlisted") return null;
  // The rules know less than the list, or than the session. An address that they never named leads nowhere.
  if (!(await hot.redirects(href))) return null;
  if (finding.verdict === "listed") await hot.allow(tabId, href);
  else await hot.refresh();
  return finding.verdict === "listed" || !(await hot.redirects(href)) ? { href } : null;
}

/**
 * Where the browser refuses to lead from a page of the web to one of ours, the tab is empty, and the warning is opened
 * here.
 */
export async function refused(tabId: number, url: string): Promise<void> {
  const page = own("warning.html#");
  if (!url.startsWith(page)) return;
  const going = latest.get(tabId);
  const claimed = await claim(tabId, url.slice(page.length));
  if (claimed && latest.get(tabId) === going) await navigate(tabId, "id" in claimed ? own(`warning.html#${claimed.id}`) : claimed.href);
}

/** Looks at all tabs: pages that were open before the extension, or, again, before the list that names them. */
export async function visitAll(again: boolean): Promise<void> {
  const tabs = await api.tabs.query({});
  await Promise.all(
    tabs.map(async ({ id }) => {
      const href = id === undefined ? undefined : await at(id);
      if (id !== undefined && href) await visit(id, href, "read", again).catch(() => undefined);
    }),
  );
}

/** The address of the page in a tab. Of one that a site has made itself, the browser tells it only when that comes. */
const at = async (tabId: number): Promise<string | undefined> => (await shown(tabId)) ?? loaded.get(tabId)?.now;

export function forget(tabId: number): void {
  latest.delete(tabId);
  loaded.delete(tabId);
  turning.delete(tabId);
  leaving.delete(tabId);
  came.delete(tabId);
  badges.delete(tabId);
}

const unreadable: Finding = { ...core.nothing, cause: "core" };

/** What is known about an address; "unknown" too if the core itself fails. */
export async function look(href: string): Promise<Finding> {
  return (await lookAll([href]))[0] ?? unreadable;
}

/** What is known about each of many addresses. */
export async function lookAll(hrefs: string[]): Promise<Finding[]> {
  try {
    await restore();
    return await core.check(hrefs.map(judged));
  } catch {
    return hrefs.map(() => unreadable);
  }
}

/** Where a tab is led away from just now: the later events of that visit change nothing. */
const turning = new Map<number, { href: string; page?: Loaded | undefined; until: number }>();

/**
 * The tabs that a person has just told to leave a subject. The way back may lead over
 * it once more, which is no new visit, within three seconds; and the page that it leads to may
 * lead there again by itself, a while later. No worker dies so soon.
 */
const leaving = new Map<number, { subject: string; steps: number; arrived: boolean; returned: number; until: number }>();

/** How long a page that was gone back to is watched, in milliseconds. */
const patienceWithPages = 15_000;

function left(tabId: number, finding: Finding) {
  const found = leaving.get(tabId);
  return found && found.subject === finding.subject && found.until > Date.now() ? found : undefined;
}

/**
 * How the way back stands, for a warning that is opened now. Held means that the browser has not begun to show the
 * page.
 */
function wayBack(tabId: number, href: string, before: ReturnType<typeof left>, held: boolean): Pick<Warning, "near" | "returned"> {
  const returned = before?.arrived ? before.returned + 1 : 0;
  const page = came.get(tabId);
  const byItself = page && (page.href === href || Date.now() - page.at < countdown);
  return { near: held && returned === 0 && !byItself, returned };
}

/** Opens the warning page in place of a listed page; or goes on back, if the person is leaving that page. */
async function warn(tabId: number, href: string, { address, finding }: { address: string; finding: Finding }, held: boolean): Promise<void> {
  const found = loaded.get(tabId);
  const page = was(found, href) ? found : undefined;
  const before = left(tabId, finding);
  const turn = turning.get(tabId);
  // A page that has come all the same is led away from anew; the way back takes each step once.
  const isSame = turn?.page === page || before?.arrived === false;
  if (turn && turn.href === href && turn.until > Date.now() && isSame) return;
  turning.set(tabId, { href, page, until: Date.now() + 1000 });
  const warning = await dated({ tabId, href: address, finding, ...wayBack(tabId, href, before, held) });
  if (before && !before.arrived) return void (await leave(warning, false));
  // The person may have gone elsewhere meanwhile, and must not be taken back from there.
  if (!movedOn(tabId, href)) await replace(warning, page);
}

/**
 * Opens the warning page in place of a page that a warning stands over, or should; or in front of it, where that page
 * is kept with all that somebody may have written there. Going on leads back to it.
 */
export async function takeAway(warning: Warning, fought = true, keeps = false): Promise<void> {
  const { tabId, finding } = warning;
  const page = await shown(tabId);
  if (!page || page.startsWith(own("")) || !(await isWarnedOf(warning))) return;
  const turn = turning.get(tabId);
  if (turn && turn.href === page && turn.until > Date.now()) return;
  turning.set(tabId, { href: page, until: Date.now() + 1000 });
  const there = load(tabId, page, "read");
  await replace(await dated({ ...warning, page, fought, over: true, ...wayBack(tabId, page, left(tabId, finding), false) }), there, keeps);
}

/** By tab that is being closed, the subject that a warning stands beside it for: no page of that one gets another. */
const closing = new Map<number, string>();

/**
 * Opens a warning page in a tab. The page that it is about, if it is there, may ask whether it may be left, lead on and
 * on, or not answer the browser either: then the warning opens beside it, and that tab is closed. What is to be kept
 * has the warning beside it at once.
 */
async function replace(warning: Warning, page?: Loaded, keeps = false): Promise<void> {
  const { tabId, finding } = warning;
  if (!page) return open(warning);
  if (closing.get(tabId) === finding.subject) return shut(tabId);
  if (page.leaving || loaded.get(tabId) !== page) return;
  page.leaving = true;
  try {
    if (!keeps) await open(warning);
    if (!keeps && (await goes(tabId, page))) return;
    const { id = -1 } = await beside(tabId);
    const isThere = () => loaded.get(tabId) === page;
    if (!keeps && !isThere()) return await shut(id);
    if (!keeps) closing.set(tabId, finding.subject);
    await open({ ...warning, tabId: id, near: false, over: false });
    if (!keeps && isThere()) await shut(tabId, isThere);
  } finally {
    closing.delete(tabId);
    page.leaving = false;
  }
}

async function open(warning: Warning): Promise<void> {
  // The page asks the worker if it is there before its record.
  const id = session.random();
  const record = session.addWarning(warning, id);
  await navigate(warning.tabId, own(`warning.html#${id}`));
  await record;
}

/** Whether a page goes from its tab before long. What comes after it, maybe at once, is no more of its doing. */
async function goes(tabId: number, page: Loaded): Promise<boolean> {
  for (let looks = 0; looks < 16; looks++) {
    await new Promise((resolve) => setTimeout(resolve, 250));
    const tab = await api.tabs.get(tabId).catch(() => undefined);
    if (loaded.get(tabId) !== page || !tab || tab.url?.startsWith(own(""))) return true;
  }
  return false;
}

/** Puts the badge on a warning page; or goes on back over an older one. */
async function ownPage(tabId: number, href: string): Promise<void> {
  turning.delete(tabId);
  const id = new URL(href).hash.slice(1);
  const before = came.get(tabId)?.href;
  const warning = await session.warning(tabId, id);
  if (!warning) return;
  if (closing.get(tabId) === warning.finding.subject) return shut(tabId);
  badgeLater(warning);
  // It came into the tab all the same, while its warning was on the way.
  if (warning.near && before === warning.href) await session.setWarning(id, { ...warning, near: false });
  if (left(tabId, warning.finding)?.arrived === false) await leave(warning, false);
}

/**
 * Puts the badge of a warning on its tab. The browser draws its buttons on the thread that brings the page, which comes
 * first.
 */
function badgeLater(warning: Warning): void {
  const { tabId } = warning;
  setTimeout(() => {
    if (latest.get(tabId)?.startsWith(own(""))) void badge(tabId, shows({ place: "warning", page: { warning } }).badge);
  }, 200);
}

const maxSteps = 6;

/**
 * Leads away from what a warning is about: back, or to a new tab where there is no way back. Returns by how many steps
 * the page of the warning is to go back by itself.
 *
 * The browser's own way back leaves out pages that nobody has touched. That is right for one which has led to the scam
 * by itself, and wrong for one on which a person has only read before typing an address.
 */
export async function leave({ tabId, finding, near, over, returned = 0 }: Warning, close: boolean): Promise<number> {
  const before = left(tabId, finding);
  const steps = before?.steps ?? 0;
  const isFirst = !before || before.arrived;
  if (!close && returned < 2 && steps < maxSteps) {
    leaving.set(tabId, { subject: finding.subject, steps: steps + 1, arrived: false, returned, until: Date.now() + 3000 });
    if (isFirst && over) return 2;
    if (isFirst && near) return 1;
    const went = await api.tabs.goBack(tabId).then(
      () => true,
      () => false,
    );
    if (went) return 0;
  }
  await renew(tabId);
  return 0;
}

/** What a warning says, by the list in use. */
export async function notice(warning: Warning, details: Notice["details"] = "pending"): Promise<Notice> {
  return session.notice(await dated(warning), details);
}

const dated = async (warning: Warning): Promise<Warning> => ({ ...warning, issued: (await restore()).opened.issued });

/**
 * Asks for the bucket of a finding and tells the reason in it. A bucket that does not
 * hold the subject means that two names share a prefix: then the warning is withdrawn.
 */
export async function details(warning: Warning): Promise<Detailed> {
  try {
    return await confirmed(warning);
  } catch (err) {
    if (err instanceof ServerError && err.status === 0) return notice(warning, "offline");
  }
  // The server has no such bucket, or another than the list in use has signed: look again with the newest.
  await update("by a person");
  const finding = await look(warning.href);
  if (finding.verdict === "unlisted") return "withdrawn";
  if (finding.subject !== warning.finding.subject || finding.bucket === warning.finding.bucket) return notice(warning, "offline");
  return confirmed({ ...warning, finding }).catch(() => notice(warning, "offline"));
}

const maxBucket = 1 << 20;

async function confirmed(warning: Warning): Promise<Detailed> {
  const { bucket, subject } = warning.finding;
  await restore();
  const finding = await core.resolve(subject, (await get(bucket, maxBucket)).body);
  if (finding.verdict === "listed") return notice({ ...warning, finding });
  await session.clear(bucket, subject);
  for (const { id } of await api.tabs.query({})) if (id !== undefined) void refreshBadge(id);
  return "withdrawn";
}

const networks = (api.runtime.getManifest().content_scripts?.[0]?.matches ?? []).map((pattern) => pattern.replace(/^\*:\/\/(\*\.)?/, "").replace(/\/.*$/, ""));

/** Whether our content script runs at an address. */
export function onNetwork(href: string): boolean {
  if (!URL.canParse(href)) return false;
  const host = new URL(href).hostname;
  return networks.some((name) => host === name || host.endsWith("." + name));
}

/** Tells the content script of a tab to look again, and returns whether one answered. */
async function tell(tabId: number): Promise<boolean> {
  return (await api.tabs.sendMessage(tabId, lookAgain, { frameId: 0 }).catch(() => false)) === true;
}

const red = "#b3261e";
const grey = "#5f6368";
const amber = "#7a4f00";

/** Whether something that was listed was let through since. */
export const asked = async (warning: Warning): Promise<Asked> => ({
  warning,
  through: warning.finding.verdict === "listed" ? await session.letThrough(warning.tabId, warning.finding) : undefined,
});

/** Whether somebody is to be warned about something, wherever it stands. */
const isWarnedOf = async (warning: Warning): Promise<boolean> => shows({ place: "web", page: await asked(warning) }).warning !== undefined;

/** What is known of an address in a tab, by the list alone. */
export async function known(tabId: number, href: string): Promise<Known> {
  const address = await judgedIn(tabId, href);
  const isWeb = /^https?:/.test(address);
  const finding: Finding = isWeb ? await look(address) : { ...core.nothing, verdict: "unlisted" };
  return { place: !isWeb ? "elsewhere" : onNetwork(href) ? "network" : "web", page: await asked({ tabId, href: address, finding }) };
}

/**
 * All that is known of the page at an address in a tab. What it calls itself is read when the popup opens, and not
 * before.
 */
export async function all(tabId: number, href: string): Promise<Known> {
  const open = href.startsWith(own("")) ? await session.warning(tabId, new URL(href).hash.slice(1)) : undefined;
  if (open) return { place: "warning", page: { warning: open } };
  const [visited, account, borrowing, framed] = await Promise.all([known(tabId, href), session.account(tabId), session.borrowing(tabId), session.framed(tabId)]);
  const { page, place } = visited;
  const also = account?.page === href ? await asked(account) : undefined;
  const frames = await Promise.all(
    Object.values(framed).map(async (warning) => ({ ...(await asked(warning)), hushed: await session.hushed(tabId, warning.finding.subject) })),
  );
  const mayBorrow = place !== "elsewhere" && isUnlisted(page);
  const resembles = mayBorrow && (borrowing === href || (await core.resemble(page.warning.href, "", []).catch(() => core.nothing)).verdict === "caution");
  return { ...visited, also, frames, resembles, granted: frames.length > 0 && (await hot.grantedAt(href)), list };
}

/** The address of the page in a tab, as its scripts may have changed it. */
export const here = async (tabId: number): Promise<string> => loaded.get(tabId)?.now ?? (await shown(tabId)) ?? "";

/** What the page in a tab shows now. */
export async function now(tabId: number): Promise<Shown> {
  return shows(await all(tabId, await here(tabId)));
}

/** By tab, what draws its badge: one at a time, so that the last is drawn by what is known last. */
const badges = new Map<number, () => Promise<void>>();

/** Shows on the toolbar what is known now about the page in a tab. */
export function refreshBadge(tabId: number): Promise<void> {
  const draw = badges.get(tabId) ?? inTurn(async () => {
    // A warning has its own, which comes after it.
    if (!(await here(tabId)).startsWith(own(""))) await badge(tabId, (await now(tabId)).badge);
  });
  badges.set(tabId, draw);
  return draw().catch(() => undefined); // it is drawn anew with the next that is told of the tab
}

/** What stands on the toolbar button. Where there is nothing to say about a page, it is what stands there for all. */
const buttons: Record<Badge, [text: string | null, color: string, title: Key]> = {
  listed: ["!", red, "titleListed"],
  framed: ["!", red, "titleFramed"],
  caution: ["?!", amber, "titleCaution"],
  unknown: ["?", grey, "titleUnknown"],
  outdated: [null, grey, "titleOutdated"],
  nothing: [null, grey, "titleNothing"],
};

async function badge(tabId: number, shown: Badge): Promise<void> {
  const [text, color, title] = buttons[shown];
  const isOld = shown === "outdated" || (shown === "unknown" && list !== "fresh");
  await toolbar(text, color, isOld ? outdated() : t(title), tabId).catch(() => undefined); // the tab is gone
}

export async function health(): Promise<Health> {
  try {
    const { opened } = await restore();
    const { checked, heard } = await status();
    const now = core.now();
    if (ahead(now, opened.issued, heard) !== 0) return "clock";
    if (opened.expires <= now) return "expired";
    return Math.max(past(checked, now), opened.issued) < now - patience ? "outdated" : "fresh";
  } catch {
    return "off";
  }
}

/** How it is with the list, as far as showHealth knows. */
let list: Health = "fresh";

/** What the toolbar button says where the list is all there is to say something about. */
const outdated = () => t(list === "clock" ? "titleClock" : "titleOutdated");

/** Makes a list that is out of date visible in every tab. */
export async function showHealth(): Promise<void> {
  list = await health();
  await ready();
  const fresh = list === "fresh";
  const late = fresh ? await met.unseen() : 0;
  if (late > 0) await toolbar(String(late), amber, t("lateTitle"));
  else await toolbar(fresh ? "" : "?", grey, fresh ? t("titleNothing") : outdated());
}
