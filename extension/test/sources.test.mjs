// What others know reaches a person: two sources name what is listed, and one thing that nobody here has listed; the
// warning, and the register, say who says so.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { until } from "./fixture/until.mjs";
import { World } from "./fixture/world.mjs";

let world, browser;

/** Connects a source, or lets it send another list, and runs it. */
async function source(name, lines) {
  const file = path.join(world.khien.dir, `${name}.txt`);
  await writeFile(file, lines.join("\n") + "\n");
  const known = await world.khien.cli("source", "list");
  if (!known.includes(name)) await world.khien.cli("source", "add", name, file, "--preset", "openphish", "--trust", "list");
  await world.khien.cli("source", "run", name);
}

before(async () => {
  world = await World.make();
  await source("cert-invented", ["https://parcel-fee.example/", "https://claimed-shop.example/offer"]);
  await source("national-list", ["https://parcel-fee.example/"]);
  await world.khien.publish();
  browser = await world.chromium();
  await browser.hurry();
  const inside = await browser.inside();
  await inside.evaluate((message) => chrome.runtime.sendMessage(message), { ask: "popup.refresh", body: null });
});
after(() => world?.close());

/** What the warning of a page says, with its reason. */
async function warning(url) {
  const tab = await browser.tab();
  await browser.go(tab, url);
  await browser.warned(tab);
  await tab.click("#reason-toggle");
  const said = await until("it says who listed it", async () => /Listed by\s+\S.*/.exec(await tab.innerText("#details"))?.[0]);
  const since = await tab.innerText("#since");
  await tab.close();
  return { said, since };
}

test("the warning names who listed a site, and the two who say so too", async () => {
  const { said, since } = await warning("https://parcel-fee.example/pay");
  assert.match(said, /^Listed by\s+a test; also said by cert-invented, national-list$/);
  assert.match(since, /Listed by a test; also said by cert-invented, national-list\./);
});

test("what a source alone lists is warned of, in its name", async () => {
  const { said } = await warning("https://claimed-shop.example/offer");
  assert.match(said, /^Listed by\s+cert-invented$/);
});

/** What a public page says, without its marks. */
async function read(path, form) {
  const answer = await fetch(`http://127.0.0.1:${world.khien.port}${path}?lang=en`, form && { method: "POST", body: new URLSearchParams(form) });
  return (await answer.text()).replace(/<[^>]*>/g, " ").replace(/\s+/g, " ");
}

test("the register and the statistics name them too", async () => {
  assert.match(await read("/register", { about: "parcel-fee.example" }), /Also said by cert-invented, national-list/);
  assert.match(await read("/statistics"), /cert-invented 2 1 0 –/);
});
