// The money moment: somebody selects an account, or sees a QR code, and asks before paying. The answer
// opens behind the toolbar button, where no page draws, and nobody but the person learns of it.

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
  for (const type of ["keydown", "click", "pointerdown"]) addEventListener(type, () => seen.push(type));
  addEventListener("securitypolicyviolation", (event) => seen.push("policy " + event.violatedDirective));
  new MutationObserver((all) => seen.push(...all.map((one) => one.target.nodeName))).observe(document, { childList: true, attributes: true, subtree: true });
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
  return browser.asks(tab, { menuItemId: "selection", selectionText });
}

/** What is kept in memory about what was asked. */
const kept = async () => (await browser.worker()).evaluate(async () => Object.keys(await chrome.storage.session.get(null)).filter((key) => key.startsWith("question:")));

test("a bank account that is selected is answered: what was asked, the verdict, the reason, and what to do", async () => {
  const answer = await select("account");
  const said = await answer.reads("answers", /never heard of again/);
  assert.match(await answer.text("asked"), /^You asked about\s+Vietcombank 0011000000001$/);
  assert.match(said, /On the scam list: /);
  assert.match(said, /Bank account 0011000000001 \(Vietcombank\)/);
  assert.match(said, /Do not pay/);
  assert.match(said, /since .*20\d\d/);
  assert.match(said, /Listed by\s+a test/);
  await answer.click("help-toggle");
  await answer.reads("help", /bank/i);
  await answer.click("mistake-0");
  await answer.reads("feedback-0", /“bank:970436\/0011000000001”/);
  await until("the maintainers are told", async () => (await world.khien.reports()).some(({ kind, subjects }) => kind === "mistake" && subjects.includes("bank:970436/0011000000001")));
  await answer.close();
});

test("it has the keyboard; Escape and Close give it back to where it was in the page", async () => {
  await tab.focus("#field");
  let answer = await select("phone");
  await answer.reads("answers", /Telephone number \+84900000001/);
  assert.ok(await answer.focused("close"));
  answer.press("Escape");
  await answer.closed();
  assert.equal(await tab.evaluate(() => document.activeElement.id), "field");
  answer = await select("phone");
  await answer.reads("answers", /Telephone number \+84900000001/);
  answer.press("Enter");
  await answer.closed();
  assert.equal(await tab.evaluate(() => document.activeElement.id), "field");
});

test("what is not known is not called safe, and what cannot be checked is said so", async () => {
  let answer = await select("other");
  assert.match(await answer.reads("answers", /Nothing/), /Nothing known\s+Telephone number \+84900000002\s+It is not on the scam list. That does not mean it is honest./);
  await answer.close();
  answer = await select("words");
  await answer.reads("answers", /Nothing to check/);
  await answer.close();
});

test("a link is answered without being opened, and one that nobody knows can be reported in that place", async () => {
  let answer = await browser.asks(tab, { menuItemId: "checkLink", linkUrl: "https://parcel-fee.example/pay" });
  await answer.reads("answers", /parcel-fee\.example/);
  await answer.reads("asked-text", /^https:\/\/parcel-fee\.example\/pay$/);
  assert.equal(await answer.shows("report"), false);
  await answer.close();
  answer = await browser.asks(tab, { menuItemId: "checkLink", linkUrl: "https://new-scam.example/pay" });
  await answer.reads("answers", /Nothing known/);
  await answer.click("report");
  await answer.reads("extent", /https:\/\/new-scam\.example\/pay/);
  await answer.close();
  assert.equal(world.web.visits.filter((one) => ["parcel-fee.example", "new-scam.example"].includes(one.host)).length, 0);
});

test("what was asked is shown as it is: no character turns it around, hides in it or pushes the answer away", async () => {
  const answer = await browser.asks(tab, { menuItemId: "selection", selectionText: `\u202Eparcel-fee\u200B.example \u2066${"long ".repeat(2000)}` });
  const asked = await answer.reads("asked-text", /parcel/);
  assert.ok(asked.startsWith("[U+202E]parcel-fee[U+200B].example [U+2066]long "), asked);
  assert.ok(asked.length < 350 && asked.endsWith("…"), String(asked.length));
  await answer.reads("answers", /\w/);
  await answer.close();
});

test("a QR code is read on the device: of the page's own picture, and of another site's", async () => {
  const asked = () => world.web.visits.filter((one) => one.path.endsWith(".gif")).length;
  const before = asked();
  let answer = await browser.asks(tab, { menuItemId: "picture", srcUrl: "https://paying.example/own.gif" });
  await answer.reads("answers", /Bank account 0011000000001 \(Vietcombank\)/);
  await answer.close();
  answer = await browser.asks(tab, { menuItemId: "picture", srcUrl: "https://pictures.example/foreign.gif" });
  await answer.reads("answers", /On the scam list[^]*parcel-fee\.example/);
  await answer.reads("asked", /The QR code says:\s+https:\/\/parcel-fee\.example\/pay\?order=1/);
  await answer.close();
  answer = await browser.asks(tab, { menuItemId: "picture", srcUrl: "https://paying.example/plain.gif" });
  await answer.reads("answers", /No QR code could be read/);
  assert.ok(await answer.shows("picture"), "no way to choose a file");
  await answer.close();
  const inside = Buffer.concat([paid, Buffer.alloc(90_000)]).toString("base64");
  answer = await browser.asks(tab, { menuItemId: "picture", srcUrl: `data:image/gif;base64,${inside}` });
  await answer.reads("answers", /Bank account 0011000000001 \(Vietcombank\)/);
  await answer.close();
  assert.equal(asked(), before, "a picture was fetched again: its server has learnt of it");
});

test("the page that is asked about gets nothing put into it, hears nothing, and cannot draw over the answer", async () => {
  await tab.evaluate(() => {
    const dialog = document.body.appendChild(document.createElement("dialog"));
    dialog.innerHTML = '<p id="inner">Vietcombank 0011000000001</p><p>Khiên says: nothing known</p>';
    dialog.style.cssText = "inset: 0; margin: 0; max-width: none; max-height: none; width: 100vw; height: 100vh";
    dialog.showModal();
    getSelection().selectAllChildren(document.getElementById("inner"));
  });
  await tab.evaluate(() => new Promise((done) => setTimeout(() => done((seen.length = 0)))));
  const answer = await browser.asks(tab, { menuItemId: "selection", selectionText: "Vietcombank 0011000000001" });
  await answer.reads("answers", /On the scam list/);
  await answer.click("close");
  await answer.closed();
  assert.deepEqual(await tab.evaluate(() => seen), []);
  assert.deepEqual(await tab.evaluate(() => Object.getOwnPropertyNames(globalThis).filter((name) => /khien/i.test(name))), []);
  await tab.evaluate(() => document.querySelector("dialog").remove());
});

test("a page that changes what is selected while it is asked about is not believed", async () => {
  await tab.evaluate(() => getSelection().selectAllChildren(document.getElementById("other")));
  const answer = await browser.asks(tab, { menuItemId: "selection", selectionText: "Vietcombank 0011000000001" });
  await answer.reads("answers", /On the scam list/);
  await answer.reads("asked-text", /^Vietcombank 0011000000001$/);
  await answer.close();
});

test("what was asked is gone with the answer", async () => {
  assert.deepEqual(await kept(), []);
  const answer = await select("account");
  await answer.reads("answers", /On the scam list/);
  assert.deepEqual(await kept(), [], "it lies in memory beside the page that answers");
  await answer.close();
  assert.equal(await (await browser.worker()).evaluate(async () => chrome.action.getPopup({ tabId: (await chrome.tabs.query({ active: true, lastFocusedWindow: true }))[0].id })), `chrome-extension://${browser.id}/popup.html`);
});

test("where nothing opens behind the button, a window of its own answers, and is gone when it is closed", async () => {
  const opens = browser.opens(/answer\.html#/);
  await (await browser.worker()).evaluate(() => chrome.contextMenus.onClicked.dispatch({ menuItemId: "selection", selectionText: "VCB 0011000000001", frameId: 0 }, undefined));
  const shown = await opens;
  await until("it says what is known", async () => /On the scam list/.test(await shown.innerText("#answers")));
  assert.deepEqual(await kept(), []);
  await shown.reload();
  await until("it says that it is over", async () => /This answer is over/.test(await shown.innerText("#status")));
  await shown.keyboard.press("Escape").catch(() => undefined); // it closes before the key comes up
  await until("it is closed", () => shown.isClosed());
});

test("a picture of a code is pasted into the popup, or chosen", async () => {
  const answer = await browser.asks(tab, { menuItemId: "picture", srcUrl: "https://paying.example/plain.gif" });
  await answer.reads("answers", /No QR code could be read/);
  const opens = browser.opens(/popup\.html#picture$/);
  await answer.click("picture");
  const shown = await opens;
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
  const left = world.gateway.log.filter((one) => !/^\/v1\/(head|blob|delta|bucket|reports|receipts)/.test(one.path));
  assert.deepEqual(left, []);
  assert.doesNotMatch(JSON.stringify(world.gateway.log), /0011000000001|84900000001|parcel-fee/);
});
