// Maintainers at work: they come in by an invitation, decide by keyboard, agree by twos, publish, and what they publish is what a
// device is told. Told in order: each part goes on where the one before ended.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { Office } from "./fixture/console.mjs";
import { Khien } from "./fixture/khien.mjs";
import { until } from "./fixture/until.mjs";

let khien, office, an, mai, linh;

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

/** Publishes what is decided. */
async function published(person) {
  await person.go("/publish");
  await person.page.click("form[data-confirm] .primary");
  await until("it is published", () => /^\/releases\/\d+$/.test(person.path()), { within: 30_000 });
}

before(async () => {
  khien = await Khien.make();
  await writeFile(path.join(khien.dir, "popular.txt"), "many-sellers.example\n");
  await khien.cli("popular", path.join(khien.dir, "popular.txt"));
  await khien.list("urls", "http://shop-01.example/already/listed\n");
  await khien.start("--console", "127.0.0.1:0", "--each", "1000", "--each-burst", "1000", "--all", "1000");
  for (let n = 1; n <= 19; n++) await reported(`https://shop-${String(n).padStart(2, "0")}.example/offer`, 1 + (n % 3));
  await reported("https://many-sellers.example/", 4);
  office = await Office.open(khien);
  an = await office.person({ name: "an" });
  mai = await office.person({ name: "mai" });
  linh = await office.person({ name: "linh", language: "vi" });
});

after(async () => {
  await office?.close();
  await khien?.close();
});

test("the first person comes in by a link that is good once", async () => {
  await an.go("/queue");
  assert.match(await an.says(), /Sign in/);
  const link = (await khien.cli("admin", "invite", "an", "--role", "admin", "--console-origin", khien.console)).trim();
  await an.enrol(link);
  assert.match(await an.page.innerText(".me"), /an Admin/);
  await mai.page.goto(link);
  assert.match(await mai.says(), /used already/);
  await an.page.click("text=Sign out");
  await an.signIn();
});

/** What an admin does to invite somebody; returns the link. */
async function invite(name, role) {
  await an.go("/people");
  await an.page.fill("#name", name);
  await an.page.check(`input[value=${role}]`);
  await an.page.click("text=Invite …");
  await an.page.waitForSelector("form[data-confirm]");
  await an.page.click("form[data-confirm] .primary");
  await an.page.waitForSelector("#link");
  return an.page.inputValue("#link");
}

test("an admin invites the others, and confirms it with the passkey", async () => {
  await mai.enrol(await invite("mai", "maintainer"));
  await linh.enrol(await invite("linh", "approver"));
  assert.match(await linh.page.innerText(".me"), /linh Người phê duyệt/);
});

test("twenty cases are decided by keyboard alone", async () => {
  await mai.go("/queue");
  const cases = await mai.page.locator(".entry").count();
  assert.equal(cases, 20);
  await mai.leave("j", "k", "ArrowDown", "k", "Enter");
  assert.match(mai.path(), /^\/cases\/\d+$/);
  assert.match(await mai.says(), /many-sellers/);
  await mai.press("a");
  assert.match(await mai.says(), /Two people must agree: a popular host/);
  let told = "";
  for (let n = 0; n < 20; n++) {
    // Two keys: what to do, and yes.
    await mai.leave(...(n === 0 ? [] : [n % 7 === 3 ? "r" : n % 7 === 5 ? "m" : "a"]), "Enter");
    told = await mai.page.innerText(".told");
    assert.match(told, n === 0 ? /proposed/ : /accepted|rejected|asked/);
  }
  assert.equal(mai.path(), "/queue");
  assert.match(await mai.says(), /Nothing waits here/);
  // The last one is undone with one key, and decided again with two.
  await mai.leave("u");
  assert.match(await mai.says(), /is open again/);
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
  assert.match(await linh.says(), /mai đề xuất/);
  await linh.leave("a");
  await linh.finger(false);
  await linh.page.click("form[data-confirm] .primary");
  await until("it is refused", async () => /Chưa được/.test(await linh.says()));
  await linh.finger(true);
  await linh.page.click("form[data-confirm] .primary");
  await until("it is agreed to", async () => /Bạn đã đồng ý/.test(await linh.says()));
});

test("what is published is what was confirmed: a change meanwhile stops it", async () => {
  await mai.leave("p");
  assert.equal(mai.path(), "/publish");
  const before = await mai.says();
  assert.match(before, /added/);
  // Meanwhile somebody else takes one decision back.
  await linh.go("/queue?part=decided");
  await linh.page.locator(".entry").last().click();
  await linh.page.waitForURL("**/cases/*");
  await linh.leave("u");
  assert.match(await linh.says(), /đã mở lại/);
  await mai.page.click("form[data-confirm] .primary");
  await until("it is refused", async () => /no longer what you confirmed/.test(await mai.says()));
  assert.notEqual(await mai.says(), before);
});

test("two people's decisions are published, and a device is told so", async () => {
  await mai.page.click("form[data-confirm] .primary");
  await until("it is published", () => /^\/releases\/\d+$/.test(mai.path()), { within: 30_000 });
  assert.match(await mai.says(), /This is what everybody is handed out now/);
  const [seller, shop] = await khien.check(["https://many-sellers.example/", "https://shop-02.example/pay"]);
  assert.equal(seller.verdict, "listed");
  assert.ok(shop);
  await mai.go("/publish");
  assert.match(await mai.says(), /nothing to publish/);
});

test("more than fifty at once need two people twice over", async () => {
  for (let n = 0; n < 51; n++) await reported(`https://mass-${n}.test/`, 1);
  await mai.go("/queue?show=200");
  await mai.page.click("text=Select all");
  await mai.page.click("text=List …");
  assert.match(await mai.says(), /List 5\d things/);
  assert.match(await mai.says(), /5\d subjects at once/);
  await mai.page.click("text=List it");
  await until("they are proposed", () => mai.path() === "/queue");
  await linh.go("/queue?part=proposed&show=200");
  await linh.page.click("text=Chọn tất cả");
  await linh.page.click("text=Đồng ý …");
  await linh.page.waitForSelector("form[data-confirm]");
  await linh.page.click("form[data-confirm] .primary");
  await until("they are agreed to", async () => /Bạn đã đồng ý với 5\d/.test(await linh.says()));
  await mai.go("/publish");
  assert.match(await mai.says(), /two people must confirm/);
  await mai.page.click("form[data-confirm] .primary");
  await until("one has confirmed", async () => /You have confirmed it/.test(await mai.says()));
  await linh.go("/publish");
  assert.match(await linh.says(), /mai đã xác nhận/);
  await linh.page.click("form[data-confirm] .primary");
  await until("it is published", () => /^\/releases\/\d+$/.test(linh.path()), { within: 30_000 });
});

test("an objection is answered in public, and what was listed leaves with the next release", async () => {
  const receipt = await reported("https://many-sellers.example/", 1, { kind: "mistake", title: "", category: "", note: "My shop is honest." });
  await until("it waits for an answer", async () => {
    await linh.go("/appeals");
    return linh.page.isVisible("main a[href^='/appeals/']");
  });
  await linh.page.click("main a[href^='/appeals/']");
  await linh.page.waitForURL("**/appeals/*");
  assert.match(await linh.says(), /My shop is honest/);
  const form = "form[action$='/withdraw']";
  await linh.page.evaluate(() => document.querySelectorAll("details").forEach((one) => (one.open = true)));
  await linh.page.fill(`${form} [name=reason_en]`, "The shop sends what it sells.");
  await linh.page.fill(`${form} [name=reason_vi]`, "Cửa hàng có giao hàng.");
  await Promise.all([linh.page.waitForEvent("load"), linh.page.click(`${form} .primary`)]);
  await published(linh);
  assert.equal((await khien.check(["https://many-sellers.example/"]))[0].verdict, "unlisted");
  const told = await (await fetch(`http://127.0.0.1:${khien.port}/v1/receipts/${receipt}`)).json();
  assert.match(told.state, /accepted|listed/);
});

test("an account is listed, its platform is asked, and it is removed", async () => {
  const receipt = await reported("https://www.tiktok.com/@invented.walk.shop", 2);
  await until("it is in the queue", async () => {
    await mai.go("/queue");
    return /invented\.walk\.shop/.test(await mai.says());
  });
  await mai.page.locator(".entry", { hasText: "invented.walk.shop" }).click();
  await mai.page.waitForURL("**/cases/*");
  await mai.leave("a", "Enter");
  await published(mai);
  await until("there is a case for the platform", async () => {
    await mai.go("/takedowns");
    return mai.page.isVisible("main a.entry[href^='/takedowns/']");
  });
  await mai.page.click("main a.entry[href^='/takedowns/']");
  await mai.page.waitForURL("**/takedowns/*");
  for (const state of ["sent", "acknowledged", "action-taken"]) {
    await mai.page.check(`form[action$='/state'] [value=${state}]`);
    await Promise.all([mai.page.waitForEvent("load"), mai.page.click("form[action$='/state'] .primary")]);
  }
  const told = await (await fetch(`http://127.0.0.1:${khien.port}/v1/receipts/${receipt}`)).json();
  assert.equal(told.state, "removed");
});

test("the audit log is whole, and a spreadsheet calculates nothing of it", async () => {
  await an.go("/audit");
  await an.page.click("text=Verify");
  await until("it is verified", async () => /The log is whole: \d+ entries/.test(await an.says()));
  const csv = await an.page.evaluate(async () => (await fetch("/audit/export?format=csv")).text());
  assert.match(csv, /^seq,time,actor/);
  assert.match(csv, /confirmed with passkey/);
  assert.match(await khien.cli("audit", "verify"), /"entries"/);
});

test("who leaves is out at once", async () => {
  await an.go("/people");
  await an.page.click("[aria-label='Leave: mai']");
  await an.page.waitForSelector("form[data-confirm]");
  await an.page.click("form[data-confirm] .primary");
  await until("mai has left", async () => /mai may not enter any more\.$/m.test(await an.page.innerText(".told")));
  await mai.go("/queue");
  assert.match(await mai.says(), /Sign in/);
  await mai.page.click("[data-passkey]");
  await until("the passkey is refused", async () => /not known here/.test(await mai.says()));
});

test("nothing happened that should not", () => {
  for (const person of [an, mai, linh]) assert.deepEqual(person.accidents, [], person.name);
});
