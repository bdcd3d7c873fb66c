// The background of the extension. The browser stops it when it idles and starts it
// for an event, so every listener is registered on the first tick, before anything
// is loaded; each then waits for what it needs.

import * as advice from "./advice";
import { api, hidden, openPopup, own, shown } from "./ext";
import * as beside from "./beside";
import * as core from "./core";
import * as attachment from "./attachment";
import * as feed from "./feedasks";
import * as frames from "./frames";
import * as guard from "./guard";
import * as hot from "./hot";
import type { FromAnywhere, FromBanner, FromFeed, FromLate, FromOptions, FromOverlay, FromPages, Handlers, Message, Page } from "./message";
import { fromLate } from "./lateasks";
import { links } from "./leads";
import * as menu from "./menu";
import * as met from "./met";
import * as receipts from "./receipts";
import * as report from "./report";
import * as screens from "./screens";
import * as session from "./session";
import type { Warning } from "./session";
import * as store from "./store";
import { due, update } from "./update";
import { otherwise } from "./whose";

/** The tab of a message that a page or a content script has sent. */
type Sender = chrome.runtime.MessageSender;

const visits = (moment: guard.Moment) => (details: frames.Frame) => {
  if (details.frameId === 0 && !hidden(details)) {
    if (moment === "commit") void frames.left(details.tabId);
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
  void session.forget(tabId);
  void hot.forget(tabId);
});

api.runtime.onInstalled.addListener(async ({ reason }) => {
  if (reason === "install") await screens.welcome();
  await menu.fill();
});
// Wakes the worker when the browser starts; what there is to do is done at each start.
api.runtime.onStartup.addListener(() => undefined);

api.contextMenus?.onClicked.addListener(async (info, tab) => {
  if (beside.clicked(info, tab)) return;
  const link = info.menuItemId === "link";
  const address = link ? info.linkUrl : info.pageUrl;
  if (!address) return;
  const id = await session.addRequest({ href: new URL(address).href, title: link ? "" : (tab?.title ?? ""), text: "" });
  await openPopup(id);
});

api.alarms.onAlarm.addListener(({ name }) => {
  if (name === "update") void refresh("by itself");
  if (name === "reports") void deliver();
  if (name === receipts.alarm) void receipts.follow(false).then(receipts.keepAlarm);
});

api.runtime.onMessage.addListener((message: Message, sender: Sender, reply: (answer: unknown) => void) => {
  void answer(message, sender).then(
    (ok) => reply({ ok: ok ?? null }),
    () => reply(undefined),
  );
  return true;
});

// Each start: the list, the clock, and what was left over.
void store.restore().then(guard.showHealth, guard.showHealth);
screens.watch(listMoved);
met.watch();
void begin();
void keepAlarm();
void due().then((next) => (next * 1000 <= Date.now() ? refresh("by itself") : undefined));
void deliver();

/** What was open before the extension was started, installed or switched on is looked at, once. */
async function begin(): Promise<void> {
  if (!(await session.begins())) return;
  await Promise.all([visitAll(), hot.refresh()]);
}

/** Looks at everything again, by another list. */
async function listMoved(): Promise<void> {
  await Promise.all([visitAll(), feed.tellAll(), hot.refresh()]);
}

async function visitAll(): Promise<void> {
  const tabs = await api.tabs.query({});
  await Promise.all([guard.visitAll(), ...tabs.map(({ id }) => (id === undefined ? undefined : frames.visitAll(id)))]);
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
async function answer(message: Message, sender: Sender): Promise<unknown> {
  // What the browser says about the sender decides; what the message says about itself never does.
  const { id, origin, tab, frameId } = sender;
  if (id !== api.runtime.id || origin === undefined || (tab && frameId !== 0)) return undefined;
  if (origin !== own("").slice(0, -1)) {
    if (tab?.id === undefined) return undefined;
    const handle = fromScripts[message.ask as keyof typeof fromScripts] as ((body: unknown, tabId: number, origin: string) => unknown) | undefined;
    return handle?.(message.body, tab.id, origin);
  }
  const handle = fromPages[message.ask as keyof typeof fromPages] as ((body: unknown, tabId: number) => unknown) | undefined;
  return handle?.(message.body, tab?.id ?? -1);
}

const fromScripts: Handlers<FromOverlay & FromFeed & FromBanner & FromAnywhere, [tabId: number, origin: string]> = {
  ...screens.fromAnywhere,
  "feed.check": feed.check,
  "feed.details": feed.reason,
  async "feed.mistake"({ href }, tabId, origin) {
    return mistake(await feed.warning(href, tabId, origin));
  },
  async "overlay.look"({ href, names }, tabId, origin) {
    // The browser vouches for the site, the script for the rest of the address: it may be newer than the browser's.
    if (!URL.canParse(href) || new URL(href).origin !== origin) return null;
    let warning: Warning = { tabId, href, finding: await guard.look(href), again: false };
    const other = warning.finding.verdict === "unlisted" ? await otherwise(href, names).catch(() => undefined) : undefined;
    if (other) warning = { ...warning, ...other, page: href };
    const { finding } = warning;
    const listed = finding.verdict === "listed" && guard.isAccount(finding.subject) && !(await session.letThrough(tabId, finding));
    await session.setCovered(listed ? warning : undefined, tabId);
    if (listed && other) await guard.badge(tabId, "listed");
    return listed ? guard.notice(warning) : null;
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
  async "overlay.mistake"({ subject }, tabId) {
    return mistake(await coveredAs(tabId, subject));
  },
  async "overlay.pass"({ subject }, tabId) {
    const warning = await coveredAs(tabId, subject);
    if (warning) await session.pass(tabId, subject);
    return warning !== undefined;
  },
  "banner.look": (_, tabId) => frames.notice(tabId),
  async "banner.details"({ subject }, tabId) {
    const warning = await frames.framed(tabId, subject);
    return warning ? guard.details(warning) : null;
  },
  async "banner.leave"(_, tabId) {
    if (await frames.framed(tabId)) await frames.leave(tabId);
    return null;
  },
  async "banner.mistake"({ subject }, tabId) {
    return mistake(await frames.framed(tabId, subject));
  },
  async "banner.close"({ subject }, tabId) {
    await frames.hush(tabId, subject);
    return null;
  },
};

/** What is covered in a tab, if it is what the content script says. */
async function coveredAs(tabId: number, subject: string): Promise<Warning | undefined> {
  const warning = await session.covered(tabId);
  return warning?.finding.subject === subject ? warning : undefined;
}

const fromPages: Handlers<FromPages & FromAnywhere & FromOptions & FromLate, [tabId: number]> = {
  ...screens.fromAnywhere,
  ...screens.fromOptions,
  ...fromLate,
  async "warning.look"({ id }, tabId) {
    const warning = await session.warning(tabId, id);
    return warning ? guard.notice(warning) : null;
  },
  async "warning.details"({ id }, tabId) {
    const warning = await session.warning(tabId, id);
    return warning ? guard.details(warning) : null;
  },
  async "warning.leave"({ id, close }, tabId) {
    const warning = await session.warning(tabId, id);
    if (warning) await guard.leave(warning, close);
    return null;
  },
  async "warning.mistake"({ id }, tabId) {
    return mistake(await session.warning(tabId, id));
  },
  "warning.claim": ({ href }, tabId) => guard.claim(tabId, href),
  "access.state": () => hot.state(),
  async "warning.pass"({ id }, tabId) {
    const warning = await session.warning(tabId, id);
    if (!warning) return null;
    await session.pass(tabId, warning.finding.subject);
    await hot.allow(tabId, warning.href);
    return warning.href;
  },
  async "popup.page"(from) {
    if ("tabId" in from) return pageOf(from.tabId);
    const request = await session.request(from.request);
    return { ...(await page(-1, request?.href ?? "", request?.title ?? "")), text: request?.text ?? "" };
  },
  "popup.protection": screens.protection,
  async "popup.refresh"() {
    await refresh("by a person");
    return screens.protection();
  },
  async "popup.ask"({ text }) {
    met.asked(text);
    await store.restore();
    const found = await core.look(text);
    return found.map(({ shown, verdict, category, resembles, real }) => ({ shown, state: verdict, category, resembles, real }));
  },
  async "popup.details"({ href }) {
    const finding = await guard.look(href);
    return finding.verdict === "listed" ? guard.details({ tabId: -1, href, finding, again: false }) : null;
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
  async "popup.report"({ href, title, tabId }) {
    const entry = await report.add(await screens.draft(href, title));
    void deliver();
    if (tabId !== null) void links(tabId, href).then((found) => report.lead(entry.id, found));
    return entry;
  },
  async "popup.undo"({ id }) {
    const undone = await report.undo(id);
    if (undone) await attachment.drop(id);
    return undone;
  },
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
async function mistake(warning: Warning | undefined): Promise<"queued" | "failed"> {
  if (!warning) return "failed";
  const draft = { kind: "mistake", href: "", subject: warning.finding.subject, title: "", language: await screens.spoken() } as const;
  try {
    await report.add(draft, 0);
  } catch {
    return "failed";
  }
  void deliver();
  return "queued";
}

async function pageOf(tabId: number): Promise<Page> {
  const tab = await api.tabs.get(tabId);
  // Chromium tells the address of a warning page with the tab, and not with its frame.
  const address = tab.url ?? (await shown(tabId)) ?? "";
  const warning = address.startsWith(own("")) ? await session.warning(tabId, new URL(address).hash.slice(1)) : undefined;
  if (warning) return { ...blank, href: warning.href, title: "", state: "listed", category: warning.finding.category, why: await guard.notice(warning) };
  return page(tabId, address, tab.title ?? "");
}

const blank = { category: "", resembles: "", real: "", owner: "", why: null, report: null, text: "" };

async function page(tabId: number, address: string, title: string): Promise<Page> {
  const href = URL.canParse(address) ? new URL(address).href : "";
  const none = { ...blank, href, title };
  if (!/^https?:/.test(href)) return { ...none, state: "other" };
  const [finding, sent, covered, framed] = await Promise.all([
    guard.look(href),
    report.about(href).then((entry) => entry ?? null, () => null),
    session.covered(tabId),
    frames.framed(tabId),
  ]);
  if (finding.verdict === "unlisted" && covered?.page === href) return { ...none, state: "listed", category: covered.finding.category };
  if (framed && finding.verdict !== "listed") return { ...none, state: "framed", category: framed.finding.category, report: sent };
  if (finding.verdict === "unlisted") {
    const { verdict, resembles, real, owner } = await core.resemble(href, title).catch(() => core.nothing);
    return { ...none, state: verdict === "caution" ? verdict : "unlisted", resembles, real, owner, report: sent };
  }
  if (finding.verdict !== "listed") return { ...none, state: "unknown", report: sent };
  const through = await session.letThrough(tabId, finding);
  if (through === "cleared") return { ...none, state: "unlisted", report: sent };
  return { ...none, state: through === "passed" ? "passed" : "listed", category: finding.category, why: await guard.notice({ tabId, href, finding, again: false }) };
}
