// The same extension in the installed Firefox. Its own pages cannot be read from outside
// there, so the pages of the web tell the fixture what happens to them.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import puppeteer from "puppeteer-core";
import { until } from "./fixture/until.mjs";
import { World } from "./fixture/world.mjs";

let world, firefox, profile;

before(async () => {
  world = await World.make();
  profile = await mkdtemp(path.join(os.tmpdir(), "khien-test-firefox-"));
  firefox = await puppeteer.launch({
    browser: "firefox",
    executablePath: process.env.FIREFOX ?? "/usr/bin/firefox-esr",
    headless: true,
    acceptInsecureCerts: true,
    userDataDir: profile,
    extraPrefsFirefox: {
      "network.proxy.type": 1,
      "network.proxy.http": "127.0.0.1",
      "network.proxy.http_port": world.web.port,
      "network.proxy.ssl": "127.0.0.1",
      "network.proxy.ssl_port": world.web.port,
      "network.proxy.no_proxies_on": "127.0.0.1",
      "network.stricttransportsecurity.preloadlist": false,
      "dom.security.https_first": false,
    },
  });
  await firefox.installExtension(path.join(world.extension, "firefox"));
});
after(async () => {
  await firefox?.close();
  await world?.close();
  if (profile) await rm(profile, { recursive: true, force: true, maxRetries: 5 });
});

/** Opens an address in a new tab and does not wait for it: a warning may come in between. */
async function visit(url) {
  const tab = await firefox.newPage();
  tab.goto(url).catch(() => undefined);
  return tab;
}

test("an honest page stays", async () => {
  const heard = world.web.hear("honest-shop.example", "stayed", { since: 0 });
  const tab = await visit("https://honest-shop.example/");
  await heard;
  await tab.close();
});

test("a listed site is replaced before it has stood for a second", async () => {
  // The first visit after the installation may come before the extension is ready; from then on it is.
  await until("the site is replaced", async () => {
    const tab = await visit("https://parcel-fee.example/");
    const gone = await until("an extension page stands there", async () => /^moz-extension:/.test(await tab.evaluate(() => location.href)), { within: 3000 }).catch(() => false);
    await tab.close();
    return gone;
  }, { within: 30_000 });
  const mark = world.web.told.length;
  const tab = await visit("https://parcel-fee.example/again");
  await until("the warning stands there", async () => /^moz-extension:.*\/warning\.html#/.test(await tab.evaluate(() => location.href)));
  await new Promise((resolve) => setTimeout(resolve, 1500)); // by now the page would have said that it stayed
  assert.deepEqual(world.web.told.slice(mark).filter((one) => one.host === "parcel-fee.example" && one.what === "stayed"), []);
  await tab.close();
});

test("a listed account is covered, on the mobile host as well, and another one is not", async () => {
  for (const url of ["https://www.facebook.com/invented.gift.centre", "https://m.facebook.com/profile.php?id=900000000000001"]) {
    const heard = world.web.hear(new URL(url).host, "covered");
    const tab = await visit(url);
    await heard;
    await tab.close();
  }
  const mark = world.web.told.length;
  const heard = world.web.hear("www.facebook.com", "stayed", { since: mark });
  const tab = await visit("https://www.facebook.com/honest.baker");
  await heard;
  assert.deepEqual(world.web.told.slice(mark).filter((one) => one.what === "covered"), []);
  await tab.close();
});

test("the cover follows the account without a load", async () => {
  const tab = await visit("https://www.facebook.com/honest.baker");
  await world.web.hear("www.facebook.com", "ran");
  const covered = world.web.hear("www.facebook.com", "covered");
  await tab.evaluate(() => document.querySelector('[data-go="/invented.gift.centre"]').click());
  await covered;
  const uncovered = world.web.hear("www.facebook.com", "uncovered");
  await tab.evaluate(() => history.back());
  await uncovered;
  await tab.close();
});
