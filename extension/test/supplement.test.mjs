// What travels signed beside the list reaches people: a card that a maintainer writes, a number to call, an official
// account. Whatever happens on the way, the extension has the old supplement or the new one, never half of one.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { until } from "./fixture/until.mjs";
import { World } from "./fixture/world.mjs";

const week = 7 * 24 * 60 * 60;

let world, browser, tab, inside;

before(async () => {
  world = await World.make();
  browser = await world.chromium();
  tab = await browser.tab();
  inside = await browser.inside();
  await until("the extension has asked once, at its start", () => world.gateway.asked("/v1/head").some((one) => one.status === 200));
});
after(() => world?.close());
beforeEach(() => world.gateway.behave());

/** Asks the worker as a page of the extension does. */
async function ask(name, body) {
  return (await inside.evaluate((message) => chrome.runtime.sendMessage(message), { ask: name, body })).ok;
}

const card = (id, more = {}) => ({ id, title: { en: `About ${id}`, vi: `Về ${id}` }, text: { en: "Ask first.", vi: "Hãy hỏi trước." }, ...more });

/** Writes cards and publishes them; returns the sequence. */
async function publish(...cards) {
  for (const one of cards) {
    const file = path.join(world.khien.dir, "card.json");
    await writeFile(file, JSON.stringify(one));
    await world.khien.cli("campaign", "put", file);
  }
  return (await world.khien.publish()).sequence;
}

const refresh = () => ask("popup.refresh", null);

/** What to do in a case, for somebody who has chosen a country. */
async function help(about, country) {
  await inside.evaluate((country) => chrome.storage.local.set({ settings: { country } }), country);
  return ask("help", { about });
}

/** Lets the time since the last card of a week pass. */
async function later(seconds) {
  await inside.evaluate(async (seconds) => {
    const { advice } = await chrome.storage.local.get("advice");
    await chrome.storage.local.set({ advice: { ...advice, since: advice.since - seconds } });
  }, seconds);
}

test("from the first second there are numbers to call, by country, and steps that everybody needs", async () => {
  const vietnam = await help("paid", "VN");
  assert.equal(vietnam.country, "VN");
  assert.ok(vietnam.hotlines.some(({ kind, value }) => kind === "phone" && value === "113"));
  assert.ok(vietnam.hotlines.every(({ name, what, source }) => name && what && source.startsWith("https://")));
  assert.ok(vietnam.steps.length >= 3);
  const nowhere = await help("installed", "ZZ");
  assert.deepEqual([nowhere.country, nowhere.hotlines], ["", []]);
  assert.ok(nowhere.steps.length >= 3);
  assert.deepEqual((await ask("advice.countries", null)).sort(), ["AU", "GB", "PL", "SG", "TH", "TW", "US", "VN"]);
});

test("a new number to call comes with an update", async () => {
  const text = { en: "An invented line", vi: "Một số bịa", pl: "Zmyślona linia" };
  const file = path.join(world.khien.dir, "ours.json");
  const line = { kind: "phone", value: "999 000", name: text, what: text, cases: ["paid"], source: "https://police.example/" };
  await writeFile(file, JSON.stringify({ help: [{ country: "VN", checked: "2026-11-24", steps: {}, hotlines: [line] }] }));
  await world.khien.cli("hotlines", "import", file);
  await world.khien.publish();
  await refresh();
  assert.deepEqual((await help("paid", "VN")).hotlines.map(({ value, name }) => [value, name]), [["999 000", "An invented line"]]);
  assert.deepEqual((await help("data", "VN")).hotlines, []);
  assert.ok((await help("data", "VN")).steps.length >= 3);
});

test("a new card comes with an update: after a warning of its kind, and else once a week", async () => {
  assert.equal(await ask("advice.card", { href: "https://honest.example/", category: "otp" }), null);
  await publish(
    card("codes", { categories: ["otp"], link: "https://advice.example/codes" }),
    card("on-telegram", { platforms: ["telegram"] }),
    card("over", { to: "2026-01-01" }),
    card("only-in-polish", { title: { pl: "Po polsku" }, text: { pl: "Tak." } }),
  );
  await refresh();
  const codes = { id: "codes", title: "About codes", text: "Ask first.", picture: "", alt: "", link: "https://advice.example/codes" };
  assert.deepEqual(await ask("advice.card", { href: "https://scam.example/", category: "otp" }), codes);
  assert.equal(await ask("advice.card", { href: "https://scam.example/", category: "shop" }), null);

  // One a week, wherever the popup is opened; it stays for a day.
  assert.equal((await ask("advice.card", { href: "https://honest.example/", category: "" })).id, "codes");
  assert.equal((await ask("advice.card", { href: "https://honest.example/", category: "" })).id, "codes");
  await later(25 * 60 * 60);
  assert.equal(await ask("advice.card", { href: "https://t.me/invented_name", category: "" }), null);
  await later(week);
  assert.equal((await ask("advice.card", { href: "https://t.me/invented_name", category: "" })).id, "on-telegram");

  // What was dismissed does not come back, after a warning either.
  await ask("advice.dismiss", { id: "codes" });
  await later(week + 1);
  assert.equal(await ask("advice.card", { href: "https://honest.example/", category: "" }), null);
  assert.equal(await ask("advice.card", { href: "https://scam.example/", category: "otp" }), null);
  const asked = new Set(world.gateway.log.map((one) => one.path.replace(/[0-9a-f]{64}/, "…")));
  assert.ok([...asked].every((path) => /^\/v1\/(head|blob\/…|delta\/…\/\d+|bucket\/.*|receipts?\/.*|proof.*)$/.test(path)), "nobody is told about cards");
});

test("a card for a platform is shown on each of its domains, and on no other", async () => {
  await publish(card("on-both", { categories: ["loan"], platforms: ["facebook", "telegram"] }));
  await refresh();
  const about = async (host) => (await ask("advice.card", { href: `https://${host}/`, category: "loan" }))?.id;
  for (const host of ["www.facebook.com", "www.fb.com", "www.messenger.com", "t.me", "telegram.me", "telegram.dog", "web.telegram.org"]) {
    assert.equal(await about(host), "on-both", host);
  }
  for (const host of ["honest.example", "www.instagram.com", "notfb.com", "telegram.example"]) assert.equal(await about(host), undefined, host);
});

test("an official account has its name, and another of that name is met with caution", async () => {
  const page = (title) => ({ type: "text/html; charset=utf-8", body: `<!doctype html><title>${title}</title>` });
  for (const path of ["/invented.ministry", "/invented.ministry.help"]) world.web.own.set(`www.facebook.com${path}`, page("Ministry of Inventions | Facebook"));
  const verdict = async (path) => {
    await tab.goto(`https://www.facebook.com${path}`);
    const popup = await browser.popup(tab);
    const said = { verdict: await popup.text("verdict"), meaning: await popup.text("meaning"), owner: await popup.text("owner") };
    await popup.close();
    return said;
  };
  const before = await verdict("/invented.ministry.help");
  const book = path.join(world.khien.dir, "ministries.txt");
  await writeFile(book, "ministry.example | Ministry of Inventions | facebook:user/inventedministry | VN\n");
  await world.khien.cli("official", "import", book);
  await world.khien.publish();
  await refresh();
  const other = await verdict("/invented.ministry.help");
  assert.notEqual(other.verdict, before.verdict);
  assert.match(other.meaning, /Ministry of Inventions/);
  assert.match(other.meaning, /www\.facebook\.com\/inventedministry/);
  const real = await verdict("/invented.ministry");
  assert.notEqual(real.verdict, other.verdict);
  assert.equal(real.owner, "✓ The official address of Ministry of Inventions");
  assert.deepEqual([before.owner, other.owner], ["", ""]);
  assert.doesNotMatch(real.verdict + real.meaning + real.owner, /safe/i);
});

test("a supplement that was tampered with is refused by name, and the old one stays", async () => {
  await publish(card("new-one", { categories: ["travel"] }));
  const head = await (await fetch(`http://127.0.0.1:${world.khien.port}/v1/head`)).text();
  const digest = /^guide ([0-9a-f]{64}) \d+$/m.exec(head)[1];
  const instead = (change) => async (path, answer) => (path === `/v1/blob/${digest}` ? { ...answer, body: change(answer.body) } : answer);
  const attacks = {
    digest: instead((body) => Buffer.from(body.map((byte, i) => (i === body.length - 20 ? byte ^ 1 : byte)))),
    truncated: instead((body) => body.subarray(0, -1)),
    oversized: instead((body) => Buffer.concat([body, Buffer.alloc(1 << 20)])),
    http: async (path, answer) => (path === `/v1/blob/${digest}` ? { ...answer, status: 404 } : answer),
  };
  const before = await ask("popup.protection", null);
  for (const [code, between] of Object.entries(attacks)) {
    world.gateway.between = between;
    const { error, sequence } = await refresh();
    assert.deepEqual([error, sequence], [code, before.sequence], code);
    assert.equal(await ask("advice.card", { href: "https://scam.example/", category: "travel" }), null, code);
    assert.equal((await help("paid", "VN")).hotlines.length, 1, code);
  }
  world.gateway.behave();
  const { error, sequence } = await refresh();
  assert.deepEqual([error, sequence], ["", before.sequence + 1]);
  assert.equal((await ask("advice.card", { href: "https://scam.example/", category: "travel" })).id, "new-one");
});

test("a supplement that has not changed is not fetched again", async () => {
  const mark = world.gateway.log.length;
  await world.khien.list("csv", "url,category\nhttp://pages.example/another/,shop\n"); // no host: the hot ones are as before
  await refresh();
  assert.equal(world.gateway.asked("/v1/delta/", mark).length, 1);
  assert.equal(world.gateway.asked("/v1/blob/", mark).length, 0);
  assert.equal((await ask("advice.card", { href: "https://scam.example/", category: "travel" })).id, "new-one");
});

test("a worker that dies while the supplement is on its way has the old one, and gets the new one", async () => {
  await publish(card("after-death", { categories: ["charity"] }));
  let held;
  world.gateway.between = (path, answer) => (path.startsWith("/v1/blob/") ? new Promise((resolve) => (held = () => resolve(answer))) : answer);
  await browser.ring("update");
  await until("the supplement is on its way", () => held);
  await browser.killWorker();
  held();
  world.gateway.behave();
  assert.equal(await ask("advice.card", { href: "https://scam.example/", category: "charity" }), null);
  assert.equal((await ask("advice.card", { href: "https://scam.example/", category: "travel" })).id, "new-one");
  await refresh();
  assert.equal((await ask("advice.card", { href: "https://scam.example/", category: "charity" })).id, "after-death");
});

test("a supplement that is damaged on the disk takes its list with it: the one before is used", async () => {
  const before = await ask("popup.protection", null);
  await inside.evaluate(async () => {
    const done = (request) => new Promise((resolve, reject) => Object.assign(request, { onsuccess: () => resolve(request.result), onerror: () => reject(request.error) }));
    const db = await done(indexedDB.open("khien"));
    const { slot } = await done(db.transaction("state").objectStore("state").get("pointer"));
    const slots = db.transaction("slots", "readwrite").objectStore("slots");
    const release = await done(slots.get(slot));
    release.guide[release.guide.length - 1] ^= 1;
    await done(slots.put(release, slot));
    db.close();
  });
  await browser.killWorker();
  const after = await ask("popup.protection", null);
  assert.equal(after.sequence, before.sequence - 1);
  assert.equal((await ask("advice.card", { href: "https://scam.example/", category: "travel" })).id, "new-one");
  assert.equal(await ask("advice.card", { href: "https://scam.example/", category: "charity" }), null);
});
