// The clock of a device is wrong: people are told so, in place of a list that looks too old, and what is listed is
// still warned about.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as met from "./fixture/met.mjs";
import { until } from "./fixture/until.mjs";
import { World } from "./fixture/world.mjs";

const day = 24 * 60 * 60;
let world, browser, worker;

before(async () => {
  world = await World.make();
  browser = await world.chromium();
});
after(() => world?.close());

/** Sets the clock of the worker, by so many seconds ahead of the time. */
async function set(ahead) {
  worker = await browser.worker();
  await worker.evaluate((ahead) => {
    globalThis.realNow ??= Date.now;
    Date.now = () => globalThis.realNow() + ahead * 1000;
  }, ahead);
}

/**
 * What the popup says of the list over a page, and the answer that it has it from, once it has asked for a newer one.
 */
async function popup() {
  const tab = await browser.tab();
  await browser.go(tab, "http://honest.example/");
  const inside = await browser.inside();
  const protection = await inside.evaluate(async () => (await chrome.runtime.sendMessage({ ask: "popup.refresh", body: null })).ok);
  const { list } = await inside.evaluate(async () => (await chrome.runtime.sendMessage({ ask: "options.diagnostics", body: null })).ok);
  assert.deepEqual(list.state, protection.state);
  await inside.close();
  const open = await browser.popup(tab);
  const said = await until("the popup says how the list is", async () => (await open.text("checked")).trim());
  await open.close();
  await tab.close();
  return { said, ...protection };
}

const title = () => worker.evaluate(() => chrome.action.getTitle({}));

async function warns() {
  const tab = await browser.tab();
  await browser.go(tab, "http://parcel-fee.example/");
  await browser.warned(tab);
  await tab.close();
}

/** Lets whoever answers for the server say another time than this machine does. */
const serverSays = (ahead) => {
  world.gateway.between = async (path, answer) => ({ ...answer, headers: { ...answer.headers, date: new Date(Date.now() + ahead * 1000).toUTCString() } });
};

test("a clock that is right is not spoken of", async () => {
  await set(0);
  const { said, state, clock } = await popup();
  assert.deepEqual([state, clock], ["fresh", undefined]);
  assert.doesNotMatch(said, /clock/);
});

for (const [what, ahead] of [["700 days ahead", 700 * day], ["three days ahead", 3 * day], ["five days behind", -5 * day], ["700 days behind", -700 * day]]) {
  test(`a clock that is ${what} is named, and the list still warns`, async () => {
    await set(ahead);
    try {
      const { said, state, clock, count } = await popup();
      assert.equal(state, "clock");
      assert.match(said, /^This device's clock looks wrong: it says .*, and it should be about /);
      assert.doesNotMatch(said, /too old|out of date|refused/);
      assert.ok(Math.abs(clock.says - clock.is - ahead) < 120, JSON.stringify(clock));
      assert.ok(count > 5, "the list is empty");
      assert.equal(await title(), "Khiên: this device's clock looks wrong");
      await warns();
    } finally {
      await set(0);
    }
  });
}

test("once it is set, the list is fresh again, and newer lists are not put off until the time that it said", async () => {
  await set(700 * day);
  await popup();
  await set(0);
  await world.khien.list("urls", "after-the-clock.example\n");
  await browser.ring("update");
  await until("the newer list is in use", async () => {
    const inside = await browser.inside();
    const { list } = await inside.evaluate(async () => (await chrome.runtime.sendMessage({ ask: "options.diagnostics", body: null })).ok);
    await inside.close();
    return list.state === "fresh" && list.sequence > 1;
  });
  const alarm = await worker.evaluate(async () => (await chrome.alarms.get("update")).scheduledTime - Date.now());
  assert.ok(alarm < 2 * day * 1000, `the next attempt is in ${alarm / 1000} s`);
  assert.equal(await title(), "Khiên: nothing known about this page");
});

test("a report that was to be tried again when the clock was ahead is not put off until then", async () => {
  world.gateway.between = async (path, answer) => (path.startsWith("/v1/reports") ? undefined : answer);
  await set(700 * day);
  const inside = await browser.inside();
  const send = (ask, body) => inside.evaluate(async ([ask, body]) => (await chrome.runtime.sendMessage({ ask, body })).ok, [ask, body]);
  const { id } = await send("popup.report", { href: "http://put-off.example/", title: "", tabId: null });
  await until("it was tried", async () => (await send("popup.entry", { id, follow: false })).tries > 0);
  await set(0);
  world.gateway.behave();
  await browser.ring("reports");
  await until("it has arrived", async () => (await send("popup.entry", { id, follow: false })).state === "sent");
  await inside.close();
});

test("what was met is not forgotten by a clock that was ahead or behind for a while, and is told late", async () => {
  const inside = await browser.inside();
  const send = async (ask) => (await inside.evaluate(async (ask) => chrome.runtime.sendMessage({ ask, body: null }), ask)).ok;
  const tab = await browser.tab();
  const hosts = [["met-before.example", 0], ["met-ahead.example", 700 * day], ["met-behind.example", -700 * day]];
  for (const [host, ahead] of hosts) {
    await set(ahead);
    await tab.goto(`https://${host}/`);
    await met.kept(inside, `${host}/`);
  }
  await set(0);
  const { sequence } = await world.khien.list("urls", hosts.map(([host]) => `${host}\n`).join(""));
  await tab.goto("https://honest.example/");
  await send("popup.refresh");
  assert.equal((await send("popup.protection")).sequence, sequence);
  const told = await send("late.news");
  assert.equal(told.length, hosts.length, JSON.stringify(told));
  for (const { day: at } of told) assert.ok(Math.abs(at - Date.now() / 1000 / day) < 10, `it was met on day ${at}`);
  await inside.close();
  await tab.close();
});

test("a server whose clock is wrong is not believed against what is signed, and decides nothing", async () => {
  await set(0);
  serverSays(-30 * day); // before the list was signed
  const { state } = await popup();
  assert.equal(state, "fresh");
  serverSays(30 * day);
  const { said } = await popup();
  assert.match(said, /clock looks wrong/);
  await warns();
  world.gateway.behave();
  assert.equal((await popup()).state, "fresh");
});
