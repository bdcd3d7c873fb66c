// The background of the extension. The browser stops it when it idles and starts it
// for an event, so every listener is registered on the first tick, before anything
// is loaded; each then waits for what it needs.

import * as advice from "./advice";
import * as asked from "./asked";
import { api, hidden, inPrivate, isPrivate, openWindow, own, shown } from "../shared/ext";
import * as core from "./core";
import * as attachment from "./attachment";
import * as feed from "./feedasks";
import * as frames from "./frames";
import * as guard from "./guard";
import * as hot from "./hot";
import { isMessage, whoseIsIt, type FromAnywhere, type FromBanner, type FromFeed, type FromLate, type FromOptions, type FromOverlay, type FromPages, type FromStand, type Handlers, type Message, type Page, type Whose } from "../shared/message";
import { fromLate } from "./lateasks";
import { links } from "./leads";
import * as menu from "./menu";
import * as met from "./met";
import { networkOf } from "../shared/networks";
import * as pictures from "../shared/pictures";
import type { Finding } from "../shared/protocol";
import * as receipts from "./receipts";
import * as report from "./report";
import * as screens from "./screens";
import * as session from "../shared/session";
import * as standing from "./standing";
import type { Warning } from "../shared/session";
import * as store from "./store";
import { isUnlisted, shows, type Asked, type Known } from "./tab";
import { due, update } from "./update";
import { isAccount } from "../shared/what";
import { otherwise, others } from "./whose";

/** The tab of a message that a page or a content script has sent. */
type Sender = chrome.runtime.MessageSender;

const visits = (moment: guard.Moment) => (details: frames.Frame) => {
  if (details.frameId === 0 && !hidden(details)) {
    if (moment === "commit") void session.left(details.tabId);
    void guard.visit(details.tabId, details.url, moment);
  } else if (moment !== "before" && moment !== "read" && frames.inside(details)) void frames.visit(details);
};

api.webNavigation.onBeforeNavigate.addListener(visits("before"));
// A redirect shows its target when it is committed.
api.webNavigation.onCommitted.addListener(visits("commit"));
api.webNavigation.onDOMContentLoaded.addListener(visits("read"));
api.webNavigation.onHistoryStateUpdated.addListener(visits("within"));
api.webNavigation.onReferenceFragmentUpdated.addListener(visits("within"));
api.webNavigation.onCompleted.addListener((details) => {
  // A page that was rendered ahead, or kept for the way back, brings its frames along.
  if (details.frameId === 0 && !hidden(details)) void frames.visitAll(details.tabId);
});
api.webNavigation.onCreatedNavigationTarget.addListener((details) => void frames.opened(details));
api.webNavigation.onErrorOccurred.addListener((details) => {
  if (details.frameId === 0 && !hidden(details)) void guard.refused(details.tabId, details.url);
});
// Only Firefox lets a page be held back by a script, and only where a person has granted access to it.
api.webRequest?.onBeforeRequest.addListener(
  // The types know Chromium alone, which takes no promise here.
  ((details: { tabId: number; url: string }) => guard.holds(details.tabId, details.url).then((cancel) => ({ cancel }))) as never,
  { urls: ["*://*/*"], types: ["main_frame"] },
  ["blocking"],
);
api.permissions.onAdded.addListener(() => void hot.refresh());
api.permissions.onRemoved.addListener(() => void hot.refresh());
api.webNavigation.onTabReplaced.addListener(async ({ tabId }) => {
  const href = await shown(tabId);
  if (href) await guard.visit(tabId, href, "read");
});
api.tabs.onRemoved.addListener((tabId) => {
  guard.forget(tabId);
  standing.forget(tabId);
  void session.forget(tabId);
  void hot.forget(tabId);
});

api.tabs.onActivated.addListener(async ({ tabId }) => {
  for (const warning of await over(tabId)) standing.expect(warning, guard.takeAway);
});

api.runtime.onInstalled.addListener(async ({ reason }) => {
  if (reason === "install") await screens.welcome();
  await menu.fill();
});
// Wakes the worker when the browser starts; what there is to do is done at each start.
api.runtime.onStartup.addListener(() => undefined);

api.contextMenus?.onClicked.addListener(async (info, tab) => {
  if (asked.clicked(info, tab)) return;
  const link = info.menuItemId === "link";
  const address = link ? info.linkUrl : info.pageUrl;
  if (!address) return;
  const id = await session.addRequest({ href: new URL(address).href, title: link ? "" : (tab?.title ?? "") });
  await openWindow(`popup.html#${id}`, tab?.incognito === true);
});

api.alarms.onAlarm.addListener(({ name }) => {
  if (name === "update") void refresh("by itself");
  if (name === "reports") void deliver();
  if (name === receipts.alarm) void receipts.follow(false).then(receipts.keepAlarm);
});

api.runtime.onMessage.addListener((message: unknown, sender: Sender, reply: (answer: unknown) => void) => {
  void answer(message, sender).then(
    (ok) => reply({ ok: ok ?? null }),
    () => reply(undefined),
  );
  return true;
});

// Each start: the list, the clock, what was left over, and what was open before.
screens.watch(listMoved);
void hot.prepare();
void store.restore().then(guard.showHealth, guard.showHealth);
void keepAlarm();
void due().then((next) => (next * 1000 <= Date.now() ? refresh("by itself") : undefined));
void deliver();
void begin();

/** What was open before the extension was started, installed or switched on is looked at, once. */
async function begin(): Promise<void> {
  if (!(await session.begins())) return;
  await Promise.all([visitAll(false), hot.refresh()]);
}

/** Looks at everything again, by another list. */
async function listMoved(): Promise<void> {
  await Promise.all([visitAll(true), feed.tellAll(), hot.refresh()]);
}

/** Looks at all tabs and their frames; again, if they were looked at before. */
async function visitAll(again: boolean): Promise<void> {
  const tabs = await api.tabs.query({});
  await Promise.all([guard.visitAll(again), ...tabs.map(({ id }) => (id === undefined ? undefined : frames.visitAll(id)))]);
}

/** The alarm outlives the worker, but not everything that can happen to a profile. */
async function keepAlarm(): Promise<void> {
  const when = Math.max((await due()) * 1000, Date.now() + 30_000);
  const alarm = await api.alarms.get("update");
  if (!alarm || Math.abs(alarm.scheduledTime - when) > 1000) await api.alarms.create("update", { when, periodInMinutes: 60 });
}

async function refresh(asked: "by itself" | "by a person"): Promise<void> {
  const changed = await update(asked);
  await keepAlarm();
  await guard.showHealth();
  if (changed) await listMoved();
  await met.catchUp().then(guard.showHealth, () => undefined);
  if ((await store.status()).error === "") await deliver(true);
}

let timer: ReturnType<typeof setTimeout> | undefined;

/** Sends what is due and comes back for the rest: soon by a timer, and by an alarm if the worker is stopped before. */
async function deliver(reachable = false): Promise<void> {
  const dues = [await report.flush(reachable).catch(() => 0), await attachment.flush().catch(() => 0)].filter((due) => due > 0);
  void receipts.keepAlarm();
  const next = dues.length > 0 ? Math.min(...dues) : 0;
  clearTimeout(timer);
  if (next === 0) return;
  const wait = Math.max(next - Date.now(), 0);
  if (wait < 60_000) timer = setTimeout(() => void deliver(), wait);
  await api.alarms.create("reports", { when: next });
}

/** Untrusted senders first: what a content script may ask stands apart from what our own pages may. */
async function answer(message: unknown, sender: Sender): Promise<unknown> {
  // What the browser says about the sender decides; what the message says about itself never does.
  const { id, origin, tab, frameId } = sender;
  if (id !== api.runtime.id || origin === undefined || (tab && frameId !== 0)) throw new Error("the sender is nobody");
  const isOurs = origin === own("").slice(0, -1);
  const handlers = (isOurs ? fromPages : fromScripts) as Record<string, unknown>;
  const handle = isMessage(message, isOurs) && Object.hasOwn(handlers, message.ask) ? handlers[message.ask] : undefined;
  if (!handle || (!isOurs && tab?.id === undefined)) throw new Error("it is not theirs to ask");
  return (handle as (body: unknown, tabId: number, origin: string) => unknown)((message as Message).body, tab?.id ?? -1, origin);
}

const fromScripts: Handlers<FromOverlay & FromFeed & FromBanner & FromStand & FromAnywhere, [tabId: number, origin: string]> = {
  ...screens.fromAnywhere,
  "feed.check": feed.check,
  async "feed.why"({ href }, tabId, origin) {
    if (networkOf(new URL(origin).hostname) && (await feed.about(href, tabId))) await asked.openFrom(tabId, "mark", href);
    return null;
  },
  async "overlay.look"({ href, names }, tabId, origin) {
    // The browser vouches for the site, the script for the rest of the address: it may be newer than the browser's.
    if (!URL.canParse(href) || new URL(href).origin !== origin) return null;
    const known = await guard.known(tabId, href);
    known.also = await whatItSays(tabId, href, known, names);
    const { told, cover } = shows(known);
    const account = told && isAccount(told.finding.subject) ? told : undefined;
    const before = await session.account(tabId);
    if (before && before.finding.subject !== account?.finding.subject) standing.end(tabId, before.finding.subject);
    await session.setAccount(tabId, account);
    if (cover) standing.comes(cover, guard.takeAway);
    else if (account) standing.end(tabId, account.finding.subject);
    void guard.refreshBadge(tabId);
    return cover ? guard.notice(cover) : null;
  },
  async "overlay.details"({ subject }, tabId) {
    const warning = await coveredAs(tabId, subject);
    return warning ? guard.details(warning) : null;
  },
  async "overlay.leave"({ subject, close }, tabId) {
    const warning = await coveredAs(tabId, subject);
    if (warning) await guard.leave(warning, close);
    return null;
  },
  async "overlay.warn"({ subject }, tabId) {
    const warning = await coveredAs(tabId, subject);
    if (warning) await guard.takeAway(warning, false);
    return null;
  },
  async "stand.is"({ subject, state }, tabId) {
    const warning = (await over(tabId)).find(({ finding }) => finding.subject === subject);
    if (warning) await standing.said(warning, state, guard.takeAway);
    return null;
  },
  async "banner.look"(_, tabId) {
    const { banner } = await guard.now(tabId);
    if (banner) standing.expect(banner, guard.takeAway);
    return banner ? guard.notice(banner) : null;
  },
  async "banner.details"({ subject }, tabId) {
    const warning = await frames.framed(tabId, subject);
    return warning ? guard.details(warning) : null;
  },
  async "banner.leave"(_, tabId) {
    if (await frames.framed(tabId)) await frames.leave(tabId);
    return null;
  },
  async "banner.why"({ subject }, tabId) {
    if (await frames.framed(tabId, subject)) await asked.openFrom(tabId, "frame", subject);
    return null;
  },
};

/** What the warnings are about that must stand over the page in a tab. */
async function over(tabId: number): Promise<Warning[]> {
  const [cover, { banner }] = await Promise.all([covered(tabId), guard.now(tabId)]);
  return [cover, banner].filter((warning) => warning !== undefined);
}

/** What is covered in a tab, by what our script there has said last. */
async function covered(tabId: number): Promise<Warning | undefined> {
  const account = await session.account(tabId);
  return account && shows({ place: "network", page: await guard.asked(account) }).cover;
}

/** The same, if it is what the content script says. */
async function coveredAs(tabId: number, subject: string): Promise<Warning | undefined> {
  const warning = await covered(tabId);
  return warning?.finding.subject === subject ? warning : undefined;
}

/** What is listed under another name of a page, which its document gives. */
async function whatItSays(tabId: number, href: string, { page }: Known, names: unknown): Promise<Asked | undefined> {
  const other = isUnlisted(page) ? await otherwise(href, names).catch(() => undefined) : undefined;
  return other && guard.asked({ tabId, ...other, page: href });
}

const fromPages: Handlers<FromPages & FromAnywhere & FromOptions & FromLate, [tabId: number]> = {
  ...screens.fromAnywhere,
  ...screens.fromOptions,
  ...fromLate,
  async "warning.look"({ id }, tabId) {
    const warning = await session.warning(tabId, id);
    return warning ? session.notice(warning) : null;
  },
  async "warning.details"({ id }, tabId) {
    const warning = await session.warning(tabId, id);
    return warning ? guard.details(warning) : null;
  },
  async "warning.leave"({ id, close }, tabId) {
    const warning = await session.warning(tabId, id);
    return warning ? guard.leave(warning, close) : 0;
  },
  async "warning.mistake"({ id }, tabId) {
    const warning = await session.warning(tabId, id);
    return warning ? mistake(warning.finding.subject, await isPrivate(tabId)) : "failed";
  },
  "warning.claim": ({ href }, tabId) => guard.claim(tabId, href),
  "access.state": () => hot.state(),
  async "warning.pass"({ id }, tabId) {
    const warning = await session.warning(tabId, id);
    if (!warning) return null;
    await session.pass(tabId, warning.finding.subject);
    await hot.allow(tabId, warning.href);
    return warning.page ?? warning.href;
  },
  async "popup.page"(from, here) {
    if ("tabId" in from) return pageOf(from.tabId, from.address, from.title);
    const request = await session.request(from.request);
    return page(-1, request?.href ?? "", request?.title ?? "", await isPrivate(here));
  },
  "popup.protection": screens.protection,
  async "popup.refresh"() {
    await refresh("by a person");
    return screens.protection();
  },
  async "popup.ask"({ text }) {
    if (!(await inPrivate())) met.asked(text);
    await store.restore();
    const found = await core.look(text);
    return found.map(({ shown, verdict, category, resembles, real, cause }) => ({ shown, state: verdict, category, resembles, real, cause }));
  },
  "popup.marked": ({ tabId }) => feed.marks(tabId),
  "answer.look": asked.look,
  async "answer.details"({ finding, tabId }) {
    const detailed = await guard.details({ tabId, href: "", finding });
    if (detailed === "withdrawn") await feed.tell(tabId);
    return detailed;
  },
  "answer.mistake": ({ subject, isPrivate }) => mistake(subject, isPrivate),
  async "answer.hush"({ tabId, subject }) {
    await frames.hush(tabId, subject);
    return null;
  },
  async "popup.details"({ href }) {
    const finding = await guard.look(href);
    return finding.verdict === "listed" ? guard.details({ tabId: -1, href, finding }) : null;
  },
  async "advice.countries"() {
    await store.restore();
    return advice.countries();
  },
  async "advice.card"({ href, category }) {
    await store.restore();
    return category ? advice.afterWarning(category, href) : advice.ofTheWeek(href);
  },
  async "advice.dismiss"({ id }) {
    await advice.dismiss(id);
    return null;
  },
  async "popup.report"({ href, title, tabId }, from) {
    const entry = await report.add(await screens.draft(href, title), await isPrivate(tabId ?? from));
    void deliver();
    if (tabId !== null) void links(tabId, href).then((found) => report.lead(entry.id, found));
    return entry;
  },
  async "popup.undo"({ id }) {
    const undone = await report.undo(id);
    if (undone) await pictures.drop(id);
    return undone;
  },
  "popup.extents": ({ href }) => screens.extents(href),
  async "popup.describe"({ id, category, note }) {
    const entry = await report.describe(id, category, note);
    void deliver();
    return entry ?? null;
  },
  async "popup.entry"({ id, follow }) {
    if (follow) await receipts.follow(true);
    return (await report.find(id)) ?? null;
  },
  "picture.take": ({ id, windowId }) => attachment.take(id, windowId),
  async "picture.go"() {
    void deliver();
    return null;
  },
};

/** Tells the maintainers that something is listed and should not be: its name and nothing else. */
async function mistake(subject: string, privately: boolean): Promise<"queued" | "failed"> {
  const draft = { kind: "mistake", href: "", subject, title: "", language: "" } as const;
  try {
    await report.add(draft, privately, 0);
  } catch {
    return "failed";
  }
  void deliver();
  return "queued";
}

async function pageOf(tabId: number, told: string, title: string): Promise<Page> {
  // Chromium tells the address of a warning page with the tab, and not with its frame; of what a page has made, only
  // when that comes.
  return page(tabId, told || (await guard.here(tabId)), title, await isPrivate(tabId));
}

async function page(tabId: number, address: string, title: string, privately: boolean): Promise<Page> {
  const href = URL.canParse(address) ? new URL(address).href : "";
  const [known, sent] = await Promise.all([guard.all(tabId, href), report.about(href, privately).then((entry) => entry ?? null, () => null)]);
  const like = known.place !== "elsewhere" && isUnlisted(known.page) ? await lookInto(tabId, href, title, known) : core.nothing;
  const { state, told } = shows(known);
  const why = told ? await guard.notice(told) : null;
  const isListed = state === "listed" || state === "passed";
  const { resembles, real, owner } = state === "caution" || state === "unlisted" ? like : core.nothing;
  return {
    href: known.place !== "elsewhere" ? known.page.warning.href : state === "other" ? href : "",
    title: known.place === "warning" ? "" : title,
    state,
    category: why?.category ?? "",
    resembles,
    real,
    owner,
    why,
    report: isListed ? null : sent,
  };
}

/** Adds to what is known of a page what it says and calls itself, and returns whom it passes itself off as. */
async function lookInto(tabId: number, href: string, title: string, known: Known): Promise<Finding> {
  const whose: Partial<Record<keyof Whose, unknown>> | undefined = networkOf(new URL(href).hostname)
    ? await api.tabs.sendMessage(tabId, whoseIsIt, { frameId: 0 }).catch(() => undefined)
    : undefined;
  const said = whose?.names ?? [];
  const called = typeof whose?.called === "string" && whose.called !== "" ? whose.called : title;
  known.also = (await whatItSays(tabId, href, known, said)) ?? known.also; // where no script of ours answers, what it said before
  const like = await core.resemble(known.page.warning.href, called, await others(href, said).catch(() => [])).catch(() => core.nothing);
  known.resembles = like.verdict === "caution";
  const drawn = tabId >= 0 ? remember(tabId, href, known) : undefined;
  if (known.resembles) await drawn; // it is news to the toolbar
  return like;
}

/** Has the toolbar say what the popup says. */
async function remember(tabId: number, href: string, { also, resembles }: Known): Promise<void> {
  if (also) await session.setAccount(tabId, also.warning);
  await session.setBorrowing(tabId, resembles ? href : undefined);
  await guard.refreshBadge(tabId);
}
