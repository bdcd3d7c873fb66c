// The options: all that can be chosen, all that is kept, and what can be told to somebody who helps.

import { api } from "../shared/ext";
import { rows } from "./history";
import { ask } from "../shared/message";
import { networks } from "../shared/networks";
import { drawn, element, h } from "../shared/page";
import { choose, settings, type Home } from "../shared/settings";
import { counted, language, languages, localize, readAgain, t, type Key } from "../shared/text";

const tongue = element<HTMLSelectElement>("language");
const country = element<HTMLSelectElement>("country");
const late = element<HTMLInputElement>("late");
const saved = element("saved");

async function start(): Promise<void> {
  for (const [code, name] of Object.entries(languages)) tongue.append(new Option(name, code));
  await speak();
  for (const { name, domains } of networks) {
    const box = h("input", { type: "checkbox", value: domains[0] ?? "" });
    box.addEventListener("change", () => void chosen());
    element("networks").append(h("label", { className: "choice" }, box, name));
  }
  const now = await settings();
  tongue.value = now.language;
  late.checked = now.late;
  for (const box of boxes()) box.checked = !now.unmarked.includes(box.value);
  offer(now.country ? [now.country] : [], now.country);
  await drawn();
  await Promise.all([showCountries(), showEarly(), showKept(), showReports(), showServer(), showDiagnostics()]);
}

async function showCountries(): Promise<void> {
  offer(await ask("advice.countries", null).catch(() => []), country.value);
}

/** Offers more countries, by their codes. */
function offer(places: string[], chosen: string): void {
  const there = new Set([...country.options].map(({ value }) => value));
  for (const code of places) if (!there.has(code)) country.append(new Option(code, code));
  nameCountries();
  country.value = chosen;
}

const boxes = () => [...element("networks").querySelectorAll<HTMLInputElement>("input")];

async function speak(): Promise<void> {
  await localize(document);
  document.title = `${t("name")}: ${t("optionsTitle")}`;
}

/** Countries in the language of the page. */
function nameCountries(): void {
  const names = new Intl.DisplayNames(language(), { type: "region" });
  for (const option of country.options) if (option.value) option.textContent = names.of(option.value) ?? option.value;
}

/** Keeps all choices at once: each has one place on the page. */
async function chosen(): Promise<void> {
  const unmarked = boxes().filter((box) => !box.checked).map((box) => box.value);
  await choose({ language: tongue.value, country: country.value, late: late.checked, unmarked });
  saved.textContent = t("saved");
}

for (const field of [country, late]) field.addEventListener("change", () => void chosen());
tongue.addEventListener("change", async () => {
  await chosen();
  await readAgain();
  await speak();
  nameCountries();
  saved.textContent = t("saved");
  await Promise.all([showEarly(), showKept(), showReports(), showServer(), showDiagnostics()]);
});

const forget = element<HTMLButtonElement>("forget");

/** How much is kept for late warnings; nothing to forget if that is nothing. */
async function showKept(): Promise<void> {
  const { things } = await ask("late.kept", null);
  element("kept").textContent = things > 0 ? counted("optionsKept", things) : t("optionsKeptNone");
  forget.disabled = things === 0;
}

forget.addEventListener("click", async () => {
  await ask("late.clear", null);
  saved.textContent = t("optionsForgotten");
  await showKept();
});

/** All addresses: a listed one may be anywhere. */
const everywhere = { origins: ["*://*/*"] };

async function showEarly(): Promise<void> {
  const allowed = await api.permissions.contains(everywhere);
  element("early-state").textContent = t(allowed ? "optionsEarlyOn" : "optionsEarlyOff");
  element("allow").hidden = allowed;
  element("withdraw").hidden = !allowed;
}

// Browsers take the question from a click only.
element("allow").addEventListener("click", () => void api.permissions.request(everywhere).then(showEarly));
element("withdraw").addEventListener("click", () => void api.permissions.remove(everywhere).then(showEarly));

async function showReports(): Promise<void> {
  const kept = await ask("options.reports", null);
  element("list").replaceChildren(...(kept.length > 0 ? rows(kept) : [h("li", {}, t("reportsNone"))]));
}

const serverForm = element<HTMLFormElement>("server");
const serverSaid = element("server-said");
const use = element<HTMLButtonElement>("use");
const standard = element<HTMLButtonElement>("standard");

async function showServer(): Promise<void> {
  const now = await ask("options.server", null);
  element("server-now").textContent = now.server;
  standard.hidden = now.standard;
}

/** Why a server was not taken, in words. */
const refusals: Record<string, Key> = {
  address: "serverAddressWrong",
  key: "serverKeyWrong",
  offline: "serverOffline",
  timeout: "serverOffline",
  http: "serverOther",
  format: "serverOther",
  signature: "serverSignature",
};

async function move(home: Home | null): Promise<void> {
  use.disabled = standard.disabled = true;
  serverSaid.className = "";
  serverSaid.textContent = t("serverTrying");
  const wrong = await ask("options.move", home).catch(() => "storage");
  await Promise.all([showServer(), showDiagnostics()]);
  serverSaid.className = wrong ? "wrong" : "";
  serverSaid.textContent = wrong ? t(refusals[wrong] ?? "serverRefused", wrong) : t("serverMoved");
  use.disabled = standard.disabled = false;
}

serverForm.addEventListener("submit", (event) => {
  event.preventDefault();
  void move({ server: element<HTMLInputElement>("address").value, root: element<HTMLInputElement>("key").value });
});
standard.addEventListener("click", () => void move(null));

element("export").addEventListener("click", async () => {
  const body = JSON.stringify(await ask("options.export", null), null, 2);
  const url = URL.createObjectURL(new Blob([body], { type: "application/json" }));
  h("a", { href: url, download: "khien.json" }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
});

const sure = element<HTMLDialogElement>("sure");
element("erase").addEventListener("click", () => {
  sure.returnValue = "";
  sure.showModal();
});
sure.addEventListener("close", async () => {
  if (sure.returnValue !== "erase") return;
  await ask("options.erase", null);
  localStorage.clear();
  location.reload();
});

async function showDiagnostics(): Promise<void> {
  element("diagnostics").textContent = JSON.stringify(await ask("options.diagnostics", null), null, 2);
}

const copy = element<HTMLButtonElement>("copy");
copy.addEventListener("click", async () => {
  await navigator.clipboard.writeText(element("diagnostics").textContent ?? "");
  copy.textContent = t("copied");
});

void start();
