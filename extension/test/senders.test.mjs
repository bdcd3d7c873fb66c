// Whoever breaks into the process of a page can say all that our script in it can. What that may ask is looked at
// here: every question that there is, asked from a content script. None of those that decide something is answered,
// and nothing is decided.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { until } from "./fixture/until.mjs";
import { World } from "./fixture/world.mjs";

const account = "https://www.facebook.com/invented.gift.centre";
const subject = "facebook:user/inventedgiftcentre";

/** What a content script may ask: what to show, the way out, and a page of ours. */
const open = [
  "overlay.look", "overlay.details", "overlay.leave", "overlay.warn",
  "feed.check", "feed.why",
  "banner.look", "banner.details", "banner.leave", "banner.why",
  "stand.is", "words", "help",
];

let world, browser;

before(async () => {
  world = await World.make();
  browser = await world.chromium();
});
after(() => world?.close());

/** All questions that there are, by their names in message.ts. */
async function questions() {
  const source = await readFile(new URL("../src/shared/message.ts", import.meta.url), "utf8");
  const named = [...source.matchAll(/^ {2}"?([a-z]+(?:\.[a-z]+)?)"?: \[/gm)].map(([, name]) => name);
  assert.ok(named.length > 40 && open.every((name) => named.includes(name)), named.join());
  return named;
}

/** Runs code where our content script runs in a tab, with its rights. */
async function asScript(tab, code, value) {
  const session = await tab.context().newCDPSession(tab);
  const contexts = [];
  session.on("Runtime.executionContextCreated", ({ context }) => contexts.push(context));
  await session.send("Runtime.enable");
  const { id } = await until("our script is in the page", () => contexts.find(({ auxData, origin }) => auxData?.type === "isolated" && origin.includes(browser.id)));
  const { result, exceptionDetails } = await session.send("Runtime.evaluate", {
    contextId: id, expression: `(${code})(${JSON.stringify(value)})`, awaitPromise: true, returnByValue: true,
  });
  if (exceptionDetails) throw new Error(JSON.stringify(exceptionDetails));
  await session.detach();
  return result.value;
}

test("no question that decides something is answered to a content script, whatever it says about itself", async () => {
  const closed = (await questions()).filter((name) => !open.includes(name));
  const tab = await browser.tab();
  await browser.go(tab, account);
  await browser.covered(tab);
  // The warning that is open in another tab, as if its name had come out.
  const other = await browser.tab();
  await browser.go(other, "https://parcel-fee.example/");
  await browser.warned(other);
  const page = await browser.inside();
  const kept = () => page.evaluate(async () => JSON.stringify([await chrome.storage.session.get(null), await chrome.storage.local.get(null)]));
  const before = await kept();
  const ids = [...before.matchAll(/warning:(\d+):([0-9a-f]{32})/g)].map(([, tabId, id]) => ({ tabId: Number(tabId), id }));
  assert.ok(ids.length > 0); // a busy browser may tell of a visit twice: each name is tried

  const heard = await asScript(tab, async ({ closed, ids, subject, account, origin }) => {
    const bodies = [
      ...ids.map((one) => ({ ...one, subject, href: account, close: true, text: subject, title: "", request: one.id, isPrivate: false, finding: { subject, verdict: "listed" }, kind: "mark", about: account, windowId: 1, category: "prize", note: "" })),
      { subject, href: account },
      null,
    ];
    const out = [];
    for (const ask of closed) {
      for (const body of bodies) {
        for (const lie of [{}, { sender: { origin }, origin, url: `${origin}/warning.html` }]) {
          const reply = await chrome.runtime.sendMessage({ ask, body, ...lie }).catch(String);
          if (reply !== undefined && reply !== null) out.push([ask, body, reply]);
        }
      }
    }
    return out;
  }, { closed, ids, subject, account, origin: `chrome-extension://${browser.id}` });
  assert.deepEqual(heard, []);
  assert.equal(await kept(), before, "something was decided");
  await browser.covered(tab);
  assert.ok(await other.isVisible("#leave"));
  assert.deepEqual(await world.khien.reports(), []);
  for (const one of [tab, other, page]) await one.close();
});

test("a content script can neither read what lies in memory nor open the way for a page that it names", async () => {
  const tab = await browser.tab();
  await browser.go(tab, account);
  await browser.covered(tab);
  const read = await asScript(tab, async () => {
    try {
      return Object.keys(await chrome.storage.session.get(null));
    } catch {
      return "refused";
    }
  });
  assert.equal(read, "refused");
  // It can have its own warning opened, for what is covered in its own tab, and nothing else.
  await asScript(tab, () => chrome.runtime.sendMessage({ ask: "overlay.warn", body: { subject: "parcel-fee.example/" } }));
  await browser.covered(tab);
  assert.equal(tab.url(), account);
  await asScript(tab, (subject) => void chrome.runtime.sendMessage({ ask: "overlay.warn", body: { subject } }), subject);
  await browser.warned(tab);
  assert.equal(await tab.innerText("#name"), "Facebook account inventedgiftcentre");
  await tab.close();
});
