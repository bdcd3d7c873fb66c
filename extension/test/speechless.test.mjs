// Chromium sometimes answers no message at all to an extension whose process came up while it was busy. The words are
// read from the extension's own files then.

import assert from "node:assert/strict";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { until } from "./fixture/until.mjs";
import { World } from "./fixture/world.mjs";

const speechless = "chrome.i18n.getMessage = () => '';\n";

let world, folder;

before(async () => {
  world = await World.make();
  folder = await mkdtemp(path.join(os.tmpdir(), "khien-test-speechless-"));
  await cp(`${world.extension}/chromium`, folder, { recursive: true });
  for (const script of ["worker.js", "popup.js", "warning.js", "overlay.js"]) {
    const file = path.join(folder, script);
    await writeFile(file, speechless + (await readFile(file, "utf8")));
  }
});
after(async () => {
  await world?.close();
  await rm(folder, { recursive: true, force: true });
});

test("where the browser has no words, the warning, the cover and the popup still have ours", async () => {
  const browser = await world.chromium({ folder });
  const tab = await browser.tab();
  await browser.go(tab, "https://parcel-fee.example/");
  await browser.warned(tab);
  assert.equal(await tab.innerText("#leave"), "Leave");
  await browser.go(tab, "https://m.facebook.com/invented.gift.centre");
  const overlay = await browser.covered(tab);
  assert.equal(await overlay.text("leave"), "Leave");
  await tab.goto("https://honest.example/");
  const popup = await browser.popup(tab);
  await until("the popup has words", async () => (await popup.text("verdict")) === "Nothing known about this page");
});
