// A person asks before paying: about a number, an account, a link; and about a page that looks like another.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { until } from "./fixture/until.mjs";
import { World } from "./fixture/world.mjs";

const list = `url,category,reason_en,reason_vi
parcel-fee.example,phishing,Asks for a card number.,Đòi số thẻ.
phone:+84900000001,impersonation,Pretends to be a bank.,Giả danh ngân hàng.
bank:970436/0011000000001,investment,Takes deposits.,Nhận tiền cọc.
https://t.me/invented_recovery,recovery,Promises to bring back lost money.,Hứa lấy lại tiền.
`;

let world, browser, tab;

before(async () => {
  world = await World.make({ format: "csv", list });
  browser = await world.chromium();
  tab = await browser.tab();
  await tab.goto("https://honest.example/");
});
after(() => world?.close());

/** What the popup says of a text that is typed into it. */
async function ask(text) {
  const popup = await browser.popup(tab);
  await popup.type("text", text);
  await popup.click("ask");
  const said = await until("the popup answers", async () => (await popup.text("known")) || undefined);
  await popup.close();
  return said;
}

test("a number, an account, a wallet and a link that are listed are said to be so", async () => {
  assert.match(await ask("Gọi 0900.000.001 ngay"), /Telephone number \+84900000001\s+On the scam list/);
  assert.match(await ask("Vietcombank 0011 0000 00001"), /Bank account 0011000000001 \(Vietcombank\)\s+On the scam list/);
  assert.match(await ask("t.me/s/Invented_Recovery"), /Telegram account invented_recovery\s+On the scam list/);
  assert.match(await ask("http://parcel-fee.example/pay?x=1"), /parcel-fee\.example\s+On the scam list/);
  assert.match(await ask("https://l.facebook.com/l.php?u=https%3A%2F%2Fparcel-fee.example%2F"), /parcel-fee\.example\s+On the scam list/);
});

test("an account belongs to the bank in its line, and what is no account is none", async () => {
  const said = await ask("- Techcombank, stk: 19030000000011\n- Vietcombank, stk: 0011000000001\nND: 123456");
  assert.match(said, /Bank account 0011000000001 \(Vietcombank\)\s+On the scam list/);
  assert.match(said, /Bank account 19030000000011 \(Techcombank\)\s+Nothing known/);
  assert.doesNotMatch(said, /123456/);
  assert.match(await ask("PL61 1090 1014 0000 0712 1981 2874"), /Bank account PL61 1090 1014 0000 0712 1981 2874 .*\s+Nothing known/);
  assert.match(await ask("Telegram: @invented_recovery"), /Telegram account invented_recovery\s+On the scam list/);
});

test("a text that is too long is said to be so", async () => {
  assert.match(await ask("a ".repeat(40_000)), /too long/);
});

test("others are not known, and nobody is told that they are safe", async () => {
  const said = await ask("0900 000 002, Techcombank 19030000000011, scam-free.example");
  assert.equal(said.match(/Nothing known\. That does not mean it is honest\./g)?.length, 3);
  assert.doesNotMatch(said, /scam list/);
  assert.match(await ask("hello"), /nothing in it that can be checked/i);
});

test("a page that looks like another is a reason for caution, and its real one is named", async () => {
  assert.match(await ask("vietcombank-login.example"), /looks like Vietcombank\. The real one is at vietcombank\.com\.vn/);
  const fake = await browser.tab();
  await fake.goto("https://faceb00k.example/");
  const popup = await browser.popup(fake);
  assert.equal(await popup.property("state", "className"), "caution");
  assert.match(await popup.text("meaning"), /looks like Facebook\. The real one is at facebook\.com/);
  await popup.close();
  assert.equal(fake.url(), "https://faceb00k.example/", "caution never blocks");
  await fake.goto("https://www.vietcombank.com.vn/");
  const real = await browser.popup(fake);
  assert.equal(await real.property("state", "className"), "unlisted");
  assert.equal(await real.text("owner"), "✓ The official address of Vietcombank");
  await real.close();
  await fake.close();
});

test("nothing of what was asked has left the browser", () => {
  const left = world.gateway.log.map((one) => JSON.stringify(one)).join("\n");
  assert.doesNotMatch(left, /0900|0011|19030|recovery|faceb00k|vietcombank/i);
});
