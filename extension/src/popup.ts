// What the toolbar button shows: the state of this page, one button to report it,
// and how fresh the list is. A report that began in a menu has its own window of it.

import { api } from "./ext";
import { ask, type Page, type Protection } from "./message";
import { takePictures } from "./picture";
import type { Entry } from "./store";
import { categories, category, day, localize, moment, t, type Key } from "./text";

function element<E extends HTMLElement>(id: string): E {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found as E;
}

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
let page: Page;
let entry: Entry | undefined;

async function start(): Promise<void> {
  await localize(document);
  for (const slug of categories()) kind.append(new Option(category(slug).name, slug));
  void ask("popup.protection", null).then(showProtection);

  if (request) reportButton.textContent = t("reportLink");
  page = await ask("popup.page", request ? { request } : { tabId: await activeTab() });
  if (page.text) {
    state.hidden = reporting.hidden = true;
    asked.value = page.text;
    await check(page.text);
    return;
  }
  showPage();
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

async function activeTab(): Promise<number> {
  const [tab] = await api.tabs.query({ active: true, currentWindow: true });
  return tab?.id ?? -1;
}

const states: Record<Page["state"], [title: Key, meaning: Key]> = {
  listed: ["stateListed", "stateListedMeaning"],
  passed: ["stateListed", "statePassedMeaning"],
  caution: ["stateCaution", "cautionMeaning"],
  unlisted: ["stateNothing", "stateNothingMeaning"],
  unknown: ["stateUnknown", "stateUnknownMeaning"],
  other: ["stateOther", "stateOtherMeaning"],
};

function showPage(): void {
  const [title, meaning] = states[page.state];
  state.className = page.state;
  element("verdict").textContent = t(title);
  const { host, pathname } = new URL(page.href || "about:blank");
  element("address").textContent = page.state === "other" ? "" : host + pathname.replace(/\/$/, "");
  element("meaning").textContent = page.state === "caution" ? cautioned(page) : page.category ? category(page.category).how : t(meaning);
  element("owner").hidden = !page.owner;
  element("owner").textContent = page.owner && `✓ ${t("owner", page.owner)}`;
  reporting.hidden = page.state === "listed" || page.state === "passed" || page.state === "other";
}

/** Whom something passes itself off as, and where the real one is. */
function cautioned({ real, resembles }: { real: string; resembles: string }): string {
  return t("cautionMeaning", real || resembles, resembles);
}

const asked = element<HTMLInputElement>("text");
const known = element("known");

/** Shows what is known about each thing that a text names. */
async function check(text: string): Promise<void> {
  known.replaceChildren();
  const found = await ask("popup.ask", { text }).catch(() => undefined);
  if (!found || found.length === 0) {
    known.append(item("unknown", t(found ? "askNothing" : "askFailed"), ""));
    return;
  }
  for (const { shown, state, category: slug, ...real } of found) {
    const meaning =
      state === "listed" ? `${t("knownListed", category(slug).name)} ${category(slug).how}`
      : state === "caution" ? cautioned(real)
      : t(state === "unlisted" ? "knownNothing" : "stateUnknownMeaning");
    known.append(item(state, shown, meaning));
  }
}

function item(state: string, title: string, text: string): HTMLElement {
  const made = document.createElement("li");
  made.className = state;
  const name = document.createElement("strong");
  name.textContent = title;
  const meaning = document.createElement("p");
  meaning.textContent = text;
  made.append(name, meaning);
  return made;
}

element("asking").addEventListener("submit", (event) => {
  event.preventDefault();
  if (asked.value.trim()) void check(asked.value);
});

takePictures((text) => {
  asked.value = text;
  void check(text);
});

async function report(): Promise<void> {
  reportButton.disabled = true;
  try {
    entry = await ask("popup.report", { href: page.href, title: page.title });
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

/** Words for what the server says became of a report (wire.Receipt). */
const outcomes: Record<string, Key> = {
  received: "outcomeReceived",
  accepted: "outcomeAccepted",
  listed: "outcomeListed",
  rejected: "outcomeRejected",
};

function showEntry(): void {
  sent.hidden = !entry;
  reporting.hidden = Boolean(entry);
  if (!entry) return;
  const left = Math.ceil((entry.due - Date.now()) / 1000);
  const open = entry.state === "waiting" && entry.tries === 0 && !entry.receipt;
  undo.hidden = !open || left <= 0;
  element("describe").hidden = entry.state === "refused" || (entry.outcome !== "" && entry.outcome !== "received");
  if (entry.state === "refused") receipt.textContent = t("reportRefused");
  else if (entry.state === "sent") receipt.textContent = t(outcomes[entry.outcome] ?? "outcomeReceived", entry.receipt.slice(0, 8));
  else if (open && left > 0) receipt.textContent = t("sendingIn", String(left));
  else receipt.textContent = t(entry.tries > 0 && entry.due > Date.now() + 10_000 ? "sendingLater" : "sending");
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
  element("list").textContent = off ? t("listOff") : t("list", list.count.toLocaleString(t("language")), day(list.issued), String(list.sequence));
  const words: string[] = [];
  if (list.state === "expired") words.push(t("listExpired"));
  if (list.state === "outdated") words.push(t("listOutdated"));
  words.push(list.checked > 0 ? t("checked", moment(list.checked)) : t("checkedNever"));
  if (["offline", "timeout", "http"].includes(list.error)) words.push(t("checkOffline"));
  else if (list.error) words.push(t("checkRefused", list.error));
  element("checked").textContent = words.join(" ");
  element("protection").className = list.state === "fresh" && !list.error ? "" : "warn";
}

void start();
