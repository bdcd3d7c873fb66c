// The first run: what it does, what never leaves the device, how to try it. Nothing is asked for.

import { api, own } from "../shared/ext";
import { choose } from "../shared/settings";
import { language, languages, localize, readAgain, t } from "../shared/text";
import { element } from "../shared/page";

const screens = [...document.querySelectorAll<HTMLElement>(".screen")];
const back = element<HTMLButtonElement>("back");
const next = element<HTMLButtonElement>("next");
const skip = element<HTMLButtonElement>("skip");
const tongue = element<HTMLSelectElement>("language");
let at = 0;

async function start(): Promise<void> {
  for (const [code, name] of Object.entries(languages)) tongue.append(new Option(name, code));
  await speak();
}

async function speak(): Promise<void> {
  await localize(document);
  document.title = t("welcomeTitle");
  tongue.value = language();
  show();
  element("pin").textContent = t(await pinning());
}

/** Where the toolbar button is, and how to keep it in sight. */
async function pinning() {
  const { os } = await api.runtime.getPlatformInfo();
  if (os === "android") return "welcomePinAndroid";
  return own("").startsWith("moz-extension:") ? "welcomePinFirefox" : "welcomePin";
}

function show(): void {
  screens.forEach((screen, i) => (screen.hidden = i !== at));
  const last = at === screens.length - 1;
  back.disabled = at === 0;
  skip.hidden = last;
  next.textContent = t(last ? "done" : "next");
  element("step").textContent = t("step", String(at + 1), String(screens.length));
}

function go(to: number): void {
  at = to;
  show();
  screens[at]?.querySelector("h1")?.focus();
}

/** Closes the tab; in a browser that lets no page close itself, it stays as it is. */
async function done(): Promise<void> {
  const tab = await api.tabs.getCurrent();
  if (tab?.id !== undefined) await api.tabs.remove(tab.id);
}

back.addEventListener("click", () => go(at - 1));
next.addEventListener("click", () => (at < screens.length - 1 ? go(at + 1) : void done()));
skip.addEventListener("click", () => void done());
element("example").addEventListener("click", () => void api.tabs.create({ url: own("warning.html#example") }));
element("options").addEventListener("click", () => void api.runtime.openOptionsPage());
tongue.addEventListener("change", async () => {
  await choose({ language: tongue.value });
  await readAgain();
  await speak();
});

void start();
