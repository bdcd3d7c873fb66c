// A person meets websites: honest ones, listed ones, and ways that lead from one to the other.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { until } from "./fixture/until.mjs";
import { World } from "./fixture/world.mjs";

const listed = "https://parcel-fee.example/pay?id=7";

let world, browser, web;

before(async () => {
  world = await World.make();
  browser = await world.chromium();
  web = world.web;
});
after(() => world?.close());

/**
 * A tab in which a person has been on an honest page for a while; one that nobody has touched is no place to go back
 * to.
 */
async function honest() {
  const tab = await browser.tab();
  await tab.goto("https://honest-shop.example/");
  await tab.click("h1");
  return tab;
}

/** Clicks on the link of an honest page, which leads wherever the story needs. */
async function follow(tab, url, target = "") {
  await tab.evaluate(([href, target]) => Object.assign(document.getElementById("next"), { href, target }), [url, target]);
  await tab.click("#next", { noWaitAfter: true });
}

test("an honest page shows no warning, and nobody learns that it was visited", async () => {
  const mark = world.gateway.log.length;
  const tab = await honest();
  assert.ok(await browser.unknownToUs(tab));
  assert.equal(await browser.badge(tab), "");
  assert.deepEqual(world.gateway.log.slice(mark).filter((one) => one.path !== "/v1/head"), []);
  await tab.close();
});

test("a listed site is replaced by the warning before anything can be typed into it", async () => {
  const tab = await honest();
  const visit = browser.go(tab, listed);
  // The page takes the keyboard for its password field. Nobody begins to type sooner after seeing a page.
  await new Promise((resolve) => setTimeout(resolve, 250));
  await tab.keyboard.type("hunter2", { delay: 30 });
  await visit;
  await browser.warned(tab);
  assert.deepEqual(web.heard("parcel-fee.example", "typed"), []);
  assert.deepEqual(web.heard("parcel-fee.example", "stayed"), []);
  await until("the badge is there", async () => (await browser.badge(tab)) === "!");
  const popup = await browser.popup(tab);
  assert.equal(await popup.property("state", "className"), "listed");
  assert.match(await popup.text("address"), /^parcel-fee\.example/);
  await popup.close();
  await tab.close();
});

test("the warning says what is wrong, what kind of scam it is and since when; Leave has the keyboard and leads back", async () => {
  const tab = await honest();
  await browser.go(tab, listed);
  await browser.warned(tab);
  assert.match(await tab.innerText("h1"), /Stop! This website is a known scam/);
  assert.match(await tab.innerText("#name"), /^parcel-fee\.example$/);
  assert.match(await tab.innerText("#category"), /^Steals passwords$/);
  await until("the date is there", async () => /since .*20\d\d/.test(await tab.innerText("#since")));
  assert.equal(await tab.evaluate(() => document.activeElement.id), "leave");

  assert.equal(await tab.isVisible("#details"), false);
  await tab.click("#reason-toggle");
  await until("the reason is there", async () => (await tab.innerText("#details")).includes("Asks for a card number"));
  assert.match(await tab.innerText("#details"), /a test[\s\S]*KH-20\d\d-\d{6}/);

  // Back from "See the reason" over "I already paid".
  await tab.keyboard.press("Shift+Tab");
  await tab.keyboard.press("Shift+Tab");
  await tab.keyboard.press("Enter");
  await tab.waitForURL("https://honest-shop.example/");
  assert.ok(await browser.unknownToUs(tab));
  await tab.close();
});

test("a link, a redirect, plain http, a sub-domain and a port lead to the warning as well", async () => {
  const through = (host, to) => `https://${host}/~/to?url=${encodeURIComponent(to)}`;
  for (const way of [
    through("short-link.example", listed),
    through("short-link.example", through("second-hop.example", listed)),
    "http://parcel-fee.example/",
    "https://your.bank.parcel-fee.example/login",
    "https://PARCEL-FEE.example./",
    "http://parcel-fee.example:8080/",
  ]) {
    const tab = await honest();
    await follow(tab, way);
    await browser.warned(tab);
    assert.match(await tab.innerText("#name"), /parcel-fee\.example$/, way);
    await tab.click("#leave");
    await tab.waitForURL("https://honest-shop.example/");
    await tab.close();
  }
});

test("an address that only looks like a listed one is left alone", async () => {
  const tab = await browser.tab();
  for (const url of [
    "https://honest-shop.example/?next=" + encodeURIComponent(listed),
    "https://honest-shop.example/parcel-fee.example/",
    "https://parcel-fee.example.honest-shop.example/",
    "https://not-parcel-fee.example/",
    "https://parcel-fee.example@honest-shop.example/",
  ]) {
    await browser.go(tab, url);
    assert.ok(await browser.unknownToUs(tab), url);
  }
  await tab.close();
});

test("on a shared host exactly the listed page is warned about, and what lies below it, with its slash or without", async () => {
  const tab = await browser.tab();
  for (const path of ["stolen-shop/", "stolen-shop", "stolen-shop/cart?item=1"]) {
    await browser.go(tab, "http://pages.example/" + path);
    await browser.warned(tab);
  }
  for (const path of ["", "stolen-shop-2/", "stolen-shopping", "honest-shop/", "honest-shop/stolen-shop/"]) {
    await browser.go(tab, "http://pages.example/" + path);
    assert.ok(await browser.unknownToUs(tab), path);
  }
  await tab.close();
});

test("go on once holds for that tab and for that site only", async () => {
  const tab = await honest();
  await browser.go(tab, listed);
  await browser.warned(tab);
  await tab.click("#go-on");
  await tab.waitForURL(listed);
  await tab.fill("#password", "x");
  const popup = await browser.popup(tab);
  assert.equal(await popup.property("state", "className"), "passed");
  assert.match(await popup.text("meaning"), /Steals passwords\. .*You chose to go on\. Do not pay/);
  await popup.close();

  await browser.go(tab, "https://parcel-fee.example/another/page");
  assert.equal(await tab.innerText("h1"), "parcel-fee.example");
  await browser.go(tab, "http://pages.example/stolen-shop/");
  await browser.warned(tab);

  const other = await honest();
  await browser.go(other, listed);
  await browser.warned(other);
  await tab.close();
  await other.close();
});

/** Lets this much time pass for the worker, in milliseconds. */
async function pass(time) {
  await (await browser.worker()).evaluate((time) => {
    const { now } = Date;
    Date.now = () => now() + time;
  }, time);
}

test("Leave leads to the page that led to the scam by a click", async () => {
  const tab = await browser.tab();
  await tab.goto("https://first.example/");
  await tab.goto("https://search.example/?q=parcel");
  await follow(tab, listed);
  await browser.warned(tab);
  await tab.click("#leave", { noWaitAfter: true });
  await until("the search is back", () => tab.url() === "https://search.example/?q=parcel");
  await tab.close();
});

test("Leave leads to a page that was only read, too, although the browser's own way back leaves it out", async () => {
  for (const first of ["https://first.example/", undefined]) {
    const tab = await browser.tab();
    if (first) await tab.goto(first).then(() => tab.click("h1"));
    await tab.goto("https://news.example/");
    await pass(20_000);
    await browser.go(tab, listed);
    await browser.warned(tab);
    await tab.click("#leave", { noWaitAfter: true });
    await until("the news are back", () => tab.url() === "https://news.example/");
    assert.ok(await browser.unknownToUs(tab));
    await tab.close();
  }
});

test("Leave leads back, and not to a new tab, although the worker that is asked takes its time", async () => {
  const tab = await honest();
  await browser.go(tab, listed);
  await browser.warned(tab);
  await (await browser.worker()).evaluate(() => void setTimeout(() => {
    for (const end = performance.now() + 1600; performance.now() < end; );
  }));
  await tab.click("#leave", { noWaitAfter: true });
  await until("the honest page is back", () => tab.url() === "https://honest-shop.example/");
  assert.ok(await browser.unknownToUs(tab));
  await tab.close();
});

test("Leave never leads to a page that leads to the scam by itself, at once or after some seconds", async () => {
  for (const wait of [0, 300, 3000]) {
    const tab = await browser.tab();
    await tab.goto("https://search.example/");
    web.own.set("redirector.example/", { type: "text/html", body: `<!doctype html><h1>Wait</h1><script>onload = () => setTimeout(() => (location.href = ${JSON.stringify(listed)}), ${wait})</script>` });
    await follow(tab, "https://redirector.example/");
    await browser.warned(tab);
    const mark = web.visits.length;
    await tab.click("#leave", { noWaitAfter: true });
    await until("the search is back", () => tab.url() === "https://search.example/");
    assert.deepEqual(web.visits.slice(mark).map(({ host }) => host), ["search.example"], `after ${wait} ms`);
    await tab.close();
  }
});

test("a page that leads there by itself after a long while is gone back to once at most", async () => {
  web.own.set("slow.example/", { type: "text/html", body: `<!doctype html><h1>Wait</h1><script>onstorage = () => (location.href = ${JSON.stringify(listed)})</script>` });
  const tab = await browser.tab();
  await tab.goto("https://search.example/");
  await follow(tab, "https://slow.example/");
  await until("it is there", () => tab.url() === "https://slow.example/");
  await pass(20_000);
  // The automation cannot act in a page without touching it; another tab tells it to lead on.
  const other = await browser.tab();
  await other.goto("https://slow.example/other");
  for (let times = 0; tab.url() !== "https://search.example/"; times++) {
    assert.ok(times < 2, "it leads there for ever");
    await other.evaluate((now) => localStorage.setItem("go", now), String(Math.random()));
    await browser.warned(tab);
    await tab.bringToFront();
    const before = tab.url();
    await tab.click("#leave", { noWaitAfter: true });
    await until("it is left", () => tab.url() !== before && !tab.url().includes("parcel-fee"));
  }
  await tab.close();
  await other.close();
});

test("in a tab that a link has opened there is nowhere to go back to: Leave puts a new tab in its place", async () => {
  const tab = await honest();
  const known = new Set(browser.tabs());
  await follow(tab, listed, "_blank");
  const opened = await until("the link has opened a tab", () => browser.tabs().find((one) => !known.has(one) && one.url().includes("warning.html")));
  await browser.warned(opened);
  const before = browser.tabs().length;
  await opened.click("#leave", { noWaitAfter: true });
  await until("the tab is closed", () => opened.isClosed());
  await until("a new tab is there", () => browser.tabs().length === before);
  await tab.close();
});

test("this is a mistake: the maintainers get the name on the list, and nothing about the visit", async () => {
  const tab = await honest();
  await browser.go(tab, listed);
  await browser.warned(tab);
  await tab.click("#mistake");
  await until("it says thank you, and what is sent", async () => /parcel-fee\.example.* Only this name and the hour are sent\./.test(await tab.innerText("#feedback")));
  const [report] = await until("the report is in the inbox", async () => {
    const reports = await world.khien.reports();
    return reports.length > 0 && reports;
  });
  assert.equal(report.kind, "mistake");
  assert.deepEqual(report.subjects, ["parcel-fee.example/"]);
  assert.equal(report.href ?? "", "");
  assert.equal(report.title ?? "", "");
  assert.equal(report.language ?? "", "");
  await world.khien.cli("reports", "reject", report.id, "--reason", "it asks for cards");
  const options = await browser.open("options.html");
  await until("the answer is there", async () => /it stays on the list\.[^]*it asks for cards[^]*Received[^]*Stays listed/.test(await options.innerText("#list")));
  await options.close();
  await tab.close();
});

test("whoever links to the warning page with words of his own has none shown", async () => {
  const tab = await browser.tab();
  const made = ["https://honest-shop.example/", "0".repeat(32), "<img src=x onerror=alert(1)>"];
  for (const fragment of made) {
    await tab.goto(`chrome-extension://${browser.id}/warning.html#${fragment}`);
    await until("it says that the warning is over", () => tab.isVisible("#over"));
    assert.equal(await tab.locator("#leave").count(), 0);
    await tab.goto("about:blank");
  }
  await tab.goto("https://honest-shop.example/");
  await tab.evaluate((to) => (location.href = to), `chrome-extension://${browser.id}/warning.html#${made[0]}`);
  assert.doesNotMatch(tab.url(), /^chrome-extension:/);
  await tab.close();
});
