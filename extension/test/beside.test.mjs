// The money moment: somebody selects an account, or sees a QR code, and asks before paying. The answer
// stands beside it, on any page, and nobody but the person learns of it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import encodeQR from "qr";
import { until } from "./fixture/until.mjs";
import { World } from "./fixture/world.mjs";

const list = `url,category,reason_en,reason_vi
parcel-fee.example,phishing,Asks for a card number.,Đòi số thẻ.
phone:+84900000001,impersonation,Pretends to be a bank.,Giả danh ngân hàng.
bank:970436/0011000000001,investment,Takes deposits and is never heard of again.,Nhận tiền cọc rồi biến mất.
`;

/** A payment code as banks of Vietnam print it (VietQR), for an account at a bank. */
function vietQR(bin, account) {
  const field = (id, value) => id + String(value.length).padStart(2, "0") + value;
  const merchant = field("00", "A000000727") + field("01", field("00", bin) + field("01", account)) + field("02", "QRIBFTTA");
  const body = "000201010211" + field("38", merchant) + "53037045802VN6304";
  let crc = 0xffff;
  for (const c of Buffer.from(body)) {
    crc ^= c << 8;
    for (let i = 0; i < 8; i++) crc = crc & 0x8000 ? ((crc << 1) ^ 0x1021) & 0xffff : (crc << 1) & 0xffff;
  }
  return body + crc.toString(16).toUpperCase().padStart(4, "0");
}

const picture = (text) => Buffer.from(encodeQR(text, "gif", { scale: 5 }));
const paid = picture(vietQR("970436", "0011000000001"));

/** A shop whose policy forbids every style, script and picture but its own, and whose scripts are curious. */
const page = `<!doctype html><meta charset="utf-8"><title>A small shop</title><script src="/curious.js"></script>
<h1>Pay here</h1><p>Chuyển khoản: <span id="account">Vietcombank 0011000000001</span>, then wait.</p>
<p>Or call <span id="phone">0900.000.001</span> or <span id="other">0900 000 002</span>. <a id="link" href="https://parcel-fee.example/pay">Track your parcel</a></p>
<p id="words">Only words</p><input id="field" value="VCB 0011000000001">
<p><img id="own" src="/own.gif" width="220"> <img id="foreign" src="https://pictures.example/foreign.gif" width="220"> <img id="plain" src="/plain.gif" width="60"></p>
<div style="height:3000px"></div>`;

const curious = `
  globalThis.seen = [];
  for (const type of ["keydown", "click", "pointerdown"]) addEventListener(type, (event) => { if (event.target.localName === "khien-aside") seen.push(type); });
  addEventListener("securitypolicyviolation", (event) => seen.push("policy " + event.violatedDirective));
`;

const policy = "default-src 'none'; script-src 'self'; img-src 'self' https://pictures.example; style-src-attr 'unsafe-inline'";

let world, browser, tab;

before(async () => {
  world = await World.make({ list });
  const { own } = world.web;
  own.set("paying.example/", { type: "text/html", body: page, headers: { "Content-Security-Policy": policy } });
  own.set("paying.example/curious.js", { type: "text/javascript", body: curious });
  own.set("paying.example/own.gif", { type: "image/gif", body: paid });
  own.set("paying.example/plain.gif", { type: "image/gif", body: Buffer.from("R0lGODlhAQABAIAAAAUEBAAAACwAAAAAAQABAAACAkQBADs=", "base64") });
  own.set("pictures.example/foreign.gif", { type: "image/gif", body: picture("https://parcel-fee.example/pay?order=1") });
  browser = await world.chromium();
  tab = await browser.tab();
  await tab.goto("https://paying.example/");
});
after(() => world?.close());

/** Selects an element and asks about it. */
async function select(id) {
  const selectionText = await tab.evaluate((id) => {
    getSelection().selectAllChildren(document.getElementById(id));
    return getSelection().toString();
  }, id);
  await browser.choose(tab, { menuItemId: "selection", selectionText });
  return browser.aside(tab);
}

const gone = () => until("the answer is gone", async () => (await tab.locator("khien-aside").count()) === 0);

test("a bank account that is selected is answered beside it, with the reason and what to do", async () => {
  const aside = await select("account");
  const said = await aside.reads("answers", /never heard of again/);
  assert.match(said, /On the scam list: /);
  assert.match(said, /Bank account 0011000000001 \(Vietcombank\)/);
  assert.match(said, /Do not pay/);
  assert.match(said, /since .*20\d\d/);
  assert.match(said, /Listed by: a test/);
  const box = await aside.box("answers");
  const { bottom, left } = await tab.evaluate(() => document.getElementById("account").getBoundingClientRect().toJSON());
  assert.ok(box.top >= bottom && box.top < bottom + 90, `the answer begins at ${box.top}, the account ends at ${bottom}`);
  assert.ok(Math.abs(box.left - left) < 40);
});

test("it has the keyboard and a name, and Escape gives the keyboard back", async () => {
  const root = await browser.accessible(tab);
  const dialog = root.find((node) => node.role?.value === "dialog");
  assert.equal(dialog?.name.value, "Khiên says");
  assert.ok(dialog.properties.some(({ name, value }) => name === "focused" && value.value), "the dialog has no focus");
  await tab.keyboard.press("Tab");
  await tab.keyboard.press("Escape");
  await gone();
  await tab.focus("#field");
  const aside = await select("phone");
  await aside.reads("answers", /Telephone number \+84900000001/);
  await tab.keyboard.press("Tab");
  assert.ok(await aside.focused("close"));
  await tab.keyboard.press("Enter");
  await gone();
  assert.equal(await tab.evaluate(() => document.activeElement.id), "field");
});

test("what is not known is not called safe, and what cannot be checked is said so", async () => {
  const aside = await select("other");
  assert.match(await aside.text("answers"), /Nothing known\s+Telephone number \+84900000002\s+It is not on the scam list. That does not mean it is honest./);
  await (await select("words")).reads("answers", /Nothing to check/);
  await tab.mouse.click(600, 20);
  await gone();
});

test("a link is answered without being opened", async () => {
  await browser.choose(tab, { menuItemId: "checkLink", linkUrl: "https://parcel-fee.example/pay" });
  await (await browser.aside(tab)).reads("answers", /parcel-fee\.example/);
  assert.equal(world.web.visits.filter((one) => one.host === "parcel-fee.example").length, 0);
});

test("a QR code is read on the device: of the page's own picture, and of another site's", async () => {
  const asked = () => world.web.visits.filter((one) => one.path.endsWith(".gif")).length;
  const before = asked();
  await browser.choose(tab, { menuItemId: "picture", srcUrl: "https://paying.example/own.gif" });
  await (await browser.aside(tab)).reads("answers", /Bank account 0011000000001 \(Vietcombank\)/);
  await browser.choose(tab, { menuItemId: "picture", srcUrl: "https://pictures.example/foreign.gif" });
  const aside = await browser.aside(tab);
  await aside.reads("answers", /On the scam list[^]*parcel-fee\.example/);
  assert.match(await aside.text("read"), /The QR code says: https:\/\/parcel-fee\.example\/pay\?order=1/);
  await browser.choose(tab, { menuItemId: "picture", srcUrl: "https://paying.example/plain.gif" });
  await (await browser.aside(tab)).reads("answers", /No QR code could be read/);
  assert.equal(asked(), before, "a picture was fetched again: its server has learnt of it");
});

test("a page that takes the answer away does not get rid of it, and learns nothing from it", async () => {
  const aside = await select("account");
  await tab.evaluate(() => {
    const host = document.querySelector("khien-aside");
    host.style.display = "none";
    host.remove();
  });
  await until("the answer is back", () => aside.shows("answers"));
  assert.equal(await tab.evaluate(() => document.querySelector("khien-aside").shadowRoot), null);
  await aside.click("close");
  await gone();
  assert.deepEqual(await tab.evaluate(() => seen), []);
  assert.equal(await tab.evaluate(() => "khienAside" in globalThis), false);
});

test("a dialog of the page that leaves nothing else to be used holds the answer too", async () => {
  await tab.evaluate(() => {
    const dialog = document.body.appendChild(document.createElement("dialog"));
    dialog.innerHTML = '<p id="inner">Vietcombank 0011000000001</p>';
    dialog.showModal();
  });
  const aside = await select("inner");
  await aside.reads("answers", /Fake shop|On the scam list/);
  assert.equal(await tab.evaluate(() => document.activeElement.localName), "khien-aside");
  await aside.click("close");
  await gone();
  await tab.evaluate(() => document.querySelector("dialog").remove());
});

test("a window that is as narrow as a telephone holds the answer", async () => {
  await tab.setViewportSize({ width: 360, height: 640 });
  const aside = await select("account");
  const box = await aside.box("answers");
  assert.ok(box.left >= 0 && box.right <= 360, JSON.stringify(box));
  await tab.keyboard.press("Escape");
  await gone();
  await tab.setViewportSize({ width: 1000, height: 760 });
});

test("where nothing can be put into the page, a window of its own answers", async () => {
  const before = new Set(browser.tabs());
  await (await browser.worker()).evaluate(() => chrome.contextMenus.onClicked.dispatch({ menuItemId: "selection", selectionText: "VCB 0011000000001", frameId: 0 }, undefined));
  const shown = await until("a window opens", () => browser.tabs().find((one) => !before.has(one) && one.url().includes("popup.html#")));
  await until("it says what is known", async () => /On the scam list/.test(await shown.innerText("#known")));
  await shown.close();
});

test("a picture of a code is pasted into the popup, or chosen", async () => {
  await (await browser.worker()).evaluate(() => chrome.contextMenus.onClicked.dispatch({ menuItemId: "picture", srcUrl: "https://paying.example/own.gif", frameId: 0 }, undefined));
  const shown = await until("a window opens", () => browser.tabs().find((one) => one.url().endsWith("popup.html#picture")));
  await until("it says what to do", async () => /Paste it here/.test(await shown.innerText("#picture-status")));
  await shown.evaluate((bytes) => {
    const data = new DataTransfer();
    data.items.add(new File([Uint8Array.from(bytes)], "code.gif", { type: "image/gif" }));
    document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
  }, [...paid]);
  await until("it says what is known", async () => /Bank account 0011000000001 \(Vietcombank\)\s+On the scam list/.test(await shown.innerText("#known")));
  await shown.setInputFiles("#picture-file", { name: "code.gif", mimeType: "image/gif", buffer: picture("0900000002") });
  await until("it says what is known", async () => /\+84900000002\s+Nothing known/.test(await shown.innerText("#known")));
  await shown.setInputFiles("#picture-file", { name: "cat.gif", mimeType: "image/gif", buffer: Buffer.from("not a picture") });
  await until("it says that it cannot read it", async () => /No QR code could be read/.test(await shown.innerText("#picture-status")));
  await shown.close();
});

test("nothing of what was asked has left the browser, but for the bucket of what is listed", () => {
  const left = world.gateway.log.filter((one) => !/^\/v1\/(head|blob|delta|bucket)/.test(one.path));
  assert.deepEqual(left, []);
  assert.doesNotMatch(JSON.stringify(world.gateway.log), /0011000000001|84900000001|parcel-fee/);
});
