// Private windows of Firefox, where a person has allowed the extension there: it warns as everywhere, and keeps
// nothing.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { allowPrivate, ask, choose, openOwn, openPrivate, ownPage, startFirefox } from "./fixture/firefox.mjs";
import { keeps, kept } from "./fixture/met.mjs";
import { until } from "./fixture/until.mjs";
import { World } from "./fixture/world.mjs";

let world, web, browser, tab, inside;

before(async () => {
  world = await World.make();
  web = world.web;
  browser = await startFirefox({ folder: `${world.extension}/firefox`, web });
  await until("the extension has asked for a newer list", () => world.gateway.asked("/v1/head").some((one) => one.status === 200));
  await allowPrivate(browser);
  inside = await openOwn(browser, "warning.html");
  tab = await openPrivate(browser);
  assert.equal(await inside.evaluate(() => globalThis.browser.extension.isAllowedIncognitoAccess()), true);
});
after(async () => {
  await browser?.close();
  await world?.close();
});

/** Opens an address and does not wait for a page that will not come. */
async function go(url) {
  await tab.bringToFront();
  void tab.goto(url, { timeout: 5000 }).catch(() => undefined);
}

async function honest(host) {
  const mark = web.told.length;
  await go(`https://${host}/`);
  await web.hear(host, "stayed", { since: mark });
}

test("a listed page is replaced by the warning, a listed account covered, a listed author marked", async () => {
  await honest("honest-shop.example");
  await go("https://parcel-fee.example/pay");
  const warning = await ownPage(browser, "warning.html#");
  await until("the warning is there", () => warning.evaluate(() => document.getElementById("leave").checkVisibility()));
  await warning.click("#leave");
  await until("the honest page is back", () => tab.evaluate(() => location.host === "honest-shop.example"));
  let mark = web.told.length;
  await go("https://www.facebook.com/invented.gift.centre");
  await web.hear("www.facebook.com", "covered", { since: mark });
  mark = web.told.length;
  await go("https://www.facebook.com/?feed=4");
  await web.hear("www.facebook.com", "marked", { since: mark });
});

test("a report goes, and is on no disk and in no list of reports", async () => {
  await honest("private-scam.example");
  await choose(browser, tab, "h1", "Report this page");
  const popup = await ownPage(browser, "popup.html#");
  assert.equal(await popup.evaluate(() => globalThis.browser.extension.inIncognitoContext), true, "a private page is shown in another window");
  await until("it can be reported", () => popup.evaluate(() => document.getElementById("report").checkVisibility()));
  await popup.click("#report");
  await until("a picture cannot be added", () => popup.evaluate(() => document.getElementById("add-picture").hidden));
  const [report] = await until("the report is in the inbox", async () => {
    const reports = await world.khien.reports();
    return reports.length > 0 && reports;
  });
  assert.equal(report.href, "https://private-scam.example/");
  const onDisk = await inside.evaluate(async () => {
    const done = (request) => new Promise((resolve, reject) => Object.assign(request, { onsuccess: () => resolve(request.result), onerror: () => reject(request.error) }));
    const db = await done(indexedDB.open("khien"));
    return done(db.transaction("reports").objectStore("reports").getAll());
  });
  assert.deepEqual(onDisk, []);
  assert.deepEqual(await ask(inside, "options.reports"), []);
  await popup.close();
});

test("what is met there is not remembered for late warnings; in another window it is", async () => {
  await honest("private-late.example");
  const other = await inside.evaluate(async () => {
    const [normal] = (await browser.windows.getAll()).filter(({ incognito }) => !incognito);
    return (await browser.tabs.create({ windowId: normal.id, url: "https://usual-late.example/" })).incognito;
  });
  assert.equal(other, false);
  await kept(inside, "usual-late.example/");
  for (const subject of ["private-late.example/", "honest-shop.example/", "private-scam.example/"]) assert.equal(await keeps(inside, subject), false, subject);
});
