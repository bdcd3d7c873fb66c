// What a person chooses and sees about themselves: the first run, the language, what a report says, another server, all
// of their data, and what can be shown to somebody who helps.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { Gateway } from "./fixture/gateway.mjs";
import { Khien } from "./fixture/khien.mjs";
import { until } from "./fixture/until.mjs";
import { World } from "./fixture/world.mjs";

let world, browser;

before(async () => {
  process.env.TZ = "UTC"; // a clock that tells no country
  world = await World.make();
  browser = await world.chromium();
});
after(() => world?.close());

/** The options, once they show all that they know. */
async function options() {
  const page = await browser.open("options.html");
  await until("the options are there", async () => (await page.innerText("#diagnostics")) !== "" && (await page.innerText("#list")) !== "");
  return page;
}

/** Opens a website that must be stopped. */
async function stopped(host) {
  const tab = await browser.tab();
  await browser.go(tab, `https://${host}/`);
  await browser.warned(tab);
  await tab.close();
}

/** Opens a website that must be left alone. */
async function passes(host) {
  const tab = await browser.tab();
  const since = world.web.told.length;
  await browser.go(tab, `https://${host}/`);
  await world.web.hear(host, "stayed", { since });
  await tab.close();
}

test("the first screens open once, and the keyboard alone leads through them", async () => {
  const fresh = await world.chromium({ welcome: true });
  const page = await fresh.welcomed();
  await until("the words are there", async () => /1 of 3/.test(await page.innerText("#step")));
  const enter = async (id) => {
    for (let i = 0; i < 12 && (await page.evaluate(() => document.activeElement.id)) !== id; i++) await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.id), id);
    await page.keyboard.press("Enter");
  };
  await enter("next");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "What you look at stays with you", "the heading of the next screen is read aloud");
  await enter("next");
  assert.match(await page.innerText("#try"), /What a warning looks like|See what a warning looks like/);
  assert.equal(await page.isVisible("#skip"), false);
  await enter("example");
  const example = await until("an example opens", () => fresh.tabs().find((tab) => tab.url().endsWith("warning.html#example")));
  await until("it says that it is one", async () => /only an example/.test(await example.innerText("body")));
  await until("the way out has the focus", () => example.evaluate(() => document.activeElement.id === "leave"));
  await example.keyboard.press("Enter").catch(() => undefined); // it closes while the key is still down
  await until("it is closed", () => example.isClosed());
  await page.bringToFront();
  await enter("next").catch(() => undefined);
  await until("the first screens are closed", () => page.isClosed());

  const profile = await fresh.quit();
  const again = await world.chromium({ profile });
  // It answers after it was told of its start.
  const inside = await again.inside();
  assert.ok((await inside.evaluate(() => chrome.runtime.sendMessage({ ask: "popup.protection", body: null }))).ok);
  assert.equal(again.tabs().some((tab) => tab.url().includes("welcome")), false);
  await again.close();
});

test("the language that was chosen is spoken everywhere, whatever the browser speaks", async () => {
  const page = await options();
  assert.match(await page.innerText("h1"), /Options/);
  await page.selectOption("#language", "vi");
  await until("the page itself follows", async () => (await page.innerText("h1")) === "Tùy chọn");
  assert.equal(await page.getAttribute("html", "lang"), "vi");

  const tab = await browser.tab();
  await browser.go(tab, "https://parcel-fee.example/");
  await browser.warned(tab);
  assert.match(await tab.innerText("#title"), /lừa đảo/);
  await until("the reason too", async () => /Đòi số thẻ/.test(await tab.innerText("#details")) || !(await tab.click("#reason-toggle").catch(() => true)));
  await tab.goto("https://honest.example/");
  const popup = await browser.popup(tab);
  await popup.reads("verdict", /Chưa biết gì/);
  await popup.close();
  await browser.go(tab, "https://www.facebook.com/invented.gift.centre");
  const overlay = await browser.covered(tab);
  assert.match(await overlay.text("title"), /lừa đảo/);
  await overlay.click("help-toggle");
  await overlay.reads("help", /(Đổi mật khẩu|Gọi ngay)[\s\S]*113/);

  await browser.killWorker();
  await tab.goto("https://honest.example/");
  await until("the toolbar button too, also after the worker has died", async () => /chưa biết gì/.test(await (await browser.worker()).evaluate(async () => {
    const [tab] = await chrome.tabs.query({ active: true, lastFocusedWindow: true });
    return chrome.action.getTitle({ tabId: tab.id });
  })));
  await page.bringToFront();
  await page.selectOption("#language", "");
  await until("and the browser's again", async () => (await page.innerText("h1")) === "Options");
  await page.evaluate(async () => chrome.storage.local.set({ settings: { ...(await chrome.storage.local.get("settings")).settings, language: "pl" } }));
  const late = await browser.open("late.html");
  await until("a choice made elsewhere is heard too", async () => (await late.innerText("h1")) === "Późne ostrzeżenia");
  await late.close();
  await page.selectOption("#language", "vi");
  await page.selectOption("#language", "");
  await until("and taken back", async () => (await page.innerText("h1")) === "Options");
  await tab.close();
  await page.close();
});

test("who has already paid is told what to do and whom to call, in the country that was chosen", async () => {
  const page = await options();
  await page.selectOption("#country", "VN");
  await until("it is kept", async () => (await page.innerText("#saved")) !== "");
  const tab = await browser.tab();
  await browser.go(tab, "https://parcel-fee.example/");
  await browser.warned(tab);
  await tab.click("#help-toggle");
  await until("passwords first, after this kind of scam", async () => /Change the password/.test(await tab.innerText("#help")));
  await tab.click("#help-paid");
  await until("then money", async () => /Call your bank/.test(await tab.innerText("#help")));
  const hotline = await until("a number to call", async () => tab.locator("#help a[href='tel:113']").innerText());
  assert.equal(hotline, "113");
  await browser.go(tab, "https://www.facebook.com/invented.gift.centre");
  const overlay = await browser.covered(tab);
  await overlay.click("help-toggle");
  await overlay.reads("help", /Call your bank[\s\S]*113/);
  await tab.close();
  await page.selectOption("#country", "");
  await page.close();
});

test("each part of a report can be left out, and stays out the next time", async () => {
  const tab = await browser.tab();
  await tab.goto("https://new-scam.example/pay?name=somebody#top");
  const popup = await browser.popup(tab);
  await until("the parts are named", () => popup.shows("title"));
  await popup.reads("what", /https:\/\/new-scam\.example\/pay\?name=somebody\s[\s\S]*https:\/\/new-scam\.example\/pay\s[\s\S]*The shop at new-scam\.example[\s\S]*en/);
  await popup.click("extent-path");
  await popup.click("send-title");
  await popup.click("send-language");
  await popup.click("report");
  await until("the report is kept", () => popup.shows("describe"));
  await popup.close();
  const sent = await until("the report is there", async () => {
    await browser.hasten();
    return (await world.khien.reports()).find(({ href }) => href.includes("new-scam"));
  });
  assert.deepEqual([sent.href, sent.title ?? "", sent.language ?? ""], ["https://new-scam.example/pay", "", ""]);
  assert.doesNotMatch(world.gateway.asked("/v1/reports").map(({ body }) => body.toString("latin1")).join(), /somebody|The shop/);

  const again = await browser.popup(tab);
  await until("it is known as reported", () => again.shows("receipt"));
  await again.close();
  await tab.goto("https://other-scam.example/?x=1");
  const next = await browser.popup(tab);
  await until("what was left out is left out again", async () => (await next.property("send-title", "checked")) === false);
  assert.equal(await next.property("extent-path", "checked"), true);
  await next.close();
  const inside = await browser.inside();
  for (const href of ["https://www.facebook.com/profile.php?id=900000000000777", "https://l.facebook.com/l.php?u=https%3A%2F%2Fother-scam.example%2Fpay", "https://www.youtube.com/watch?v=aaaaaaaaaaa"]) {
    await tab.goto(href);
    const account = await browser.popup(tab);
    await until(`what ${href} names is not cut off`, async () => (await account.shows("extent-full")) && (await account.property("extent-full", "checked")));
    assert.equal(await account.shows("extent-path"), false);
    await account.click("report");
    await until("the report is kept", () => account.shows("describe"));
    const { reports } = await inside.evaluate(async () => (await chrome.runtime.sendMessage({ ask: "options.export", body: null })).ok);
    const kept = reports.find((one) => one.href === href);
    assert.ok(kept, JSON.stringify(reports.map((one) => one.href)));
    await inside.evaluate((id) => chrome.runtime.sendMessage({ ask: "popup.undo", body: { id } }), kept.id);
    await account.close();
  }
  await inside.close();
  await tab.close();
});

test("diagnostics tell nothing about the person: no address, no host that was visited, no receipt", async () => {
  const page = await options();
  const text = await page.innerText("#diagnostics");
  const { reports } = await page.evaluate(async () => (await chrome.runtime.sendMessage({ ask: "options.export", body: null })).ok);
  assert.ok(reports.length > 0 && reports[0].receipt.length === 32);
  for (const secret of [...reports.flatMap(({ id, receipt, href }) => [id, receipt, new URL(href).host]), "parcel-fee", "gift.centre", "honest", "new-scam", "somebody"]) {
    assert.equal(text.includes(secret), false, secret);
  }
  const told = JSON.parse(text);
  assert.equal(told.list.sequence, 1);
  assert.ok(told.version && told.browser.includes("Chrome/") && told.permissions.includes("webNavigation"));
  assert.deepEqual(told.origins.filter((origin) => !origin.startsWith("*://*.")), [`${world.gateway.origin}/*`]);
  await page.close();
});

test("an operator's own server is taken with its key, and only with its key", async () => {
  const theirs = await Khien.make();
  await theirs.list("csv", "url,category,reason_en,reason_vi\noffice-scam.example,phishing,Asks for a code.,Đòi mã.\n");
  await theirs.start();
  const gateway = await Gateway.start(theirs);
  const key = (await readFile(path.join(theirs.dir, "keys/root.pub"), "utf8")).trim();
  const ours = (await readFile(path.join(world.khien.dir, "keys/root.pub"), "utf8")).trim();
  try {
    const page = await options();
    await page.click("#other summary");
    const offer = async (address, root, says) => {
      await page.fill("#address", address);
      await page.fill("#key", root);
      await page.click("#use");
      await until(`it says ${says}`, async () => says.test(await page.innerText("#server-said")));
    };
    await offer("http://khien.example", key, /not the address of a server/); // reports would travel in the clear
    await offer("https://khien.example/v1", key, /not the address of a server/);
    await offer("khien", key, /not the address of a server/);
    await offer(gateway.origin, "not a key", /not a root key/);
    await offer("http://127.0.0.1:1", key, /does not answer/);
    gateway.between = async (path, answer) => ({ ...answer, body: Buffer.from("hello") });
    await offer(gateway.origin, key, /no Khiên server/);
    gateway.behave();
    await offer(gateway.origin, ours, /does not fit this key/);
    await stopped("parcel-fee.example"); // what did not work has changed nothing
    assert.equal(await page.innerText("#server-now"), world.gateway.origin);

    await offer(gateway.origin, key, /in use now/);
    assert.equal(await page.innerText("#server-now"), gateway.origin);
    await stopped("office-scam.example");
    await passes("parcel-fee.example");

    await browser.killWorker();
    await stopped("office-scam.example");
    await theirs.list("urls", "second-scam.example");
    const since = gateway.log.length;
    await browser.ring("update");
    await until("its next release comes by itself", () => gateway.asked("/v1/delta/", since).some(({ status }) => status === 200));
    await stopped("second-scam.example");

    const tab = await browser.tab();
    await tab.goto("https://third-scam.example/");
    const popup = await browser.popup(tab);
    await popup.click("report");
    await until("the report is kept", () => popup.shows("describe"));
    await popup.close();
    await until("a report goes to that server", async () => {
      await browser.hasten();
      return (await theirs.reports()).length === 1;
    });
    assert.equal((await world.khien.reports()).some(({ href }) => href.includes("third-scam")), false);
    await tab.close();

    await page.bringToFront();
    await page.click("#standard");
    await until("the standard server is back", async () => (await page.innerText("#server-now")) === world.gateway.origin);
    await stopped("parcel-fee.example");
    await passes("office-scam.example");
    await page.close();
  } finally {
    await gateway.close();
    await theirs.close();
  }
});

test("everything can be saved, and everything erased", async () => {
  const page = await options();
  assert.match(await page.innerText("#list"), /new-scam\.example\/pay[\s\S]*Received, thank you/);
  const [download] = await Promise.all([page.waitForEvent("download"), page.click("#export")]);
  const saved = JSON.parse(await readFile(await download.path(), "utf8"));
  assert.ok(saved.reports.some(({ href, receipt }) => href === "https://new-scam.example/pay" && /^[0-9a-f]{32}$/.test(receipt)));
  assert.equal(saved.settings.sends.title, false);
  assert.deepEqual([saved.server, saved.pictures, saved.late.news], [null, [], []]);
  assert.ok(saved.late.kept.things > 0 && Array.isArray(saved.advice.dismissed));

  await page.click("#erase");
  await page.click("#sure button[autofocus]");
  assert.match(await page.innerText("#list"), /new-scam/, "cancelled");
  await page.click("#erase");
  const since = world.gateway.log.length;
  const open = await browser.tab();
  await open.goto("https://honest.example/");
  await page.bringToFront();
  await Promise.all([page.waitForEvent("load"), page.click("#sure .danger")]);
  await until("nothing is left", async () => /not reported anything yet/.test(await page.innerText("#list")));
  const left = await page.evaluate(async () => ({ ...(await chrome.storage.local.get(null)), ...(await chrome.storage.session.get(null)) }));
  assert.doesNotMatch(JSON.stringify(left), /scam|facebook|language/);
  await stopped("parcel-fee.example"); // by the list that the extension came with
  await until("a newer one is asked for at once", () => world.gateway.asked("/v1/head", since).length > 0);
  await until("only the next list is waited for", async () => (await page.evaluate(async () => (await chrome.alarms.getAll()).map(({ name }) => name).join())) === "update");
  await browser.fiveSeconds(); // after which what is met is written
  const kept = async () => (await page.evaluate(() => chrome.runtime.sendMessage({ ask: "late.kept", body: null }))).ok.things;
  assert.equal(await kept(), 0, "what is open was met before");
  assert.ok(await page.evaluate(async () => (await chrome.storage.session.get("begun")).begun), "nor is it met when the worker starts the next time");
  await open.close();
  await page.close();
});
