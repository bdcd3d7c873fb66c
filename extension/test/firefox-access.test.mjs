// Firefox, where a person has granted access to all sites: a listed page is held back before it is asked for.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { until } from "./fixture/until.mjs";
import { World } from "./fixture/world.mjs";

const host = "parcel-fee.example";

let world, web, browser, tab;

before(async () => {
  world = await World.make();
  web = world.web;
  browser = await world.firefoxWithAccess();
  await until("the extension has asked for a newer list", () => world.gateway.asked("/v1/head").some((one) => one.status === 200));
});
after(async () => {
  await browser?.close();
  await world?.close();
});

/** Opens an address and does not wait for a page that will not come. */
const go = (url) => void tab.goto(url, { timeout: 5000 }).catch(() => undefined);

const ours = (shown = tab) =>
  until("the tab shows a page of the extension", async () => (await shown.evaluate(() => location.protocol).catch(() => shown.url())).startsWith("moz-extension:"));

const asked = (mark) => web.visits.slice(mark).filter((one) => one.host.endsWith(host));

/**
 * A new tab in which a person has been on an honest page for a while: what was decided in another counts for nothing
 * here.
 */
async function honest() {
  tab = await browser.newPage();
  await tab.bringToFront();
  const mark = web.told.length;
  go("https://honest-shop.example/");
  await web.hear("honest-shop.example", "stayed", { since: mark });
}

test("a listed page is not even asked for, by whatever way; Leave leads back", async () => {
  const to = "https://your.bank.parcel-fee.example/pay";
  for (const way of [to, `http://${host}/`, `https://short-link.example/~/to?url=${encodeURIComponent(to)}`]) {
    await honest();
    const mark = web.visits.length;
    go(way);
    await ours();
    assert.deepEqual(asked(mark), []);
    // The page was kept, and comes back without a load. Nobody can see from outside when Leave has the keyboard.
    await until("the honest page is back", async () => {
      if ((await tab.evaluate(() => location.href).catch(() => tab.url())).startsWith("https://honest-shop.example/")) return true;
      await tab.keyboard.press("Enter");
      await new Promise((resolve) => setTimeout(resolve, 500));
      return false;
    });
  }
});

test("go on once opens the page in that tab, and in no other", async () => {
  // Nobody can see from outside when Leave has the keyboard: on a slow machine it may take longer.
  for (const wait of [2000, 5000, 10_000]) {
    await honest();
    go(`https://${host}/`);
    await ours();
    const mark = web.told.length;
    await new Promise((resolve) => setTimeout(resolve, wait));
    // From Leave on: already paid, the reason, the mistake, go on; the last two wait for a moment.
    for (let i = 0; i < 4; i++) await tab.keyboard.press("Tab");
    await tab.keyboard.press("Enter");
    if (await web.hear(host, "stayed", { since: mark, within: 10_000 }).catch((err) => wait < 10_000 ? undefined : Promise.reject(err))) break;
  }
  // A busy Firefox now and then asks nobody about a window that a page opens: then the warning comes while it loads.
  const before = await browser.pages();
  const mark = web.told.length;
  await tab.evaluate((href) => void open(href), `https://${host}/second`);
  await ours(await until("another tab is there", async () => (await browser.pages()).find((one) => !before.includes(one))));
  await new Promise((resolve) => setTimeout(resolve, 2000));
  assert.deepEqual(web.told.slice(mark).filter((one) => one.host === host && one.what === "stayed"), []);
});

test("a listed page inside a frame: a banner lies over the page around it", async () => {
  await honest();
  await tab.evaluate((src) => void document.body.append(Object.assign(document.createElement("iframe"), { src })), `https://${host}/inner`);
  await until("the banner is there", () => tab.evaluate(() => document.querySelector("khien-banner") !== null));
});
