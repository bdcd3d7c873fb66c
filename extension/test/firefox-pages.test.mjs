// Firefox: what a person asks, reports, chooses and is told there, on the extension's own pages and over pages of
// others.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { allowSite, answerReads, ask, choose, closeAnswer, openOwn, ownPage, startFirefox } from "./fixture/firefox.mjs";
import { kept } from "./fixture/met.mjs";
import { until } from "./fixture/until.mjs";
import { World } from "./fixture/world.mjs";

let world, web, browser, tab, inside;

before(async () => {
  world = await World.make();
  web = world.web;
  browser = await startFirefox({ folder: `${world.extension}/firefox`, web });
  await until("the extension has asked for a newer list", () => world.gateway.asked("/v1/head").some((one) => one.status === 200));
  await (await ownPage(browser, "welcome.html")).close();
  inside = await openOwn(browser, "warning.html");
  tab = await browser.newPage();
});
after(async () => {
  await browser?.close();
  await world?.close();
});

/**
 * Opens an honest page and waits until it has been there for a while. A path of its own keeps what is told by the page
 * that is left just now from being taken for it.
 */
async function honest(host = "honest-shop.example", path = "/") {
  await tab.bringToFront();
  const mark = web.told.length;
  const href = `https://${host}${path}`;
  void tab.goto(href, { timeout: 5000 }).catch(() => undefined);
  await web.hear(host, "stayed", { since: mark, value: href });
}

const text = (page, selector) => page.evaluate((selector) => document.querySelector(selector)?.innerText ?? "", selector);

/** Waits until the text of an element of one of our pages fits. */
const reads = (page, selector, pattern) =>
  until(`${selector} reads ${pattern}`, async () => {
    const said = await text(page, selector);
    if (!pattern.test(said)) throw new Error(JSON.stringify(said));
    return said;
  });

test("the warning says what is wrong, why, and what to do for somebody who has already paid", async () => {
  await honest();
  void tab.goto("https://parcel-fee.example/pay", { timeout: 5000 }).catch(() => undefined);
  const warning = await ownPage(browser, "warning.html#");
  await reads(warning, "#since", /20\d\d/);
  await reads(warning, "h1", /This website is a known scam/);
  await warning.click("#reason-toggle");
  await reads(warning, "#details", /Asks for a card number/);
  await warning.click("#help-toggle");
  await reads(warning, "#help ol", /\w/);
  await warning.click("#leave");
  await until("the honest page is back", () => tab.evaluate(() => location.host === "honest-shop.example"));
});

test("Check with Khiên: the answer opens behind the toolbar button, and the page has nothing of it", async () => {
  await honest("honest-shop.example", "/?ask");
  await tab.evaluate(() => {
    const said = document.body.appendChild(Object.assign(document.createElement("p"), { id: "said", textContent: "parcel-fee.example" }));
    getSelection().selectAllChildren(said);
  });
  const mark = world.gateway.log.length;
  await choose(browser, tab, "#said", "Check with Khiên");
  await answerReads(inside, "#answers", /On the scam list[^]*Asks for a card number/);
  await answerReads(inside, "#asked", /parcel-fee\.example/);
  assert.deepEqual(await inside.evaluate(async () => Object.keys(await browser.storage.session.get(null)).filter((key) => key.startsWith("question:"))), []);
  assert.ok(await closeAnswer(inside), "it did not stand behind the button");
  assert.equal(await tab.evaluate(() => [...document.querySelectorAll("*")].filter(({ localName }) => localName.startsWith("khien")).length), 0);
  assert.deepEqual(world.gateway.log.slice(mark).filter(({ path }) => !path.startsWith("/v1/bucket/") && path !== "/v1/head"), []);
});

test("a mark in a feed says why on a page of ours", async () => {
  await tab.bringToFront();
  const host = "www.facebook.com";
  const mark = web.told.length;
  void tab.goto(`https://${host}/?feed=4`, { timeout: 5000 }).catch(() => undefined);
  await web.hear(host, "marked", { since: mark });
  await tab.evaluate(() => document.querySelector('[role="article"]:nth-of-type(3) h3 a').focus());
  await tab.keyboard.press("Tab");
  assert.equal(await tab.evaluate(() => document.activeElement.localName), "khien-mark");
  await tab.keyboard.press("Enter");
  await answerReads(inside, "#answers", /Facebook account inventedgiftcentre[^]*Says that you won/);
  await closeAnswer(inside);
});

test("a covered account is decided about on the page of its warning, which leads back to it", async () => {
  const tab = await browser.newPage();
  await tab.bringToFront();
  const host = "www.facebook.com";
  let mark = web.told.length;
  void tab.goto(`https://${host}/invented.gift.centre`, { timeout: 5000 }).catch(() => undefined);
  await web.hear(host, "covered", { since: mark });
  await until("the cover has the keyboard", () => tab.evaluate(() => document.activeElement?.localName === "khien-overlay"));
  // From Leave on: already paid, the reason, the other choices.
  for (let i = 0; i < 3; i++) await tab.keyboard.press("Tab");
  await tab.keyboard.press("Enter");
  const warning = await ownPage(browser, "warning.html#");
  await reads(warning, "#name", /inventedgiftcentre/);
  mark = web.told.length;
  await until("it can be decided", () => warning.evaluate(() => !document.getElementById("go-on").matches(":disabled")));
  await warning.click("#go-on");
  await web.hear(host, "stayed", { since: mark });
  assert.deepEqual(web.told.slice(mark).filter((one) => one.what === "covered"), []);
  await tab.close();
});

test("Report this page: it is shown what goes, it can be undone, and it is sent", async () => {
  await honest("new-scam.example");
  const mark = world.gateway.log.length;
  await choose(browser, tab, "h1", "Report this page");
  const popup = await ownPage(browser, "popup.html#");
  await reads(popup, "#verdict", /Nothing known/);
  await reads(popup, "#extent", /https:\/\/new-scam\.example\//);
  await popup.click("#report");
  await until("the countdown runs", () => popup.evaluate(() => document.getElementById("undo").checkVisibility()));
  await popup.click("#undo");
  await until("it can be reported again", () => popup.evaluate(() => document.getElementById("report").checkVisibility()));
  await popup.click("#report");
  const [report] = await until("the report is in the inbox", async () => {
    const reports = await world.khien.reports();
    return reports.length > 0 && reports;
  });
  assert.equal(report.href, "https://new-scam.example/");
  assert.equal(world.gateway.log.slice(mark).filter(({ path }) => path === "/v1/reports").length, 1, "what was undone was sent");
  await popup.close();
});

test("the options: the language follows at once, and what was reported is there", async () => {
  await allowSite(browser, "*://private-diary.example/*");
  const options = await openOwn(browser, "options.html");
  const told = await reads(options, "#diagnostics", /firefox/i);
  assert.doesNotMatch(told, /private-diary/, "a site that the extension was let into is one that the person visits");
  assert.equal(JSON.parse(told).otherOrigins, 1);
  await options.select("#language", "vi");
  await reads(options, "h1", /^Tùy chọn$/);
  await options.select("#language", "pl");
  await reads(options, "h1", /^Opcje$/);
  await options.select("#language", "");
  await reads(options, "h1", /^Options$/);
  await reads(options, "body", /new-scam\.example/);
  await options.close();
});

test("a late warning comes in a tab behind, with what to do", async () => {
  await honest("late-shop.example");
  await kept(inside, "late-shop.example/");
  await honest();
  await world.khien.list("csv", "url,category,reason_en\nlate-shop.example,shop,Takes deposits and never delivers.\n");
  await ask(inside, "popup.refresh");
  const late = await ownPage(browser, "late.html");
  const said = await reads(late, "#news", /A website you opened on/);
  assert.match(said, /Takes deposits and never delivers/);
  assert.doesNotMatch(said, /late-shop/);
  await reads(late, "#help ol", /bank/);
  assert.equal((await ask(inside, "late.news"))[0].seen, false, "it was not in front");
  await late.bringToFront();
  await until("it was on the screen", async () => (await ask(inside, "late.news"))[0].seen);
  await late.click("#news button");
  await reads(late, "#news", /nothing to tell/);
});
