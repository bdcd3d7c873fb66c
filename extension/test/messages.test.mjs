// Hostile messages: a page whose renderer was taken over speaks as our content script, and somebody speaks as one of
// our pages. Whatever they ask, in whatever shape, the worker answers or refuses, and protects as before. `make fuzz`
// runs this file for as long as SECONDS says.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { dice } from "./fixture/dice.mjs";
import { top } from "./fixture/khien.mjs";
import { listed, World } from "./fixture/world.mjs";

const seconds = Number(process.env.SECONDS ?? 0);
const seed = Number(process.env.SEED ?? (seconds ? Date.now() % 2 ** 31 : 1));

/**
 * All that can be asked: by the interface in message.ts that has it, the names of questions, and those of fields in
 * their bodies.
 */
async function questions() {
  const text = await readFile(path.join(top, "extension/src/shared/message.ts"), "utf8");
  const found = {};
  for (const [, from, body] of text.matchAll(/^export interface (From\w+) \{\n(.*?)^\}/gms)) {
    found[from] = [...body.matchAll(/^ {2}"?([a-z][\w.]*)"?: \[(.*)\];$/gm)].map(([, ask, types]) => ({ ask, fields: [...types.matchAll(/(\w+): /g)].map((one) => one[1]) }));
  }
  return found;
}

/** A value as nobody expects it. Messages go as JSON: what that has no word for comes as null. */
function value(d, depth = 0) {
  const odd = [
    null, true, false, 0, -1, 1e308, 2 ** 53, 0.5, "", " ", "\u0000", "\ud800", "__proto__", "constructor", "https://www.facebook.com/invented.gift.centre",
    "http://parcel-fee.example/", "facebook:user/inventedgiftcentre", "parcel-fee.example/", "chrome-extension://x/", "javascript:alert(1)", "http://[", "/v1/head", "en", "vi", "0".repeat(32),
    "x".repeat(70_000), "https://honest.example/" + "a/".repeat(50_000), JSON.parse('{"__proto__":{"polluted":1}}'), { constructor: { prototype: { polluted: 1 } } },
    { length: 1e9 }, { toString: "x", valueOf: "y" }, { then: "x" }, [[[[[[[[[[]]]]]]]]]], Array(3000).fill("https://a.example/"), Array(300).fill(null),
  ];
  switch (d.below(depth > 3 ? 2 : 6)) {
    case 0:
    case 1:
    case 2:
      return d.of(odd);
    case 3:
      return Array.from({ length: d.below(4) }, () => value(d, depth + 1));
    case 4:
      return Object.fromEntries(Array.from({ length: d.below(4) }, () => [d.of(["href", "id", "constructor", "__proto__", "length", "then", "toJSON", ""]), value(d, depth + 1)]));
    default:
      return String.fromCharCode(...Array.from({ length: d.below(40) }, () => d.below(0x10000)));
  }
}

function message(d, all) {
  const { ask, fields } = d.of(all);
  const shaped = () => Object.fromEntries(fields.map((name) => [name, value(d)]));
  switch (d.below(12)) {
    case 0:
      return value(d);
    case 1:
      return { ask: value(d), body: shaped() };
    case 2:
      return { ask: d.of(["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf", "then", ask + " ", ask.toUpperCase()]), body: shaped() };
    case 3:
      return { ask };
    case 4:
      return { ask, body: value(d) };
    case 5:
      return { ...shaped(), ask, body: { ...shaped(), ...JSON.parse('{"__proto__":{"href":"http://parcel-fee.example/"}}') } };
    default:
      return { ask, body: shaped() };
  }
}

let world, browser, worker, all, scripts, pages;

before(async () => {
  world = await World.make({ list: listed });
  browser = await world.chromium();
  worker = await browser.worker();
  await worker.evaluate(() => {
    globalThis.wild = [];
    for (const event of ["error", "unhandledrejection"]) addEventListener(event, (e) => globalThis.wild.push(String(e.reason?.stack ?? e.message)));
    globalThis.started = Math.random();
  });
  const from = await questions();
  const text = await readFile(path.join(top, "extension/src/worker/worker.ts"), "utf8");
  const asked = (who) => new RegExp(`^const ${who}: Handlers<([\\w &]+),`, "m").exec(text)[1].split(" & ").flatMap((name) => from[name]);
  [scripts, pages, all] = [asked("fromScripts"), asked("fromPages"), Object.values(from).flat()];
  assert.ok(scripts.length > 5 && pages.length > 20, "message.ts is read otherwise than it is written");
});
after(() => world?.close());

/**
 * What sends a message in a page, and tells what came back: the answer, "refused", or "nothing" where none came for a
 * quarter of a minute.
 */
const send = `async (message) => {
  const late = new Promise((resolve) => setTimeout(resolve, 15_000, "nothing"));
  return Promise.race([chrome.runtime.sendMessage(message).then((reply) => (reply === undefined || reply === null ? "refused" : reply), () => "refused"), late]);
}`;

/** Speaks as our content script in a tab: in its world, of which the browser says whose it is. */
async function asScript(tab) {
  const session = await tab.context().newCDPSession(tab);
  const contexts = [];
  session.on("Runtime.executionContextCreated", ({ context }) => contexts.push(context));
  await session.send("Runtime.enable");
  const context = contexts.find(({ origin, auxData }) => origin.includes(browser.id) || auxData?.type === "isolated" && origin === `chrome-extension://${browser.id}`);
  assert.ok(context, "our content script is not there");
  return async (message) => {
    const { result, exceptionDetails } = await session.send("Runtime.evaluate", {
      expression: `(${send})(JSON.parse(${JSON.stringify(JSON.stringify(message) ?? "null")}))`, contextId: context.id, awaitPromise: true, returnByValue: true,
    });
    assert.ok(!exceptionDetails, JSON.stringify(exceptionDetails));
    return result.value;
  };
}

/** Sends messages made by dice until the time is over, or some of them. */
async function attack(d, tell, check, questions) {
  const end = Date.now() + (seconds || 1) * 1000;
  let n = 0;
  for (; seconds ? Date.now() < end : n < 250; n++) {
    const said = message(d, questions);
    const reply = await tell(said);
    const quoted = () => `seed ${seed}, message ${n}: ${JSON.stringify(said)?.slice(0, 400)}`;
    assert.notEqual(reply, "nothing", `no answer to ${quoted()}`);
    check(said, reply, quoted);
  }
  return n;
}

/** The worker is the same one as at first, nothing in it went unhandled, and it protects. */
async function unharmed() {
  const state = await worker.evaluate(() => ({ wild: globalThis.wild, started: globalThis.started !== undefined, polluted: ({}).polluted !== undefined, keys: Object.keys(Object.prototype).length }));
  assert.deepEqual(state, { wild: [], started: true, polluted: false, keys: 0 });
  const tab = await browser.tab();
  await browser.go(tab, "http://parcel-fee.example/");
  await browser.warned(tab);
  await tab.close();
}

test("a page in which our script was taken over learns and changes nothing but what a script may", async (t) => {
  const tab = await browser.tab();
  await tab.goto("https://www.facebook.com/an.honest.baker");
  const tell = await asScript(tab);
  assert.ok((await tell({ ask: "words", body: null })) !== "refused", "our script itself is refused");
  const may = new Set(scripts.map(({ ask }) => ask));
  const kept = () => worker.evaluate(async () => JSON.stringify(await chrome.storage.local.get(null)));
  const before = await kept();
  for (const { ask, fields } of all.filter(({ ask }) => !may.has(ask))) {
    for (const body of [null, {}, Object.fromEntries(fields.map((name) => [name, "http://parcel-fee.example/"]))]) {
      assert.equal(await tell({ ask, body }), "refused", `a script may ask ${ask}`);
    }
  }
  for (const ask of ["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf"]) assert.equal(await tell({ ask, body: {} }), "refused", ask);
  assert.equal(await tell({ ask: "feed.check", body: { hrefs: [], more: "x".repeat(5 << 20) } }), "refused", "a huge one is read");
  const n = await attack(dice(seed), tell, (said, reply, quoted) => {
    if (reply !== "refused") assert.ok(may.has(said?.ask) && Object.hasOwn(reply, "ok"), `answered ${JSON.stringify(reply).slice(0, 200)} to ${quoted()}`);
  }, all);
  t.diagnostic(`${n} messages, seed ${seed}`);
  assert.equal(await kept(), before, "what is kept has changed");
  assert.equal(tab.url(), "https://www.facebook.com/an.honest.baker", "the tab was led away");
  await unharmed();
  await tab.close();
});

test("a page of ours that says nonsense is answered or refused", async (t) => {
  const tab = await browser.inside();
  const tell = (said) => tab.evaluate(`(${send})(JSON.parse(${JSON.stringify(JSON.stringify(said) ?? "null")}))`);
  // What closes tabs or the window, takes pictures of it or forgets everything is asked for by nobody here.
  const harmless = pages.filter(({ ask }) => !/^(picture\.|options\.(erase|move)|popup\.refresh)/.test(ask));
  const n = await attack(dice(seed + 1), tell, (said, reply, quoted) => {
    if (reply !== "refused") assert.ok(Object.hasOwn(reply, "ok"), `answered ${JSON.stringify(reply).slice(0, 200)} to ${quoted()}`);
  }, harmless);
  t.diagnostic(`${n} messages, seed ${seed + 1}`);
  await unharmed();
});

test("the web and its frames cannot speak to us at all", async () => {
  const tab = await browser.tab();
  await tab.goto("https://www.facebook.com/an.honest.baker");
  assert.equal(await tab.evaluate(() => typeof globalThis.chrome?.runtime?.sendMessage), "undefined");
  await tab.close();
});
