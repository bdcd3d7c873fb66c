// A newer list comes, or something that claims to be one. Whatever happens on the way,
// the extension has the old list or the new one, and says what it refused.

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { Khien } from "./fixture/khien.mjs";
import { until } from "./fixture/until.mjs";
import { World } from "./fixture/world.mjs";

let world, browser, tab, first, releases = 1;

before(async () => {
  world = await World.make();
  browser = await world.chromium();
  tab = await browser.tab();
  first = await (await fetch(`http://127.0.0.1:${world.khien.port}/v1/head`)).text();
  await until("the extension has asked once, at its start", () => world.gateway.asked("/v1/head").some((one) => one.status === 200));
});
after(() => world?.close());
beforeEach(() => world.gateway.behave());

/** Publishes a list with one more site and returns its name. */
async function publish() {
  const host = `newly-listed-${++releases}.example`;
  const { sequence } = await world.khien.list("urls", host + "\n");
  assert.equal(sequence, releases);
  return host;
}

/** Opens the popup over an honest page and has it look for a newer list. Returns what it says. */
async function checkNow() {
  await tab.goto("https://honest-shop.example/");
  const popup = await browser.popup(tab);
  await popup.reads("list", /\(no\. \d+\)/); // what is told first comes later than the rest
  await popup.click("refresh");
  await until("the check is over", async () => !(await popup.property("refresh", "disabled")));
  const said = { list: await popup.text("list"), checked: await popup.text("checked") };
  await popup.close();
  return said;
}

async function warns(host) {
  await browser.go(tab, `https://${host}/`);
  await browser.warned(tab);
}

async function doesNotWarn(host) {
  await browser.go(tab, `https://${host}/`);
  assert.ok(await browser.unknownToUs(tab));
}

test("a newer list comes by a delta, asked for by nobody; a page that is open is warned about", async () => {
  const mark = world.gateway.log.length;
  await doesNotWarn("newly-listed-2.example");
  await publish();
  await browser.ring("update");
  await browser.warned(tab);
  const asked = world.gateway.log.slice(mark).filter((one) => !one.path.startsWith("/v1/bucket/"));
  assert.deepEqual(asked.map((one) => one.path.replace(/[0-9a-f]{64}/, "…")), ["/v1/head", "/v1/blob/…", "/v1/delta/…/1"]); // the supplement, with one more hot host
  assert.ok(asked.every((one) => one.method === "GET" && one.status === 200));
});

test("several releases that were missed come as one delta", async () => {
  const hosts = [await publish(), await publish(), await publish()];
  const mark = world.gateway.log.length;
  assert.match((await checkNow()).list, /\(no\. 5\)/);
  assert.equal(world.gateway.asked("/v1/delta/", mark).length, 1);
  assert.equal(world.gateway.asked("/v1/blob/", mark).length, 1); // the supplement
  for (const host of hosts) await warns(host);
});

test("where nothing is new, the server only says so", async () => {
  const mark = world.gateway.log.length;
  await checkNow();
  const asked = world.gateway.log.slice(mark).filter((one) => !one.path.startsWith("/v1/bucket/")); // the warning before may still ask for its reason
  assert.deepEqual(asked.map((one) => [one.path, one.status]), [["/v1/head", 304]]);
});

test("a hostile mirror is refused by name, and the list in use goes on", async (t) => {
  const host = await publish();
  const other = await Khien.make();
  t.after(() => other.close());
  await other.list("urls", "honest-shop.example\n");
  await other.start();
  const foreign = async (path) => Buffer.from(await (await fetch(`http://127.0.0.1:${other.port}${path}`)).arrayBuffer());
  const foreignHead = await foreign("/v1/head");

  const text = (answer, change) => ({ ...answer, status: 200, body: Buffer.from(change(answer.body.toString())) });
  const head = (change) => async (path, answer) => (path === "/v1/head" ? text(answer, change) : answer);
  /** Changes whatever carries the new set. */
  const set = (change) => async (path, answer) => (/^\/v1\/(delta|blob)\//.test(path) ? { ...answer, body: change(answer.body) } : answer);
  const attacks = {
    "a forged signature": [head((note) => note.replace(/(.)(\S{4})\n$/, (all, c, rest) => (c === "A" ? "B" : "A") + rest + "\n")), "signature"],
    "a higher sequence under an old signature": [head((note) => note.replace(/^sequence \d+/m, "sequence 999")), "signature"],
    "a longer life under an old signature": [head((note) => note.replace(/^expires \d+/m, (line) => line.slice(0, -1) + ((Number(line.at(-1)) + 1) % 10))), "signature"],
    "the head of the first release": [head(() => first), "older"],
    "the head of another publisher": [async (path, answer) => (path === "/v1/head" ? { ...answer, body: foreignHead } : path.startsWith("/v1/blob/") ? { ...answer, status: 200, body: await foreign(path) } : answer), "signature"],
    "a sign-in page of a hotel": [async (path, answer) => ({ ...answer, status: 200, body: Buffer.from("<!doctype html><title>Welcome</title>") }), "format"],
    "an endless head": [head((note) => note + "x".repeat(1 << 20)), "oversized"],
    "a head cut short": [head((note) => note.slice(0, -40)), "format"],
    "a set with one bit changed": [set((body) => Buffer.from(body.map((byte, i) => (i === body.length - 1 ? byte ^ 1 : byte)))), "digest"],
    "a set cut short": [set((body) => body.subarray(0, -1)), "truncated"],
    "a set that does not end": [set((body) => Buffer.concat([body, Buffer.alloc(1 << 20)])), "oversized"],
    "an empty set": [set(() => Buffer.alloc(0)), "truncated"],
  };
  for (const [name, [between, code]] of Object.entries(attacks)) {
    world.gateway.between = between;
    const said = await checkNow();
    assert.match(said.checked, new RegExp(`A newer list was refused \\(${code}\\)`), name);
    assert.match(said.list, /\(no\. 5\)/, name);
    await warns("parcel-fee.example");
    await doesNotWarn(host);
  }

  world.gateway.behave();
  const said = await checkNow();
  assert.match(said.list, /\(no\. 6\)/);
  assert.doesNotMatch(said.checked, /refused/);
  await warns(host);
});

test("a delta that is damaged costs a download of the whole set, and nothing else", async () => {
  const host = await publish();
  const mark = world.gateway.log.length;
  world.gateway.between = async (path, answer) => (path.startsWith("/v1/delta/") ? { ...answer, body: answer.body.subarray(1) } : answer);
  assert.match((await checkNow()).list, /\(no\. 7\)/);
  assert.equal(world.gateway.asked("/v1/blob/", mark).length, 2); // and the supplement
  await warns(host);
});

test("a worker that dies in the middle of an update leaves the old list, and the next one gets the new", async () => {
  const host = await publish();
  let held;
  world.gateway.between = (path, answer) => (path.startsWith("/v1/delta/") ? new Promise((resolve) => (held = () => resolve(answer))) : answer);
  await browser.ring("update");
  await until("the delta is on its way", () => held);
  await browser.killWorker();
  held();
  world.gateway.behave();
  await doesNotWarn(host);
  await warns("newly-listed-7.example");
  assert.match((await checkNow()).list, /\(no\. 8\)/);
  await warns(host);
});

test("who asks while an attempt by itself fails has an attempt of their own", async () => {
  const before = releases;
  const host = await publish();
  let held;
  world.gateway.between = (path, answer) => (path === "/v1/head" && !held ? new Promise((resolve) => (held = () => resolve({ ...answer, status: 200, body: Buffer.from("no head") }))) : answer);
  await browser.ring("update");
  await until("the attempt by itself is under way", () => held);
  const inside = await browser.inside();
  const asked = inside.evaluate(() => chrome.runtime.sendMessage({ ask: "popup.refresh", body: null }));
  await inside.evaluate(() => chrome.runtime.sendMessage({ ask: "popup.protection", body: null })); // the question before has arrived by now
  held();
  const { ok } = await asked;
  assert.deepEqual([ok.sequence, ok.error], [before + 1, ""]);
  await inside.close();
  await warns(host);
});

test("a list that is damaged on the disk is not used: the one before it is, until a new one comes", async () => {
  await browser.killWorker();
  const inside = await browser.inside();
  await inside.evaluate(damage, true);
  await inside.close();
  await browser.killWorker();
  await doesNotWarn("newly-listed-9.example");
  await warns("newly-listed-8.example");
  assert.match((await checkNow()).list, /\(no\. 9\)/);
  await warns("newly-listed-9.example");
});

test("with all that is on the disk damaged, the list from the build protects", async () => {
  const inside = await browser.inside();
  await inside.evaluate(damage, false);
  await inside.close();
  await world.khien.stop();
  await browser.killWorker();
  await warns("parcel-fee.example");
  await doesNotWarn("newly-listed-8.example");
  await world.khien.start();
  assert.match((await checkNow()).list, /\(no\. 9\)/);
  await warns("newly-listed-9.example");
});

test("killed while it is busy, whatever with, it has the old list or the new one", async () => {
  const inside = await browser.inside();
  const ask = (ask) => inside.evaluate((message) => chrome.runtime.sendMessage(message), { ask, body: null });
  const before = releases;
  for (const delay of [0, 20, 50, 100]) {
    await publish();
    await inside.evaluate(() => void chrome.runtime.sendMessage({ ask: "popup.refresh", body: null }).catch(() => undefined));
    await new Promise((resolve) => setTimeout(resolve, delay));
    await browser.killWorker();
    const { ok } = await ask("popup.protection");
    assert.ok(ok.sequence === releases || ok.sequence === releases - 1, `after ${delay} ms: release ${ok.sequence} of ${releases}`);
    assert.equal(ok.state, "fresh");
    assert.equal((await ask("popup.refresh")).ok.sequence, releases, `after ${delay} ms the next update does not succeed`);
  }
  await inside.close();
  assert.equal(releases, before + 4);
  await warns(`newly-listed-${releases}.example`);
});

test("killed at each step of an update, it has the old list or the new one", async () => {
  const inside = await browser.inside();
  const ask = (ask) => inside.evaluate((message) => chrome.runtime.sendMessage(message), { ask, body: null });
  const seen = [];
  for (let step = 1; ; step++) {
    await publish();
    assert.equal((await ask("popup.protection")).ok.sequence, releases - 1);
    const worker = await browser.worker();
    await worker.evaluate(endAt, step);
    await ask("popup.refresh").catch(() => undefined);
    const steps = await worker.evaluate(() => globalThis.steps);
    await browser.killWorker();
    const { ok } = await ask("popup.protection");
    assert.ok(ok.sequence === releases || ok.sequence === releases - 1, `at step ${step}: release ${ok.sequence} of ${releases}`);
    assert.equal(ok.state, "fresh", `at step ${step}`);
    seen.push(releases - ok.sequence);
    assert.equal((await ask("popup.refresh")).ok.sequence, releases, `after step ${step} the next update does not succeed`);
    if (steps < step) break;
  }
  assert.equal(seen[0], 1, "with nothing done there is a new list");
  assert.equal(seen.at(-1), 0, "with everything done there is the old list");
  assert.deepEqual(seen.toSorted().reverse(), seen, "a later step went back to the old list");
  assert.ok(seen.length > 8, `only ${seen.length} steps`);
  await inside.close();
});

/**
 * Runs in the worker: from its step number n on, counted from here, nothing that it does reaches the network or the
 * disk any more. A step is a request to the network, or a call of the database.
 */
function endAt(n) {
  globalThis.steps = 0;
  const counted = (on, name) => {
    const does = on[name];
    on[name] = function (...args) {
      if (++globalThis.steps >= n) throw new Error("the worker is dead");
      return does.apply(this, args);
    };
  };
  counted(globalThis, "fetch");
  counted(IDBDatabase.prototype, "transaction");
  for (const name of ["get", "put", "delete", "clear"]) counted(IDBObjectStore.prototype, name);
}

/** Runs in a page of the extension: changes one byte of the list in use, or of all lists on the disk. */
async function damage(inUseOnly) {
  const done = (request) => new Promise((resolve, reject) => Object.assign(request, { onsuccess: () => resolve(request.result), onerror: () => reject(request.error) }));
  const db = await done(indexedDB.open("khien"));
  const { slot } = await done(db.transaction("state").objectStore("state").get("pointer"));
  const slots = db.transaction("slots", "readwrite").objectStore("slots");
  for (const key of inUseOnly ? [slot] : await done(slots.getAllKeys())) {
    const release = await done(slots.get(key));
    release.set[release.set.length - 1] ^= 1;
    await done(slots.put(release, key));
  }
  db.close();
}
