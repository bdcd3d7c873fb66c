// The same extension in Firefox. Nobody can look into its pages there from outside, so
// the pages of the web outside tell what happens to them.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startFirefox } from "./fixture/firefox.mjs";
import { until } from "./fixture/until.mjs";
import { World } from "./fixture/world.mjs";

let world, web, browser, tab;

before(async () => {
  world = await World.make();
  web = world.web;
  browser = await startFirefox({ folder: `${world.extension}/firefox`, web });
  await until("the extension has asked for a newer list", () => world.gateway.asked("/v1/head").some((one) => one.status === 200));
  tab = await browser.newPage();
});
after(async () => {
  await browser?.close();
  await world?.close();
});

/** Opens an address and does not wait for a page that will not come. */
const go = (url) => void tab.goto(url, { timeout: 5000 }).catch(() => undefined);

test("an honest page is left alone", async () => {
  const mark = web.told.length;
  go("https://honest-shop.example/");
  await web.hear("honest-shop.example", "stayed", { since: mark });
  await tab.keyboard.type("abc");
  await web.hear("honest-shop.example", "typed", { since: mark, value: "c" });
});

test("a listed site does not stay, and nothing can be typed into it", async () => {
  go("https://parcel-fee.example/pay");
  await until("the tab shows a page of the extension", async () => (await tab.evaluate(() => location.protocol).catch(() => tab.url())).startsWith("moz-extension:"));
  await tab.keyboard.type("hunter2");
  assert.deepEqual(web.heard("parcel-fee.example", "typed"), []);
  assert.deepEqual(web.heard("parcel-fee.example", "stayed"), []);
});

test("Leave has the keyboard and leads back", async () => {
  const mark = web.told.length;
  // Nobody can see from outside when Leave has the keyboard.
  await until("the honest page is back", async () => {
    await tab.keyboard.press("Enter");
    return web.hear("honest-shop.example", "ran", { since: mark, within: 500 });
  });
});

test("a listed account is covered on the mobile host too", async () => {
  const mark = web.told.length;
  go("https://m.facebook.com/profile.php?sk=about&id=900000000000001");
  await web.hear("m.facebook.com", "covered", { since: mark });
});

test("a listed account is covered, also on the way within a page, and nothing below can be typed into", async () => {
  const host = "www.facebook.com";
  let mark = web.told.length;
  go(`https://${host}/invented.gift.centre`);
  await web.hear(host, "covered", { since: mark });

  mark = web.told.length;
  go(`https://${host}/honest.baker`);
  // The page below the cover stays too, and may say so only now.
  await web.hear(host, "stayed", { since: mark, value: `https://${host}/honest.baker` });
  assert.deepEqual(web.told.slice(mark).filter((one) => one.what === "covered"), []);

  await tab.click('[data-go="/profile.php?id=900000000000001"]');
  await web.hear(host, "covered", { since: mark, value: "/profile.php?id=900000000000001" });
  await tab.keyboard.type("abc");
  await tab.evaluate(() => history.back());
  await web.hear(host, "uncovered", { since: mark });
  await tab.evaluate(() => history.forward());
  await until("it is covered again", () => web.told.slice(mark).filter((one) => one.what === "covered").length === 2);
  assert.deepEqual(web.told.slice(mark).filter((one) => one.what === "typed"), []);
});

test("a listed author in a feed is marked, and the keyboard comes to the mark", async () => {
  const host = "www.facebook.com";
  const mark = web.told.length;
  go(`https://${host}/?feed=4`);
  const { value } = await web.hear(host, "marked", { since: mark });
  assert.match(value, /^\/invented\.gift\.centre/);
  assert.equal(await tab.evaluate(() => document.querySelector("khien-mark").shadowRoot), null);
  await tab.evaluate(() => document.querySelector("khien-mark").click());
  await tab.evaluate(() => document.querySelector('[role="article"]:nth-of-type(3) h3 a').focus());
  await tab.keyboard.press("Tab");
  assert.equal(await tab.evaluate(() => document.activeElement.localName), "khien-mark");
});

test("an account that is listed by its number is covered under its name", async () => {
  const mark = web.told.length;
  go("https://www.facebook.com/invented.by.name");
  await web.hear("www.facebook.com", "covered", { since: mark });
});
