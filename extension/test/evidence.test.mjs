// An account is listed under one of its names and met under another: what the platform itself says in the page tells.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { alsoListed, attacks, html, pages } from "./fixture/evidence.mjs";
import { top } from "./fixture/khien.mjs";
import { until } from "./fixture/until.mjs";
import { listed, World } from "./fixture/world.mjs";

let world, browser;

before(async () => {
  world = await World.make({ list: listed + alsoListed });
  browser = await world.chromium();
});
after(() => world?.close());

test("each platform's file finds the other name at its own addresses, and nothing at those of all others", async () => {
  const build = ["run", "github.com/evanw/esbuild/cmd/esbuild", "extension/src/content/evidence/index.ts", "--bundle", "--format=iife", "--global-name=found"];
  const { stdout } = await promisify(execFile)("go", build, { cwd: top });
  const tab = await browser.tab();
  await tab.goto("https://unlisted.example/");
  await tab.addScriptTag({ content: stdout });
  const told = await tab.evaluate(
    (documents) => {
      const parse = (text) => new DOMParser().parseFromString(text, "text/html");
      const said = [];
      for (const { url, text } of documents) {
        for (const [reader, read] of Object.entries(found.readers)) said.push({ url, reader, names: read(parse(text), new URL(url)).flat() });
        // The same document under the address of another platform: a page may say what it likes.
        for (const { url: other } of documents) {
          if (new URL(other).host === new URL(url).host) continue;
          for (const name of found.evidence(parse(text), new URL(other)).flat()) said.push({ url: other, reader: "all", names: [name], from: url });
        }
      }
      return said;
    },
    pages.map((page) => ({ url: page.url, text: html(page) })),
  );
  for (const { platform, url, yields } of pages) {
    for (const { reader, names } of told.filter((one) => one.url === url && one.reader !== "all")) {
      if (reader === platform) assert.ok(names.includes(yields), `${reader} at ${url}: ${names}`);
      else assert.deepEqual(names, [], `${reader} at ${url}`);
    }
  }
  await tab.close();
});

for (const { url, shows } of pages) {
  test(`${url} is ${shows}`, async () => {
    const tab = await browser.tab();
    await browser.go(tab, url);
    const overlay = await browser.covered(tab);
    assert.equal(await overlay.text("name"), shows);
    await until("the badge is there", async () => (await browser.badge(tab)) === "!");
    await overlay.reads("since", /since .*20\d\d/);
    await tab.close();
  });
}

test("a look at the address alone takes nothing away from what the page has said", async () => {
  const { url } = pages[0];
  const tab = await browser.tab();
  await browser.go(tab, url);
  await browser.covered(tab);
  await until("the badge is there", async () => (await browser.badge(tab)) === "!");
  await browser.draws((worker) => worker.evaluate(async (url) => {
    const [{ id }] = await chrome.tabs.query({ active: true, lastFocusedWindow: true });
    chrome.webNavigation.onDOMContentLoaded.dispatch({ tabId: id, frameId: 0, url });
  }, url));
  assert.equal(await browser.badge(tab), "!");
  await tab.close();
});

test("the popup knows what the cover knows, and going on once holds", async () => {
  const { url } = pages[0];
  const tab = await browser.tab();
  await browser.go(tab, url);
  await browser.covered(tab);
  const popup = await browser.popup(tab);
  assert.equal(await popup.property("state", "className"), "listed");
  await popup.reads("since", /since .*20\d\d.*Case number KH-/);
  assert.ok(await popup.shows("help-toggle"));
  await popup.close();
  await browser.decides(tab);
  await tab.click("#go-on");
  await tab.waitForURL(url);
  const later = await browser.popup(tab);
  assert.equal(await later.property("state", "className"), "passed", "it is still listed");
  await later.reads("since", /since .*20\d\d/);
  await later.close();
  await until("the badge is there", async () => (await browser.badge(tab)) === "!");
  await tab.evaluate(() => document.head.append(Object.assign(document.createElement("meta"), { content: "a" })));
  await tab.waitForTimeout(500);
  assert.equal(await tab.locator("khien-overlay").count(), 0);
  await tab.close();
});

test("evidence is of the page that it was written for: on the way to somebody else, the cover goes", async () => {
  const { url } = pages[0];
  const tab = await browser.tab();
  await browser.go(tab, url);
  await browser.covered(tab);
  await tab.evaluate(() => history.pushState({}, "", "/honest.baker"));
  await browser.uncovered(tab);
  await tab.evaluate(() => history.back());
  await browser.covered(tab);
  await tab.close();
});

test("evidence that is written later counts too", async () => {
  const tab = await browser.tab();
  await tab.goto("https://x.com/inventedlate");
  assert.ok(await browser.unknownToUs(tab));
  await tab.evaluate(() => {
    const data = { "@type": "ProfilePage", mainEntity: { additionalName: "inventedlate", identifier: "9000000001" } };
    document.head.append(Object.assign(document.createElement("script"), { type: "application/ld+json", textContent: JSON.stringify(data) }));
  });
  await browser.covered(tab);
  await tab.close();
});

for (const [attack, { url }] of Object.entries(attacks)) {
  test(`nobody honest is covered because of ${attack}`, async () => {
    const tab = await browser.tab();
    await browser.go(tab, url);
    await tab.waitForTimeout(700); // the document is read when there is time for it
    assert.ok(await browser.unknownToUs(tab));
    await tab.close();
  });
}
