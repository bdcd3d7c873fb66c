// Firefox for Android has no menu of the right mouse button, no badge and no windows. Here they are taken away from the
// extension before any of its scripts runs, on a screen of 360 pixels: all that needs none of them works.

import assert from "node:assert/strict";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { Marks } from "./fixture/marks.mjs";
import { kept } from "./fixture/met.mjs";
import { until } from "./fixture/until.mjs";
import { World } from "./fixture/world.mjs";

/** The extension takes "browser" for the API where there is one, as in Firefox. */
const missing = `
{
  const less = (api, without) => new Proxy(api, { get: (all, name) => (name in without ? without[name] : all[name]) });
  globalThis.browser = less(chrome, {
    contextMenus: undefined,
    windows: undefined,
    action: less(chrome.action, { setBadgeText: undefined, setBadgeBackgroundColor: undefined, openPopup: undefined }),
    runtime: less(chrome.runtime, { getPlatformInfo: async () => ({ os: "android", arch: "arm64" }) }),
  });
}
`;

let world, browser, folder;

before(async () => {
  world = await World.make();
  folder = await mkdtemp(path.join(os.tmpdir(), "khien-test-android-"));
  await cp(`${world.extension}/chromium`, folder, { recursive: true });
  for (const script of ["worker.js", "popup.js", "options.js", "welcome.js", "warning.js", "late.js", "redact.js", "answer.js"]) {
    const file = path.join(folder, script);
    await writeFile(file, missing + (await readFile(file, "utf8")));
  }
  browser = await world.chromium({ folder });
});
after(async () => {
  await world?.close();
  await rm(folder, { recursive: true, force: true });
});

async function telephone(tab) {
  const page = tab ?? (await browser.tab());
  await page.setViewportSize({ width: 360, height: 720 });
  return page;
}

test("a listed page and a listed account warn, and can be left", async () => {
  assert.equal(await (await browser.worker()).evaluate(() => typeof browser.contextMenus), "undefined");
  const tab = await telephone();
  await tab.goto("https://honest.example/");
  // Chromium's way back leaves out a page on which nobody has done anything.
  await tab.click("h1");
  await browser.go(tab, "https://parcel-fee.example/");
  await browser.warned(tab);
  await tab.click("#help-toggle");
  await until("steps are there", () => tab.isVisible("#help ol"));
  await tab.click("#leave");
  await until("it leads back", () => tab.url() === "https://honest.example/");
  await browser.go(tab, "https://m.facebook.com/invented.gift.centre");
  const overlay = await browser.covered(tab);
  await overlay.click("reason-toggle");
  await overlay.reads("details", /Says that you won/);
  await tab.close();
});

test("a mark says why in a tab, and Close leads back", async () => {
  const tab = await telephone();
  await tab.goto("https://m.facebook.com/?feed=4");
  const marks = await Marks.of(tab);
  const [mark] = await marks.some();
  const opens = browser.opens(/answer\.html#/);
  await marks.click(mark);
  const why = await telephone(await opens);
  await until("the reason is there", async () => /Says that you won/.test(await why.innerText("#answers")));
  assert.ok(await why.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
  await why.click("#close");
  await until("it is closed", () => why.isClosed());
  await tab.close();
});

test("the popup is a page there: it tells about the tab, reports and checks", async () => {
  const tab = await telephone();
  await tab.goto("https://new-scam.example/");
  const popup = await browser.popup(tab);
  await popup.reads("verdict", /Nothing known/);
  await popup.type("text", "parcel-fee.example");
  await popup.click("ask");
  await popup.reads("known", /On the scam list/);
  await popup.click("report");
  await until("the report is kept", () => popup.shows("describe"));
  const opens = browser.opens(/redact\.html/);
  await popup.click("add-picture");
  const picture = await telephone(await opens);
  await until("the picture is there", () => picture.isVisible("#send"));
  await picture.click("#discard");
  await popup.close().catch(() => undefined); // it has closed itself
  await until("the report is there", async () => {
    await browser.hasten();
    return (await world.khien.reports()).length === 1;
  });
  await tab.close();
});

test("what was met and is listed later is told, and the page that tells it fits", async () => {
  const tab = await telephone();
  const page = await browser.inside();
  const ask = async (ask, body = null) => (await page.evaluate((message) => chrome.runtime.sendMessage(message), { ask, body })).ok;
  await tab.goto("https://late-shop.example/");
  await kept(page, "late-shop.example/");
  await tab.goto("https://honest.example/");
  await world.khien.list("urls", "late-shop.example\n");
  await ask("popup.refresh");
  const late = await telephone(await until("it is told in a tab", () => browser.tabs().find((one) => one.url().endsWith("/late.html"))));
  await until("the steps are there", () => late.isVisible("#help ol"));
  assert.ok(await late.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
  // No badge says it there; the title of the button does, and the popup.
  const popup = await browser.popup(tab);
  await until("the popup says it", () => popup.shows("late"));
  await popup.close();
  for (const { id } of await ask("late.news")) await ask("late.dismiss", { id });
  for (const one of [tab, page, late]) await one.close();
});

test("the options and the first screens work", async () => {
  const page = await telephone(await browser.open("options.html"));
  await until("the options are there", async () => (await page.innerText("#diagnostics")) !== "");
  await page.selectOption("#language", "pl");
  await until("the language follows", async () => (await page.innerText("h1")) === "Opcje");
  await page.selectOption("#language", "");
  await until("and follows back", async () => (await page.innerText("h1")) === "Options");
  const first = await telephone(await browser.open("welcome.html"));
  await until("the words are there", async () => (await first.innerText("#step")) !== "");
  await first.click("#next");
  await first.click("#next");
  assert.match(await first.innerText("#pin"), /browser’s menu/);
  await browser.killWorker();
  await browser.ring("update");
  const worker = await browser.worker();
  assert.match(await worker.evaluate(() => chrome.action.getTitle({})), /Khiên/);
});
