// What the toolbar button shows: the state of this page, one button to report it,
// and how fresh the list is. A report that began in a menu has its own window of it.

import { offerPicture } from "./attach";
import { api, own, privatePage } from "../shared/ext";
import { extents, within } from "../shared/extent";
import { help } from "../shared/help";
import { outcome, rows, shortened } from "./history";
import { ask, type Notice, type Page, type Protection } from "../shared/message";
import { sinceText } from "../shared/notice";
import { drawn, element, h, quoted } from "../shared/page";
import { showLate } from "./latecard";
import { takePictures } from "./picture";
import * as session from "../shared/session";
import { choose, settings, type Extent } from "../shared/settings";
import type { Entry } from "../shared/entry";
import { age, categories, category, counted, localize, moment, t, type Key } from "../shared/text";

const state = element("state");
const reporting = element("reporting");
const reportButton = element<HTMLButtonElement>("report");
const sent = element("sent");
const undo = element<HTMLButtonElement>("undo");
const kind = element<HTMLSelectElement>("kind");
const note = element<HTMLTextAreaElement>("note");
const sendDetails = element<HTMLButtonElement>("send-details");
const receipt = element("receipt");

/** Set by the first report; until then what is sent is told without asking. */
const informed = "informed";

const request = location.hash.slice(1);
// Behind the toolbar button, and not in a window of its own or, on a telephone, in a tab.
document.documentElement.classList.toggle("popup", api.extension.getViews({ type: "popup" }).includes(window));
let tabId = -1;
let page: Page;
let entry: Entry | undefined;

async function start(): Promise<void> {
  // The words and the worker come at the same time; the words are there first, and the worker may be asleep.
  const looking = look().catch(() => unanswered);
  await localize(document);
  element("meaning").textContent = t("looking");
  page = await looking;
  void drawn().then(showRest);

  if (request && !page.title) reportButton.textContent = t("reportLink");
  showPage();
  await showSent();
  void drawn().then(showAdvice);
  const knows = Boolean((await api.storage.local.get(informed))[informed]);
  element<HTMLDetailsElement>("what").open = !knows;
  if (page.report) {
    entry = page.report;
    showEntry();
    if (entry.receipt) void ask("popup.entry", { id: entry.id, follow: true }).then(took);
  } else if (request && knows && !reporting.hidden) {
    await report();
  }
}

async function look(): Promise<Page> {
  if (request) return ask("popup.page", { request });
  const [tab] = await api.tabs.query({ active: true, currentWindow: true });
  tabId = tab?.id ?? -1;
  const address = tab?.url ?? "";
  if (/^https?:/.test(address)) {
    // As it will stand there in most cases: the window need not grow when the verdict comes.
    element("address").textContent = shortened(address);
    reportButton.disabled = true;
    reporting.hidden = false;
  }
  return ask("popup.page", { tabId, address, title: tab?.title ?? "" });
}

/** What the popup says besides about this page. */
function showRest(): void {
  for (const slug of categories()) kind.append(new Option(category(slug).name, slug));
  void showLate();
  void ask("popup.protection", null).then(showProtection);
  void showMine();
  if (!request) void showMarked();
}

/** What is marked in the page: a mark stands there, and a page may have drawn over it. */
async function showMarked(): Promise<void> {
  const found = await ask("popup.marked", { tabId }).catch(() => []);
  element("marked").hidden = found.length === 0;
  element("marks").replaceChildren(
    ...found.map(({ name, category: slug, href }, nth) => {
      const why = h("button", { id: `why-${nth}`, className: "quiet", type: "button" }, t("reasonShow"));
      why.addEventListener("click", () => void explain(href));
      return h("li", { className: "listed" }, h("strong", {}, quoted(name)), h("p", {}, t("knownListed", category(slug).name)), why);
    }),
  );
}

/** Says in this place why something is marked. */
async function explain(href: string): Promise<void> {
  const { windowId } = await api.tabs.get(tabId);
  const id = session.random();
  await session.addQuestion(id, { kind: "mark", about: href, tabId, frameId: 0, windowId, isPrivate: privatePage });
  location.replace(`answer.html#${id}`);
}

/** What stands there if the worker fails. */
const unanswered: Page = { href: "", title: "", state: "unknown", category: "", resembles: "", real: "", owner: "", why: null, report: null };

const states: Record<Page["state"], [title: Key, meaning: Key]> = {
  listed: ["stateListed", "stateListedMeaning"],
  passed: ["stateListed", "statePassedMeaning"],
  framed: ["stateFramed", "stateListedMeaning"],
  caution: ["stateCaution", "cautionMeaning"],
  unlisted: ["stateNothing", "stateNothingMeaning"],
  unknown: ["stateUnknown", "stateUnknownMeaning"],
  other: ["stateOther", "stateOtherMeaning"],
};

/** What the shield says besides its colour: a mark of exclamation, a question, nothing at all. */
const signs: Record<Page["state"], string> = {
  listed: "M16 9v8m0 5v.1",
  passed: "M16 9v8m0 5v.1",
  framed: "M16 9v8m0 5v.1",
  caution: "M16 9v8m0 5v.1",
  unlisted: "M11 16h10",
  unknown: "M12.5 12.5a3.5 3.5 0 1 1 4.8 3.3c-.9.4-1.3 1-1.3 2.2m0 4v.1",
  other: "M11 16h10",
};

function showPage(): void {
  const [title, meaning] = states[page.state];
  state.className = page.state;
  document.getElementById("sign")?.setAttribute("d", signs[page.state]);
  element("verdict").textContent = t(title);
  element("address").textContent = page.state === "other" || !page.href ? "" : shortened(page.href);
  const { name, how } = category(page.category);
  element("meaning").textContent = page.state === "caution" ? cautioned(page) : page.category ? `${name}. ${how} ${t(meaning)}` : t(meaning);
  element("owner").hidden = !page.owner;
  element("owner").textContent = page.owner && `✓ ${t("owner", page.owner)}`;
  reportButton.disabled = false;
  reporting.hidden = page.state === "listed" || page.state === "passed" || page.state === "other" || !page.href;
  if (page.why) void showWhy(page.why);
}

/** By whom something is listed and since when; and what to do for somebody who has already paid. */
async function showWhy(why: Notice): Promise<void> {
  const { toggle, steps } = help(why.category);
  element("aid").replaceChildren(toggle, steps);
  element("aid").hidden = false;
  const since = element("since");
  since.hidden = false;
  since.textContent = sinceText(why);
  await drawn();
  const detailed = await ask("popup.details", { href: why.href }).catch(() => null);
  // The list has hit it by chance: there is nothing to say about it, which is drawn anew once.
  const again = performance.getEntriesByType("navigation").some((one) => (one as PerformanceNavigationTiming).type === "reload");
  if (detailed === "withdrawn") {
    if (!again) location.reload();
  } else if (detailed) since.textContent = [detailed.reason, sinceText(detailed)].filter(Boolean).join(" ");
}

const sendTitle = element<HTMLInputElement>("send-title");
const sendLanguage = element<HTMLInputElement>("send-language");
const sendLinks = element<HTMLInputElement>("with-links");

/** What a report would send, each part of it to be left out. What is chosen holds for the next time too. */
async function showSent(): Promise<void> {
  if (reporting.hidden) return;
  const { sends, language: chosen } = await settings();
  const names: Record<string, Key> = { full: "extentFull", path: "extentPath", host: "extentHost" };
  const all = await ask("popup.extents", { href: page.href }).catch(() => extents(page.href));
  const [now] = within(all, sends.address);
  for (const [extent, address] of all) {
    const dot = h("input", { type: "radio", id: `extent-${extent}`, name: "extent", value: extent, checked: extent === now });
    dot.addEventListener("change", keep);
    element("extent").append(h("label", { className: "choice" }, dot, h("span", {}, t(names[extent] ?? "extentFull"), h("br", {}), h("span", { className: "exact" }, address))));
  }
  element("title-choice").hidden = !page.title;
  element("title").textContent = page.title;
  element("spoken").textContent = (chosen || api.i18n.getUILanguage()).split("-")[0] ?? "";
  sendTitle.checked = sends.title;
  sendLanguage.checked = sends.language;
  sendLinks.checked = sends.links;
  // Of a link that nobody has opened there is no page to look into.
  element("links-choice").hidden = Boolean(request);
}

/** What was chosen last, on its way to where the worker takes it from: no report goes before. */
let keeping: Promise<void> = Promise.resolve();

function keep(): void {
  const address = document.querySelector<HTMLInputElement>("[name=extent]:checked")?.value as Extent | undefined;
  keeping = choose({ sends: { address: address ?? "full", title: sendTitle.checked, language: sendLanguage.checked, links: sendLinks.checked } });
}

for (const box of [sendTitle, sendLanguage, sendLinks]) box.addEventListener("change", keep);

/** What became of earlier reports. */
async function showMine(): Promise<void> {
  const kept = await ask("options.reports", null);
  element("mine").hidden = kept.length === 0;
  element("reports").replaceChildren(...rows(kept.slice(0, 3)));
  element("all").hidden = kept.length <= 3;
}

element("all").addEventListener("click", () => void api.tabs.create({ url: own("options.html#reports") }));
element("options").addEventListener("click", () => void api.runtime.openOptionsPage());

/** The piece of advice about this kind of scam, or else that of this week. */
async function showAdvice(): Promise<void> {
  const card = await ask("advice.card", { href: page.href, category: page.category }).catch(() => null);
  element("advice").hidden = !card;
  if (!card) return;
  element("advice-title").textContent = card.title;
  element("advice-text").textContent = card.text;
  const picture = element<HTMLImageElement>("advice-picture");
  picture.hidden = !card.picture;
  if (card.picture) Object.assign(picture, { src: card.picture, alt: card.alt });
  const link = element<HTMLAnchorElement>("advice-link");
  link.hidden = !card.link;
  if (card.link) link.href = card.link;
  element("dismiss").onclick = async () => {
    await ask("advice.dismiss", { id: card.id });
    element("advice").hidden = true;
  };
}

/** Whom something passes itself off as, and where the real one is. */
function cautioned({ real, resembles }: { real: string; resembles: string }): string {
  return t("cautionMeaning", real || resembles, resembles);
}

const asked = element<HTMLTextAreaElement>("text");
const known = element("known");

/** Shows what is known about each thing that a text names. */
async function check(text: string): Promise<void> {
  known.replaceChildren();
  const found = await ask("popup.ask", { text }).catch(() => undefined);
  if (!found) {
    known.append(item("unknown", t("askFailed"), ""));
    return;
  }
  for (const { shown, state, category: slug, cause, ...real } of found) {
    if (!shown) {
      known.append(item(state, t(cause === "too_long" ? "askTooLong" : "askNothing"), ""));
      continue;
    }
    const meaning =
      state === "listed" ? `${t("knownListed", category(slug).name)} ${category(slug).how}`
      : state === "caution" ? cautioned(real)
      : t(state === "unlisted" ? "knownNothing" : "stateUnknownMeaning");
    known.append(item(state, shown, meaning));
  }
}

const item = (state: string, title: string, text: string): HTMLElement => h("li", { className: state }, h("strong", {}, title), h("p", {}, text));

element("asking").addEventListener("submit", (event) => {
  event.preventDefault();
  if (asked.value.trim()) void check(asked.value);
});

// It has lines, since a pasted text has; Enter asks all the same.
asked.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  element<HTMLFormElement>("asking").requestSubmit();
});

takePictures((text) => {
  asked.value = text;
  void check(text);
});

async function report(): Promise<void> {
  reportButton.disabled = true;
  try {
    await keeping;
    entry = await ask("popup.report", { href: page.href, title: page.title, tabId: !request && sendLinks.checked ? tabId : null });
    await api.storage.local.set({ [informed]: true });
    showEntry();
    undo.focus();
  } catch {
    sent.hidden = false;
    element("describe").hidden = true;
    undo.hidden = true;
    receipt.textContent = t("reportFailed");
  } finally {
    reportButton.disabled = false;
  }
}

function showEntry(): void {
  sent.hidden = !entry;
  reporting.hidden = Boolean(entry);
  if (!entry) return;
  const left = Math.ceil((entry.due - Date.now()) / 1000);
  const open = entry.state === "waiting" && entry.tries === 0 && !entry.receipt;
  undo.hidden = !open || left <= 0;
  element("describe").hidden = entry.state === "refused" || !["", "received", "review"].includes(entry.outcome);
  receipt.textContent = open && left > 0 ? t("sendingIn", String(left)) : outcome(entry);
  element("add-picture").hidden = Boolean(request) || privatePage;
  if (entry.state === "waiting") setTimeout(() => void poll(entry?.id), 250);
}

async function poll(id: string | undefined): Promise<void> {
  if (id && id === entry?.id) took(await ask("popup.entry", { id, follow: false }).catch(() => entry ?? null));
}

function took(next: Entry | null): void {
  if (!next) return;
  entry = next;
  showEntry();
}

reportButton.addEventListener("click", () => void report());
offerPicture(() => entry?.id);

undo.addEventListener("click", async () => {
  if (!entry || !(await ask("popup.undo", { id: entry.id }))) return;
  entry = undefined;
  showEntry();
  state.className = page.state;
  element("meaning").textContent = t("undone");
  reportButton.focus();
});

element("describe").addEventListener("submit", async (event) => {
  event.preventDefault();
  if (!entry) return;
  sendDetails.disabled = true;
  const next = await ask("popup.describe", { id: entry.id, category: kind.value, note: note.value }).catch(() => null);
  sendDetails.textContent = t(next ? "detailsAdded" : "sendDetails");
  sendDetails.disabled = next !== null;
  took(next);
});
for (const field of [kind, note]) {
  field.addEventListener("input", () => {
    sendDetails.disabled = false;
    sendDetails.textContent = t("sendDetails");
  });
}

const refresh = element<HTMLButtonElement>("refresh");
refresh.addEventListener("click", async () => {
  refresh.disabled = true;
  showProtection(await ask("popup.refresh", null));
  refresh.disabled = false;
});

function showProtection(list: Protection): void {
  const off = list.state === "off";
  element("list").textContent = off ? t("listOff") : counted("list", list.count, age(list.issued), String(list.sequence));
  const words: string[] = [];
  if (list.state === "expired") words.push(t("listExpired"));
  if (list.state === "outdated") words.push(t("listOutdated"));
  if (list.clock) words.push(t("clockWrong", moment(list.clock.says), moment(list.clock.is)));
  else words.push(list.checked > 0 ? t("checked", moment(list.checked)) : t("checkedNever"));
  if (["offline", "timeout", "http"].includes(list.error)) words.push(t("checkOffline"));
  else if (list.error && !(list.clock && ["expired", "not_yet"].includes(list.error))) words.push(t("checkRefused", list.error));
  element("checked").textContent = words.join(" ");
  element("protection").className = list.state === "fresh" && !list.error ? "" : "warn";
}

void start();
