// Firefox, where a person has granted access to all sites: a listed page is held back before it is asked for.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ownPage } from "./fixture/firefox.mjs";
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

/** The warning in the tab, once Leave has the keyboard. */
async function leaveHasTheKeyboard() {
  const warning = await ownPage(browser, "warning.html");
  await until("Leave has the keyboard", () => warning.evaluate(() => document.activeElement?.id === "leave"));
  return warning;
}

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
    await leaveHasTheKeyboard();
    await tab.keyboard.press("Enter");
    // The page was kept, and comes back without a load.
    await until("the honest page is back", () => tab.evaluate(() => location.href.startsWith("https://honest-shop.example/")));
  }
});

test("go on once opens the page in that tab, and in no other", async () => {
  await honest();
  go(`https://${host}/`);
  await ours();
  let mark = web.told.length;
  const warning = await leaveHasTheKeyboard();
  await until("it can be decided", () => warning.evaluate(() => !document.getElementById("go-on").matches(":disabled")));
  // From Leave on: already paid, the reason, the mistake, go on.
  for (let i = 0; i < 4; i++) await tab.keyboard.press("Tab");
  await tab.keyboard.press("Enter");
  await web.hear(host, "stayed", { since: mark });
  // A busy Firefox now and then asks nobody about a window that a page opens: then the warning comes while it loads.
  const before = await browser.pages();
  mark = web.told.length;
  await tab.evaluate((href) => void open(href), `https://${host}/second`);
  await ours(await until("another tab is there", async () => (await browser.pages()).find((one) => !before.includes(one))));
  // Where the warning is, no page is any more that could tell of itself.
  assert.deepEqual(web.told.slice(mark).filter((one) => one.host === host && one.what === "stayed"), []);
});

test("a listed page inside a frame: a banner lies over the page around it", async () => {
  await honest();
  await tab.evaluate((src) => void document.body.append(Object.assign(document.createElement("iframe"), { src })), `https://${host}/inner`);
  await until("the banner is there", () => tab.evaluate(() => document.querySelector("khien-banner") !== null));
});
