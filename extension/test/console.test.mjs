// Maintainers at work: they come in by an invitation, decide by keyboard, agree by twos, publish, and what they publish
// is what a device is told; and whoever reported something follows it in the extension. Told in order: each part goes
// on where the one before ended. What everybody saw on the way lies in build/walk/ afterwards.

import assert from "node:assert/strict";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import path from "node:path";
import { after, before, test } from "node:test";
import { Chromium } from "./fixture/chromium.mjs";
import { Office } from "./fixture/console.mjs";
import { Gateway } from "./fixture/gateway.mjs";
import { Khien, top } from "./fixture/khien.mjs";
import { until } from "./fixture/until.mjs";
import { Web } from "./fixture/web.mjs";

const walk = path.join(top, "build/walk");

let khien, gateway, web, reporter, office, an, mai, linh;
let pictures = 0;

/** Keeps what a page or a popup shows. */
async function picture(name, shown) {
  const file = path.join(walk, `${String(++pictures).padStart(2, "0")}-${name}.png`);
  if (Buffer.isBuffer(shown)) await writeFile(file, shown);
  else await shown.page.screenshot({ path: file });
}

/** Reports of some people about an address; returns the last receipt. */
async function reported(href, people, more = {}) {
  let last;
  for (let i = 0; i < people; i++) {
    const answer = await fetch(`http://127.0.0.1:${khien.port}/v1/reports`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({
        id: Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString("base64"), kind: "scam", subjects: [], href, title: "Giá rẻ bất ngờ",
        language: "vi", time: Math.floor(Date.now() / 1000), category: "shop", note: "", ...more,
      }),
    });
    assert.equal(answer.status, 201);
    last = (await answer.json()).receipt;
  }
  return last;
}

/** Publishes what is decided: mai proposes it, and linh confirms it. */
async function published() {
  await mai.go("/publish");
  await mai.page.click("form[data-confirm] .primary");
  await mai.shows(/You have proposed it/);
  await linh.go("/publish");
  await linh.shows(/mai đã đề xuất/);
  await linh.page.click("form[data-confirm] .primary");
  await until("it is published", () => /^\/releases\/\d+$/.test(linh.path()));
}

before(async () => {
  khien = await Khien.make();
  await writeFile(path.join(khien.dir, "popular.txt"), "many-sellers.example\n");
  await khien.cli("popular", path.join(khien.dir, "popular.txt"));
  await khien.list("urls", "http://shop-01.example/already/listed\n");
  await khien.start("--console", "127.0.0.1:0", "--each", "1000", "--each-burst", "1000", "--all", "1000");
  await rm(walk, { recursive: true, force: true });
  await mkdir(walk, { recursive: true });
  gateway = await Gateway.start(khien);
  web = await Web.start();
  reporter = await Chromium.start({ folder: `${await khien.bundle(gateway.origin)}/chromium`, web });
  for (let n = 1; n <= 19; n++) await reported(`https://shop-${String(n).padStart(2, "0")}.example/offer`, 1 + (n % 3));
  for (const network of [2, 3, 4, 5]) await reportedFrom(`127.0.${network}.1`, "https://many-sellers.example/", []);
  office = await Office.open(khien);
  an = await office.person({ name: "an" });
  mai = await office.person({ name: "mai" });
  linh = await office.person({ name: "linh", language: "vi" });
});

after(async () => {
  await reporter?.close();
  await office?.close();
  await web?.close();
  await gateway?.close();
  await khien?.close();
});

test("the first person comes in by a link that is good once", async () => {
  await an.go("/queue");
  await an.shows(/Sign in/);
  const link = (await khien.cli("admin", "invite", "an", "--role", "admin", "--console-origin", khien.console)).trim();
  await an.page.goto(link);
  await picture("an-is-invited", an);
  await an.enrol(link);
  await an.shows(/an Admin/, ".me");
  await mai.page.goto(link);
  await mai.shows(/used already/);
  await an.page.click("text=Sign out");
  await an.signIn();
});

/** What an admin does to invite somebody, or to give them another role. */
async function propose(name, role) {
  await an.go("/people");
  await an.page.fill("#name", name);
  await an.page.check(`input[value=${role}]`);
  await an.page.click("text=Invite …");
  await confirmed(an);
}

/** Confirms with the passkey what the page says. */
async function confirmed(person) {
  await person.page.waitForSelector("form[data-confirm] .primary:not([disabled])");
  await Promise.all([person.page.waitForEvent("load"), person.page.click("form[data-confirm] .primary")]);
}

/** Another person agrees to what is proposed about somebody. */
async function agree(person) {
  await person.go("/people");
  await person.page.click("form[action='/people/confirm'] button");
  await confirmed(person);
}

test("an admin alone lets in one person, and nobody else: the next one takes two, and whoever is new waits three days", async () => {
  await propose("mai", "maintainer");
  await mai.enrol(await an.page.inputValue("#link"));
  await mai.shows(/your word counts from .* on/i);
  // Neither a puppet, nor mai in another role, nor somebody by the command line comes of it.
  await propose("puppet", "approver");
  await an.shows(/It is proposed\. Another person confirms it/, ".told");
  await picture("it-takes-two", an);
  assert.equal(await an.page.locator("#link, form[action='/people/confirm']").count(), 0);
  await assert.rejects(khien.cli("admin", "invite", "puppet", "--role", "approver"), /two people must agree/);
  await mai.go("/people");
  assert.equal(await mai.page.locator("form[action='/people/confirm']").count(), 0, "the word of who is new counts");
  await Promise.all([mai.page.waitForEvent("load"), mai.page.click("[aria-label='Stop: puppet']")]);
  await mai.shows(/puppet is gone/, ".told");
  await mai.go("/cases/1");
  assert.equal(await mai.page.locator("form[action$='/list']").count(), 0, "who waits may decide");
  await khien.later(73);
  await propose("linh", "approver");
  await agree(mai);
  await linh.enrol(await mai.page.inputValue("#link"));
  await linh.shows(/linh Người phê duyệt/, ".me");
  await linh.shows(/ý kiến của bạn có giá trị từ/i);
  await khien.later(73);
  await linh.go("/queue");
  assert.doesNotMatch(await linh.says(), /có giá trị từ/);
});

test("twenty cases are decided by keyboard alone", async () => {
  await mai.go("/queue");
  const cases = await mai.page.locator(".entry").count();
  assert.equal(cases, 20);
  await picture("the-queue", mai);
  await mai.leave("j", "k", "ArrowDown", "k", "Enter");
  assert.match(mai.path(), /^\/cases\/\d+$/);
  await mai.shows(/many-sellers/);
  await mai.press("a");
  await mai.shows(/Two people must agree: a popular host/);
  await picture("a-case-for-two", mai);
  let told = "";
  for (let n = 0; n < 20; n++) {
    // Two keys: what to do, and yes.
    await mai.leave(...(n === 0 ? [] : [n % 7 === 3 ? "r" : n % 7 === 5 ? "m" : "a"]), "Enter");
    told = await mai.page.innerText(".told");
    assert.match(told, n === 0 ? /proposed/ : /accepted|rejected|asked/);
  }
  assert.equal(mai.path(), "/queue");
  await mai.shows(/Nothing waits here/);
  // The last one is undone with one key, and decided again with two.
  await mai.leave("u");
  await mai.shows(/is open again/);
  await mai.leave("a", "Enter");
});

test("a key says which keys there are, and single keys can be switched off", async () => {
  await mai.press("?");
  assert.ok(await mai.page.isVisible("#keys"));
  await mai.page.click("text=Switch single keys off");
  await mai.page.waitForSelector("html[data-keys=off]");
  await mai.press("p");
  assert.match(mai.path(), /^\/queue/);
  await mai.page.click(".who [data-open=keys]");
  await mai.page.click("text=Switch single keys on");
  await mai.page.waitForSelector("html:not([data-keys])");
});

test("who proposed something can't agree to it; another person agrees with a passkey", async () => {
  await mai.go("/queue?part=proposed");
  assert.equal(await mai.page.locator("text=Agree …").count(), 0);
  await linh.go("/queue?part=proposed");
  await linh.leave("j", "Enter");
  await linh.shows(/mai đề xuất/);
  await linh.leave("a");
  await picture("linh-agrees", linh);
  await linh.finger(false);
  await linh.page.click("form[data-confirm] .primary");
  await linh.shows(/Chưa được/);
  await linh.finger(true);
  await linh.page.click("form[data-confirm] .primary");
  await linh.shows(/Bạn đã đồng ý/);
});

test("what is published is what was confirmed: a change meanwhile stops it", async () => {
  await mai.leave("p");
  assert.equal(mai.path(), "/publish");
  const before = await mai.says();
  assert.match(before, /added/);
  await picture("what-will-change", mai);
  // Meanwhile somebody else takes one decision back.
  await linh.go("/queue?part=decided");
  await linh.page.locator(".entry").last().click();
  await linh.page.waitForURL("**/cases/*");
  await linh.leave("u");
  await linh.shows(/không phải của riêng bạn, mà của mai/);
  await picture("whose-decision-it-is", linh);
  await confirmed(linh);
  await linh.shows(/đã mở lại/);
  await mai.page.click("form[data-confirm] .primary");
  await mai.shows(/no longer what you confirmed/);
  assert.notEqual(await mai.says(), before);
});

test("two people's decisions are published, and a device is told so", async () => {
  await mai.page.click("form[data-confirm] .primary");
  await mai.shows(/You have proposed it/);
  await picture("proposed", mai);
  assert.equal((await khien.check(["https://many-sellers.example/"]))[0].verdict, "unlisted");
  await linh.go("/publish");
  await picture("linh-confirms", linh);
  await linh.page.click("form[data-confirm] .primary");
  await until("it is published", () => /^\/releases\/\d+$/.test(linh.path()));
  await mai.go(linh.path());
  await mai.shows(/This is what everybody is handed out now/);
  await picture("published", mai);
  const [seller, shop] = await khien.check(["https://many-sellers.example/", "https://shop-02.example/pay"]);
  assert.equal(seller.verdict, "listed");
  assert.ok(shop);
  await mai.go("/publish");
  await mai.shows(/nothing to publish/);
});

test("more than fifty at once need two people twice over", async () => {
  for (let n = 0; n < 51; n++) await reported(`https://mass-${n}.test/`, 1);
  await until("they are in the queue", async () => {
    await mai.go("/queue?show=200");
    return (await mai.page.locator("text=/mass-\\d+\\.test/").count()) >= 51;
  });
  await mai.page.click("text=Select all");
  await mai.page.click("text=List …");
  await mai.shows(/List 5\d things/);
  await mai.shows(/5\d subjects at once/);
  await mai.page.click("text=List it");
  await until("they are proposed", () => mai.path() === "/queue");
  await linh.go("/queue?part=proposed&show=200");
  await linh.page.click("text=Chọn tất cả");
  await linh.page.click("text=Đồng ý …");
  await linh.page.waitForSelector("form[data-confirm]");
  await linh.page.click("form[data-confirm] .primary");
  await linh.shows(/Bạn đã đồng ý với 5\d/);
  await mai.go("/publish");
  await mai.shows(/Two people confirm what reaches everybody/);
  await picture("more-than-fifty", mai);
  await published();
});

/** A report that comes from another address of this machine, and says where the page leads. */
function reportedFrom(localAddress, href, links) {
  const body = JSON.stringify({
    id: Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString("base64"), kind: "scam", subjects: [], href, title: "", language: "vi",
    time: Math.floor(Date.now() / 1000), category: "phishing", note: "", links,
  });
  return new Promise((done, fail) => {
    const sent = request({ host: "127.0.0.1", port: khien.port, path: "/v1/reports", method: "POST", localAddress, headers: { "Content-Type": "application/json" } }, (answer) => {
      answer.resume();
      answer.on("end", () => (answer.statusCode === 201 ? done() : fail(new Error(`${answer.statusCode} for ${href}`))));
    });
    sent.on("error", fail);
    sent.end(body);
  });
}

test("a page kit is one case: nothing of it comes ticked, by keyboard a person ticks what they have looked at, and the rest stays open", async () => {
  const links = ["telegram:user/invented_walk_boss"];
  for (const from of ["127.0.0.2", "127.0.0.3"]) {
    for (const page of ["https://walk-bank.example/login", "https://bank-walk.example/"]) await reportedFrom(from, page, links);
  }
  await reportedFrom("127.0.0.4", "https://walk-bakery.example/", links);
  await until("they are one case", async () => {
    await mai.go("/find?q=walk-bakery.example");
    return /The 3 subjects of this case/.test(await mai.says());
  });
  await mai.press("a");
  const boxes = mai.page.locator("[name=lists]");
  assert.equal(await boxes.and(mai.page.locator(":checked")).count(), 0);
  for (const [i, name] of ["bank-walk.example/", "walk-bank.example/"].entries()) {
    await mai.page.locator(`[name=lists][value="${name}\t${name}"]`).focus();
    await mai.press(" ");
    assert.equal(await mai.page.innerText("[data-ticked]"), String(i + 1));
  }
  await mai.page.locator("[data-key=a] [data-first]").focus();
  await mai.leave("Enter");
  await mai.shows(/is accepted: 2 of it will be listed/, ".told");
  await mai.go("/find?q=walk-bakery.example");
  await mai.shows(/Of the kit of case \d+, which is accepted and not published yet/);
  await mai.go("/publish");
  await mai.shows(/2 things/);
  assert.doesNotMatch(await mai.says(), /walk-bakery/);
});

test("an objection is answered in public, by two people where the entry reaches far, and it leaves with the next release", async () => {
  const receipt = await reported("https://many-sellers.example/", 1, { kind: "mistake", title: "", category: "", note: "My shop is honest." });
  await until("it waits for an answer", async () => {
    await mai.go("/appeals");
    return mai.page.isVisible("main a[href^='/appeals/']");
  });
  await mai.page.click("main a[href^='/appeals/']");
  await mai.page.waitForURL("**/appeals/*");
  await mai.shows(/My shop is honest/);
  await picture("an-objection", mai);
  const form = "form[action$='/withdraw']";
  await mai.page.evaluate(() => document.querySelectorAll("details").forEach((one) => (one.open = true)));
  await mai.page.fill(`${form} [name=reason_en]`, "The shop sends what it sells.");
  await mai.page.fill(`${form} [name=reason_vi]`, "Cửa hàng có giao hàng.");
  await Promise.all([mai.page.waitForEvent("load"), mai.page.click(`${form} .primary`)]);
  await mai.shows(/put there by mai[^]*linh agreed to it/);
  await confirmed(mai);
  await mai.shows(/another person must agree/, "body");
  await linh.go("/queue?part=proposed");
  await linh.leave("j", "Enter");
  await linh.leave("a");
  await linh.page.click("form[data-confirm] .primary");
  await linh.shows(/Bạn đã đồng ý/);
  await published();
  assert.equal((await khien.check(["https://many-sellers.example/"]))[0].verdict, "unlisted");
  const told = await (await fetch(`http://127.0.0.1:${khien.port}/v1/receipts/${receipt}`)).json();
  assert.match(told.state, /accepted|listed/);
});

/** What the popup tells about earlier reports; asked for anew, as after an hour. */
async function told(tab, pattern, name) {
  await (await reporter.worker()).evaluate(async () => {
    const db = await new Promise((resolve) => (indexedDB.open("khien").onsuccess = (event) => resolve(event.target.result)));
    const store = db.transaction("reports", "readwrite").objectStore("reports");
    for (const entry of await new Promise((resolve) => (store.getAll().onsuccess = (event) => resolve(event.target.result)))) store.put({ ...entry, asked: 0 });
    await new Promise((resolve) => (store.transaction.oncomplete = resolve));
    db.close();
  });
  await reporter.ring("receipts");
  await until(`the popup tells ${pattern}`, async () => {
    const popup = await reporter.popup(tab);
    try {
      const text = await until("the earlier reports are there", async () => (await popup.property("reports", "textContent")) || undefined);
      if (!pattern.test(text)) throw new Error(JSON.stringify(text));
      await popup.click("mine-open");
      await until("the list is open", () => popup.shows("reports"));
      const shown = await popup.screenshot("light");
      await picture(name, shown);
      if (process.env.UPDATE_PICTURES && name === "removed") await writeFile(path.join(top, "docs/pictures/receipt-en-light.png"), shown);
      return true;
    } finally {
      await popup.close();
    }
  });
}

test("an account is reported with one click and followed in the extension: received, under review, listed, its platform told, removed, and a thank-you", async () => {
  const page = await reporter.tab();
  await reporter.go(page, "https://www.tiktok.com/@invented.walk.shop");
  const popup = await reporter.popup(page);
  await popup.click("report");
  await until("the report is kept", () => popup.shows("describe"));
  await popup.close();
  await until("the report is in the inbox", async () => {
    await reporter.hasten();
    return (await khien.reports("all")).some((one) => one.href.includes("invented.walk.shop"));
  });
  const tab = await reporter.tab();
  await reporter.go(tab, "https://honest.example/");
  await told(tab, /Received, thank you/, "received");
  await until("it is in the queue", async () => {
    await mai.go("/queue");
    return /invented\.walk\.shop/.test(await mai.says());
  });
  await mai.page.locator(".entry", { hasText: "invented.walk.shop" }).click();
  await mai.page.waitForURL("**/cases/*");
  await told(tab, /A person is looking at it/, "under-review");
  await mai.leave("m", "Enter");
  await told(tab, /A person is looking at it[^]*We have a question: Please tell us what happened/, "asked");
  await mai.leave("u");
  await mai.shows(/is open again/);
  await mai.leave("a", "Enter");
  await told(tab, /A person is looking at it/, "decided-and-not-told");
  await published();
  await told(tab, /It is on the list now/, "listed");
  await until("there is a case for the platform", async () => {
    await mai.go("/takedowns");
    return mai.page.isVisible("main a.entry[href^='/takedowns/']");
  });
  await mai.page.click("main a.entry[href^='/takedowns/']");
  await mai.page.waitForURL("**/takedowns/*");
  await picture("the-platform-is-asked", mai);
  for (const state of ["sent", "acknowledged", "action-taken"]) {
    await mai.page.check(`form[action$='/state'] [value=${state}]`);
    await Promise.all([mai.page.waitForEvent("load"), mai.page.click("form[action$='/state'] .primary")]);
    if (state === "sent") await told(tab, /the platform has been told/, "informed");
  }
  await told(tab, /The platform has removed it\. Thank you[^]*Received[^]*Under review[^]*Decided[^]*Listed[^]*Platform informed[^]*Removed/, "removed");
  await tab.close();
  await page.close();
});

test("what is decided on the command line is decided in the console, and the other way round", async () => {
  await reported("https://counter-shop.example/", 2);
  const its = async () => (await khien.reports("all")).filter((one) => one.href === "https://counter-shop.example/");
  const [first] = await its();
  await khien.cli("reports", "reject", first.id, "--reason", "an honest shop");
  assert.deepEqual((await its()).map((one) => one.state), ["rejected", "rejected"]);
  const at = `/cases/${(await its())[0].case}`;
  await mai.go(at);
  await mai.shows(/counter-shop\.example[^]*an honest shop/);
  // Opened again in the console, it is open on the command line too, and in the queue.
  await mai.page.click("summary:has-text('Decide anew')");
  await Promise.all([mai.page.waitForEvent("load"), mai.page.click("form[action$='/reopen'] button")]);
  await mai.shows(/not yours alone, but of .*@shell/);
  await confirmed(mai);
  assert.deepEqual((await its()).map((one) => `${one.state} ${one.case_state}`), ["received open", "received open"]);
  await mai.go("/queue");
  await mai.shows(/counter-shop\.example/);
  // Decided in the console, it can't be decided on the command line; taken back there, it is open in the console.
  await mai.go(at);
  await mai.leave("a", "Enter");
  assert.deepEqual((await its()).map((one) => `${one.state} ${one.case_state}`), ["received accepted", "received accepted"]);
  await assert.rejects(khien.cli("reports", "reject", first.id), /accepted already, by mai/);
  await assert.rejects(khien.cli("reports", "reopen", first.id), /is of mai: say --of mai/);
  await khien.cli("reports", "reopen", first.id, "--of", "mai");
  await mai.go("/queue");
  await mai.shows(/counter-shop\.example/);
});

test("a person sees their own passkeys, and makes another on another device; an admin can't", async () => {
  await propose("mai", "maintainer");
  await an.shows(/They have this role already/);
  assert.equal(await an.page.locator("#link").count(), 0);
  await mai.page.click(".me");
  await mai.page.waitForURL("**/me");
  await mai.shows(/last used/);
  await mai.page.click("text=Another passkey …");
  await mai.page.waitForSelector("form[data-confirm]");
  await mai.page.click("form[data-confirm] .primary");
  await mai.page.waitForSelector("#link");
  const other = await office.person({ name: "mai" });
  await other.enrol(await mai.page.inputValue("#link"));
  await other.shows(/mai Maintainer/, ".me");
  await mai.go("/me");
  await picture("my-passkeys", mai);
  assert.equal(await mai.page.locator("text=Remove").count(), 2);
  await mai.page.locator("text=Remove").last().click();
  await mai.page.waitForSelector("form[data-confirm]");
  await mai.page.click("form[data-confirm] .primary");
  await mai.shows(/lets nobody in any more/, ".told");
  assert.deepEqual(other.accidents, []);
});

test("the audit log is whole, and a spreadsheet calculates nothing of it", async () => {
  await an.go("/audit");
  await an.page.click("text=Verify");
  await an.shows(/The log is whole: \d+ entries/);
  await picture("the-log-is-whole", an);
  const csv = await an.page.evaluate(async () => (await fetch("/audit/export?format=csv")).text());
  assert.match(csv, /^seq,time,actor/);
  assert.match(csv, /confirmed with passkey/);
  assert.match(await khien.cli("audit", "verify"), /"entries"/);
});

test("a lost laptop is locked out at once, also from what is half done; two people let its person in again, and the word waits", async () => {
  await mai.go("/me");
  await mai.page.click("text=Another passkey …");
  await mai.page.waitForSelector("form[data-confirm] .primary:not([disabled])");
  await an.go("/people");
  await an.page.click("[aria-label='Suspend: mai']");
  await confirmed(an);
  await an.shows(/mai is locked out\. Two people must agree/, ".told");
  await mai.page.click("form[data-confirm] .primary");
  await mai.shows(/not signed in any more/);
  await mai.go("/queue");
  await mai.shows(/Sign in/);
  await mai.page.click("[data-passkey]");
  await mai.shows(/not known here/);
  await propose("mai", "maintainer");
  await mai.page.click("[data-passkey]");
  await mai.shows(/not known here/);
  await agree(linh);
  await mai.signIn();
  await mai.shows(/your word counts from/i);
});

test("another role takes two people, ends the session, and the word waits", async () => {
  await propose("mai", "approver");
  await mai.go("/queue"); // still as before
  await agree(linh);
  await mai.go("/queue");
  await mai.shows(/Sign in/);
  await mai.signIn();
  await mai.shows(/mai Approver/, ".me");
  await mai.shows(/your word counts from/i);
});

test("who has confirmed an invitation follows it neither signed in, nor on the device that holds their own passkey", async () => {
  await propose("twin", "approver");
  await agree(linh);
  const link = new URL(await linh.page.inputValue("#link")).pathname;
  await linh.go(link);
  await linh.shows(/dành cho twin, còn linh đang đăng nhập/);
  await Promise.all([linh.page.waitForURL("**/signin"), linh.page.click("form[action='/signout'] button")]);
  await linh.go(link);
  await linh.page.click("[data-passkey]");
  await linh.shows(/đã có khóa của một người ở đây/);
  await linh.signIn();
});

test("who leaves is out at once", async () => {
  await an.go("/people");
  await an.page.click("[aria-label='Leave: mai']");
  await confirmed(an);
  await an.shows(/mai may not enter any more\.$/m, ".told");
  await mai.go("/queue");
  await mai.shows(/Sign in/);
  await mai.page.click("[data-passkey]");
  await mai.shows(/not known here/);
});

test("nothing happened that should not", () => {
  for (const person of [an, mai, linh]) assert.deepEqual(person.accidents, [], person.name);
});
