// Late warnings: what somebody met before anybody knew it, and what is told once it is listed; and what a thief of
// the disk finds of it.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { after, before, test } from "node:test";
import * as met from "./fixture/met.mjs";
import { until } from "./fixture/until.mjs";
import { World } from "./fixture/world.mjs";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

let world, browser, tab, inside;

before(async () => {
  world = await World.make({ format: "urls", list: "parcel-fee.example\n" });
  browser = await world.chromium();
  await browser.hurry();
  inside = await browser.inside();
  tab = await browser.tab();
  await until("the extension has asked once, at its start", () => world.gateway.asked("/v1/head").some((one) => one.status === 200));
});
after(() => world?.close());

const ask = async (ask, body = null) => (await inside.evaluate((message) => chrome.runtime.sendMessage(message), { ask, body })).ok;
const kept = () => ask("late.kept");

/** Opens a page and waits until it is kept. */
async function meet(url, subject = `${new URL(url).host}/`) {
  await tab.goto(url);
  await met.kept(inside, subject);
}

/** Publishes a list with these, and has the extension fetch it. */
async function publish(format, list) {
  const { sequence } = await world.khien.list(format, list);
  await ask("popup.refresh");
  assert.equal((await ask("popup.protection")).sequence, sequence);
}

const lateTabs = () => browser.tabs().filter((one) => one.url().endsWith("/late.html"));

test("a page that was met is told of when it is listed, with what to do, and the toolbar shows it", async () => {
  const weekday = () => new Date().toLocaleDateString("en", { weekday: "long" });
  const before = weekday();
  await meet("https://late-shop.example/deal?id=7");
  const after = weekday(); // it may have been midnight
  await tab.goto("https://honest-shop.example/");
  const mark = world.gateway.log.length;
  await publish("csv", "url,category,reason_en\nlate-shop.example,shop,Takes deposits and never delivers.\n");
  const late = await until("it is told in a tab", () => lateTabs()[0]);
  assert.equal(await inside.evaluate(async () => (await chrome.tabs.query({ url: chrome.runtime.getURL("late.html") }))[0].active), false, "the person was taken away from a tab");
  await until("the toolbar shows it", async () => (await browser.badge(tab)) === "1");
  const popup = await browser.popup(tab);
  await popup.reads("late", /Something you met is now a confirmed scam/);
  await popup.close();

  await late.bringToFront();
  const said = await until("it is said", async () => (await late.innerText("#news")) || undefined);
  assert.match(said, new RegExp(`A website you opened on (${before}|${after})`));
  assert.match(said, /Takes deposits and never delivers/);
  assert.match(said, /Case number: KH-/);
  // The signed steps and hotlines, as on a warning.
  await until("the steps are there", () => late.isVisible("#help ol"));
  assert.equal(await late.getAttribute("#help-paid", "aria-pressed"), "true");
  assert.match(await late.innerText("#help ol"), /bank/);
  await late.click("#help-data");
  await until("other steps are there", async () => /password/i.test(await late.innerText("#help ol")));
  assert.ok((await late.locator("#help .hotlines a").count()) > 0);
  assert.doesNotMatch(await late.innerText("body"), /late-shop/, "it cannot know the address any more");
  await tab.bringToFront();
  await until("the toolbar is quiet again", async () => (await browser.badge(tab)) === "");
  const asked = world.gateway.log.slice(mark).map((one) => one.path.replace(/\/[^/]+$/, ""));
  assert.equal(asked.filter((one) => one.startsWith("/v1/bucket")).length, 1, "the question names one bucket, once");
});

test("the page that tells it can be read by everybody: axe finds nothing by day or by night, and a telephone is wide enough", async () => {
  const [late] = lateTabs();
  await late.bringToFront();
  for (const colorScheme of ["light", "dark"]) {
    await late.emulateMedia({ colorScheme, reducedMotion: "reduce" }); // no colour is halfway to another
    for (const width of [360, 1280]) {
      await late.setViewportSize({ width, height: 700 });
      await late.evaluate(axe);
      const { violations } = await late.evaluate(() => globalThis.axe.run(document));
      assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes[0].html]), []);
      assert.ok(await late.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `cut off at ${width}`);
    }
  }
});

test("it is told once: not by the next list, and not after it was read", async () => {
  const [late] = lateTabs();
  await late.click("#news button");
  await until("nothing is left", async () => /There is nothing to tell/.test(await late.innerText("#news")));
  await late.close();
  await publish("urls", "another-1.example\n");
  assert.deepEqual(await ask("late.news"), []);
  assert.equal(lateTabs().length, 0);
});

test("a page that is open when it is listed gets a warning; to tell of it late as well would be too much", async () => {
  await meet("https://www.late-open.example/deal");
  await publish("urls", "late-open.example\n");
  await browser.warned(tab);
  assert.deepEqual(await ask("late.news"), []);
  assert.equal(lateTabs().length, 0);
});

test("what comes up while the page that tells it is open is told there", async () => {
  await meet("https://late-first.example/");
  await meet("https://late-second.example/");
  await tab.goto("https://honest-shop.example/");
  await publish("urls", "late-first.example\n");
  const late = await until("it is told in a tab", () => lateTabs()[0]);
  await until("one is told", async () => (await late.locator("#news > li").count()) === 1);
  await publish("urls", "late-second.example\n");
  await until("two are told", async () => (await late.locator("#news > li").count()) === 2);
  assert.equal(lateTabs().length, 1);
  for (const { id } of await ask("late.news")) await ask("late.dismiss", { id });
  await late.close();
});

test("an account on a network and a number that was asked about are told of, and nothing more of them is known", async () => {
  await meet("https://www.facebook.com/invented.late.shop", "facebook:user/inventedlateshop");
  await ask("popup.ask", { text: "Techcombank 19030000000011" });
  await met.kept(inside, "bank:970407/19030000000011");
  await tab.goto("https://honest-shop.example/");
  await publish("csv", "url,category\nhttps://www.facebook.com/invented.late.shop,shop\nbank:970407/19030000000011,investment\n");
  const late = await until("it is told in a tab", () => lateTabs()[0]);
  const said = await until("it is said", async () => (await late.innerText("#news")) || undefined);
  assert.match(said, /Something on Facebook you opened on/);
  assert.match(said, /A bank account you asked about on/);
  for (const { id } of await ask("late.news")) await ask("late.dismiss", { id });
  await late.close();
});

test("where the bucket cannot be had, it is told later and not lost", async () => {
  await meet("https://late-bank.example/");
  await tab.goto("https://honest-shop.example/");
  world.gateway.between = async (path, answer) => (path.startsWith("/v1/bucket/") ? undefined : answer);
  await publish("urls", "late-bank.example\n");
  assert.deepEqual(await ask("late.news"), []);
  world.gateway.behave();
  await ask("popup.refresh");
  assert.equal((await ask("late.news")).length, 1);
  await ask("late.dismiss", { id: (await ask("late.news"))[0].id });
  for (const one of lateTabs()) await one.close();
});

test("after thirty days it is forgotten", async () => {
  await meet("https://late-old.example/");
  await inside.evaluate(age, 31);
  await tab.goto("https://honest-shop.example/");
  await publish("urls", "late-old.example\n");
  assert.deepEqual(await ask("late.news"), []);
  assert.equal(await inside.evaluate(days).then((all) => all.filter((day) => day < Date.now() / 864e5 - 30).length), 0);
});

test("what is thirty days old but one is still told", async () => {
  await meet("https://late-almost.example/");
  await inside.evaluate(age, 28);
  await tab.goto("https://honest-shop.example/");
  await publish("urls", "late-almost.example\n");
  assert.equal((await ask("late.news")).length, 1);
  await ask("late.dismiss", { id: (await ask("late.news"))[0].id });
  for (const one of lateTabs()) await one.close();
});

test("what was cleared is not told", async () => {
  await meet("https://late-cleared.example/");
  await tab.goto("https://honest-shop.example/");
  await ask("late.clear");
  assert.equal((await kept()).things, 0);
  await publish("urls", "late-cleared.example\n");
  assert.deepEqual(await ask("late.news"), []);
});

test("switched off, nothing is kept, and what was kept is gone", async () => {
  await meet("https://late-untold.example/");
  await tab.goto("https://honest-shop.example/");
  await publish("urls", "late-untold.example\n");
  await until("the toolbar tells of something", async () => (await browser.badge(tab)) === "1");
  await meet("https://late-off.example/");
  await inside.evaluate(async () => {
    const { settings } = await chrome.storage.local.get("settings");
    await chrome.storage.local.set({ settings: { ...settings, late: false } });
  });
  await until("it is gone", async () => (await kept()).things === 0);
  await until("the toolbar tells of nothing", async () => (await browser.badge(tab)) === "");
  for (const one of lateTabs()) await one.close();
  await tab.goto("https://late-off-2.example/");
  assert.ok(await browser.unknownToUs(tab));
  await browser.fiveSeconds();
  assert.equal((await kept()).things, 0);
  await publish("urls", "late-off.example\nlate-off-2.example\n");
  assert.deepEqual(await ask("late.news"), []);
  await inside.evaluate(async () => {
    const { settings } = await chrome.storage.local.get("settings");
    await chrome.storage.local.set({ settings: { ...settings, late: true } });
  });
});

test("what was met is on no disk as an address, nor as its digest, and no script can read the key out", async () => {
  await meet("https://late-secret.example/a-very-private-page");
  const exported = await inside.evaluate(async () => {
    const done = (request) => new Promise((resolve, reject) => Object.assign(request, { onsuccess: () => resolve(request.result), onerror: () => reject(request.error) }));
    const db = await done(indexedDB.open("khien-late"));
    const key = await done(db.transaction("keys").objectStore("keys").get("key"));
    db.close();
    return crypto.subtle.exportKey("raw", key).then(() => "read", (err) => err.name);
  });
  assert.equal(exported, "InvalidAccessError");
  const digest = createHash("sha256").update("late-secret.example/").digest();
  // The same search finds what is written there plainly.
  const plain = createHash("sha256").update("a control").digest();
  await inside.evaluate(async (plain) => {
    const done = (request) => new Promise((resolve, reject) => Object.assign(request, { onsuccess: () => resolve(request.result), onerror: () => reject(request.error) }));
    const db = await done(indexedDB.open("khien-late"));
    await done(db.transaction("state", "readwrite").objectStore("state").put({ heads: Uint8Array.from(plain).slice(0, 16), href: "https://control.example/" }, "control"));
    db.close();
  }, [...plain]);
  const profile = await browser.quit();
  const files = await everything(path.join(profile, "Default"), /IndexedDB|Extension|Local Storage|Session Storage|Service Worker|Storage/i);
  const holds = (what) => files.filter(({ body }) => body.includes(what)).map(({ name }) => name);
  assert.notDeepEqual(holds(plain.subarray(0, 16)), []);
  assert.notDeepEqual(holds("control.example"), []);
  assert.deepEqual(holds("late-secret.example"), []);
  assert.deepEqual(holds(digest.subarray(0, 5)), []);
});

async function everything(folder, fits) {
  const found = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const name = path.join(entry.parentPath, entry.name);
    if (entry.isFile() && fits.test(path.relative(folder, name))) found.push({ name, body: await readFile(name) });
  }
  return found;
}

/** Runs in a page of the extension: what was met today was met that many days ago. */
async function age(days) {
  const done = (request) => new Promise((resolve, reject) => Object.assign(request, { onsuccess: () => resolve(request.result), onerror: () => reject(request.error) }));
  const db = await done(indexedDB.open("khien-late"));
  const store = db.transaction("days", "readwrite").objectStore("days");
  const today = Math.max(...(await done(store.getAllKeys())));
  const sealed = await done(store.get(today));
  await done(store.delete(today));
  await done(store.put(sealed, today - days));
  db.close();
}

async function days() {
  const done = (request) => new Promise((resolve, reject) => Object.assign(request, { onsuccess: () => resolve(request.result), onerror: () => reject(request.error) }));
  const db = await done(indexedDB.open("khien-late"));
  const keys = await done(db.transaction("days").objectStore("days").getAllKeys());
  db.close();
  return keys;
}
