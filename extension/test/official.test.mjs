// Who is real, and who only looks like it, as people see it: a caution with the address of the real one, a quiet tick
// on the real one, and never a page held back.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { until } from "./fixture/until.mjs";
import { World } from "./fixture/world.mjs";

const book = `
sangchebank.example sangchebank.vn | Sángchế Bank; Ngân hàng Sáng chế | facebook:user/sangchebank youtube:channel/UCsangchebanksangcheban1 telegram:user/sangche_bank+ | VN
parcels-of-inventions.example | Parcels of Inventions | x:user/inventedparcels+
| An Invented Singer | facebook:user/inventedsinger tiktok:user/invented.singer |
`;

let world, browser, tab, inside;

before(async () => {
  world = await World.make();
  const file = path.join(world.khien.dir, "inventions.txt");
  await writeFile(file, book);
  await world.khien.cli("official", "import", file);
  await world.khien.publish();
  browser = await world.chromium();
  tab = await browser.tab();
  inside = await browser.inside();
  await until("the extension has the names", async () => {
    const { ok } = await inside.evaluate(() => chrome.runtime.sendMessage({ ask: "popup.refresh", body: null }));
    return ok.error === "" && ok.sequence > 1;
  });
});
after(() => world?.close());

const escaped = (text) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);

/** What the popup says of an address whose page has a title; and that nothing else happened. */
async function said(address, title, more = "") {
  const { host, pathname } = new URL(address);
  world.web.own.set(host + pathname, { type: "text/html; charset=utf-8", body: `<!doctype html><title>${escaped(title)}</title>${more}<p>The page itself` });
  await tab.goto(address);
  const popup = await browser.popup(tab);
  const answer = { state: await popup.property("state", "className"), verdict: await popup.text("verdict"), meaning: await popup.text("meaning"), owner: await popup.text("owner") };
  await popup.close();
  assert.equal(tab.url(), new URL(address).href, "the page was held back");
  assert.equal(await tab.innerText("p"), "The page itself");
  assert.equal(await tab.locator("khien-overlay").count(), 0);
  return { ...answer, badge: await browser.badge(tab) };
}

const cautions = async (address, title, real, more) => {
  const { state, meaning, owner, badge } = await said(address, title, more);
  assert.deepEqual([state, owner, meaning.includes(real), badge], ["caution", "", true, "?!"], `${address} "${title}": ${meaning}`);
};
const ticks = async (address, title, name, more) => {
  const { state, owner, badge } = await said(address, title, more);
  assert.deepEqual([state, owner, badge], ["unlisted", `✓ The official address of ${name}`, ""], `${address} "${title}"`);
};
const silent = async (address, title, more) => {
  const { state, owner, badge } = await said(address, title, more);
  assert.deepEqual([state, owner, badge], ["unlisted", "", ""], `${address} "${title}"`);
};

const facebook = "https://www.facebook.com/";

test("an account that takes a name is met with caution, however the name is written", async () => {
  for (const title of [
    "Sangche Bank | Facebook", // without its marks
    "Sángchế Banк | Facebook", // a Cyrillic letter
    "(3) Sángchế Bank CSKH 24h | Facebook",
    "Ｓａｎｇｃｈｅ Ｂａｎｋ | Facebook",
    "Sáng\u200bchế Bank | Facebook",
    "🅢🅐🅝🅖🅒🅗🅔 Bank",
    "NGÂN HÀNG TMCP SÁNG CHẾ",
  ]) {
    await cautions(`${facebook}an.invented.name`, title, "www.facebook.com/sangchebank");
  }
  await cautions("https://www.tiktok.com/@an.invented.name", "Sangche Bank tặng quà (@an.invented.name) | TikTok", "www.facebook.com/sangchebank");
  await cautions("https://t.me/invented_help", "Telegram: Contact @sangchebank_hotro", "t.me/sangche_bank");
  await cautions("https://t.me/invented_team", "Telegram: Contact @invented_team", "t.me/sangche_bank", `<meta property="og:title" content="Sángchế Bank CSKH">`);
  await cautions("https://x.com/parcels_refund", "Parcels of Inventions – refund (@parcels_refund) / X", "x.com/inventedparcels");
  await cautions(`${facebook}an.invented.name`, "An Invented Singer Official", "www.facebook.com/inventedsinger");
  await cautions(`${facebook}sangchebank.hotro`, "Hỗ trợ khách hàng 24/7", "www.facebook.com/sangchebank"); // by its address alone
});

test("who only speaks about them, has their name too, or may be theirs, is left alone", async () => {
  for (const title of ["Sángchế Bank Chi nhánh Hà Nội", "I work at Sángchế Bank", "Khách hàng của Sángchế Bank", "Sángchế"]) await silent(`${facebook}an.invented.name`, title);
  await silent("https://x.com/parcelsvn", "Parcels of Inventions (@parcelsvn) / X");
  await silent("https://t.me/sangche_bank_vn", "Sángchế Bank");
  await silent("https://t.me/invented_team", "Telegram: Contact @invented_team", `<meta property="og:title" content="Customers of Sángchế Bank">`);
  await silent("https://news.example/singer", "An Invented Singer");
});

test("a website of another host is met with caution", async () => {
  const real = "sangchebank.example";
  for (const [address, title] of [
    ["https://sangchebank.top/", ""],
    ["https://sangchebank.example.login.example/", ""],
    ["https://sangchebank-hotro.example/", ""],
    ["https://xn--sngchebank-s4a.example/", ""], // with á
    ["https://xn--sangcheban-eui.example/", ""], // with к
    ["https://sangchebamk.example/", ""],
    ["https://lucky.example/", "Sángchế Bank – Đăng nhập"],
    ["https://lucky.example/", "ＳＡＮＧＣＨＥ ＢＡＮＫ"],
  ]) {
    await cautions(address, title, real);
  }
  await cautions("https://lucky.example/", "An Invented Singer giveaway", "www.facebook.com/inventedsinger");
});

test("the real one has a tick under each of its addresses", async () => {
  for (const address of ["https://sangchebank.example/", "https://www.sangchebank.example/cards/new?a=b", "https://sangchebank.vn/", "https://www.sangchebank.vn/vi/dang-nhap"]) {
    await ticks(address, "Sángchế Bank", "Sángchế Bank");
  }
  await silent("https://files.sangchebank.example/", "Sángchế Bank"); // may be anybody's
  for (const address of [`${facebook}sangchebank`, `${facebook}Sangche.Bank/photos`, "https://m.facebook.com/sangchebank?v=info"]) {
    await ticks(address, "Sángchế Bank | Facebook", "Sángchế Bank");
  }
  await ticks("https://www.youtube.com/channel/UCsangchebanksangcheban1", "Sángchế Bank - YouTube", "Sángchế Bank");
  await ticks("https://www.tiktok.com/@invented.singer", "An Invented Singer (@invented.singer) | TikTok", "An Invented Singer");
});

test("the real one under a name that the book does not have, by what the platform says in the page", async () => {
  const numbered = `${facebook}profile.php?id=900000000000055`;
  const data = (value) => `<script type="application/json">${JSON.stringify(value)}</script>`;
  const is = (vanity) => data({ props: { userVanity: vanity, userID: "900000000000055" } });
  await ticks(numbered, "Sángchế Bank | Facebook", "Sángchế Bank", is("SangcheBank"));
  const channel = { metadata: { channelMetadataRenderer: { externalId: "UCsangchebanksangcheban1", vanityChannelUrl: "http://www.youtube.com/@sangche" } } };
  await ticks("https://www.youtube.com/@sangche", "Sángchế Bank - YouTube", "Sángchế Bank", `<script>var ytInitialData = ${JSON.stringify(channel)};</script>`);

  // What a person writes there does not count, nor whom the page only mentions.
  await cautions(numbered, "Sángchế Bank | Facebook", "www.facebook.com/sangchebank");
  for (const attack of [
    data({ post: JSON.stringify({ userVanity: "SangcheBank", userID: "900000000000055" }) }),
    data({ props: { userVanity: "SangcheBank", userID: "900000000000056" } }),
    `<i hidden>{"userVanity":"SangcheBank","userID":"900000000000055"}</i>`,
  ]) {
    const { state, owner } = await said(numbered, "Sángchế Bank | Facebook", attack);
    assert.deepEqual([state, owner], ["caution", ""], attack);
  }
});

test("in each language, and never as a promise", async () => {
  const words = {
    en: [/^It looks like Sángchế Bank\. The real one is at www\.facebook\.com\/sangchebank\./, "✓ The official address of Sángchế Bank"],
    vi: [/^Trông giống Sángchế Bank\. Địa chỉ thật là www\.facebook\.com\/sangchebank\./, "✓ Địa chỉ chính thức của Sángchế Bank"],
    pl: [/^Wygląda jak Sángchế Bank\. Prawdziwy adres to www\.facebook\.com\/sangchebank\./, "✓ Oficjalny adres: Sángchế Bank"],
  };
  for (const [language, [meaning, owner]] of Object.entries(words)) {
    await inside.evaluate((language) => {
      localStorage.clear(); // as in the options: the next page is drawn with the words that the last one kept
      return chrome.storage.local.set({ settings: { language } });
    }, language);
    const other = await said(`${facebook}an.invented.name`, "Sángchế Bank CSKH 24h");
    const real = await said(`${facebook}sangchebank`, "Sángchế Bank");
    assert.match(other.meaning, meaning);
    assert.deepEqual([other.state, other.owner, real.state, real.owner], ["caution", "", "unlisted", owner]);
    assert.doesNotMatch(Object.values({ ...other }).join(" ") + Object.values(real).join(" "), /\bsafe\b|an toàn|bezpieczn/i);
  }
});

test("an address that takes a name is marked on the toolbar before anybody asks", async () => {
  const address = "https://sangchebank-hotro.example/";
  world.web.own.set(new URL(address).host + "/", { type: "text/html; charset=utf-8", body: "<!doctype html><title>Welcome</title><p>The page itself" });
  await tab.goto(address);
  await until("the toolbar says so", async () => (await browser.badge(tab)) === "?!");
  await tab.goto("https://honest-shop.example/");
  await until("and no more of another page", async () => (await browser.badge(tab)) === "");
});
