// The five pictures that the stores are given (docs/store), in every language: the extension as it is, 1280 by 800.
//
//	node screens/store.mjs FOLDER

import { mkdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { screens, speak } from "../test/fixture/screens.mjs";
import { until } from "../test/fixture/until.mjs";
import { listed, World } from "../test/fixture/world.mjs";

const [folder] = process.argv.slice(2);
const size = { width: 1280, height: 800 };

/** What people write to each other in the picture of the chat. Names and accounts are invented. */
const chats = {
  en: { shop: "Second-hand market", seller: "Invented Seller", words: ["Is the bicycle still there?", "Yes! Two others want it, too. Send a deposit now and it is yours:", "Then I bring it tomorrow."] },
  vi: { shop: "Chợ đồ cũ", seller: "Người Bán Bịa Đặt", words: ["Chiếc xe đạp còn không?", "Còn! Có hai người nữa muốn mua. Chuyển cọc ngay là của bạn:", "Mai tôi mang qua."] },
  pl: { shop: "Rzeczy używane", seller: "Zmyślony Sprzedawca", words: ["Czy rower jest jeszcze do kupienia?", "Tak! Chcą go jeszcze dwie osoby. Proszę o zaliczkę, wtedy jest Pański:", "Jutro przywiozę."] },
};
const account = "Vietcombank 0011000000001";

const chat = ({ shop, seller, words: [question, answer, end] }) => `<!doctype html><meta charset="utf-8"><title>${shop}</title><style>
  body { margin: 0; background: #eef1f4; color: #1a2026; font: 18px/1.5 system-ui, "Noto Sans", sans-serif }
  header { padding: 18px 32px; background: #fff; border-bottom: 1px solid #d5dbe1; font-weight: 700 }
  main { display: grid; gap: 14px; max-width: 760px; margin: 28px auto; padding: 28px; background: #fff; border-radius: 16px }
  h1 { margin: 0 0 6px; font-size: 22px } p { margin: 0; padding: 10px 18px; border-radius: 18px; background: #e8ecf0; justify-self: start; max-width: 75% }
  .mine { justify-self: end; background: #1b66d1; color: #fff }
</style><header>${shop}</header><main><h1>${seller}</h1><p class="mine">${question}</p><p>${answer}</p><p id="account">${account}</p><p>${end}</p></main>`;

const offers = ({ shop }) => `<!doctype html><meta charset="utf-8"><title>${shop}</title><style>
  body { margin: 0; background: #fff7ef; font: 18px/1.5 system-ui, "Noto Sans", sans-serif } header { padding: 22px 40px; background: #e2572b; color: #fff; font-size: 26px; font-weight: 800 }
  main { display: grid; grid-template-columns: repeat(3, 250px); gap: 24px; padding: 36px 40px } article { padding: 16px; border-radius: 14px; background: #fff; box-shadow: 0 1px 6px #0002 }
  article div { height: 150px; margin-bottom: 12px; border-radius: 10px; background: linear-gradient(135deg, #ffd9c7, #ffeab8) } s { color: #888 } strong { color: #c33 }
</style><header>−90 % · −90 % · −90 %</header><main>${[40, 25, 90, 60, 35, 75].map((price) => `<article><div></div><s>${price}0.000 ₫</s> <strong>${price}.000 ₫</strong></article>`).join("")}</main>`;

const screen = (name) => screens.find((one) => one.name === name).open;

/** A picture of a screen of the fixtures. */
async function taken(browser, open) {
  const page = await open(browser);
  await page.setViewportSize(size);
  await page.bringToFront();
  const png = await page.screenshot();
  await page.close();
  return png;
}

async function answer(browser, web, words) {
  web.own.set("market.example/", { type: "text/html", body: chat(words) });
  const page = await browser.tab();
  await page.setViewportSize(size);
  await page.goto("https://market.example/");
  await page.evaluate(() => getSelection().selectAllChildren(document.getElementById("account")));
  const said = await browser.asks(page, { menuItemId: "selection", selectionText: account });
  await said.reads("answers", /20\d\d/);
  return under(page, await page.screenshot(), said);
}

/** A popup as it hangs under the toolbar, over a picture of the page that it is about. */
async function under(page, behind, popup) {
  const front = await popup.screenshot("light");
  await popup.close();
  await page.setContent(`<body style="margin:0; overflow:hidden; background:url(data:image/png;base64,${behind.toString("base64")})">
    <img src="data:image/png;base64,${front.toString("base64")}" style="position:absolute; top:8px; right:24px; max-height:784px; border-radius:12px; box-shadow:0 8px 40px #0006"></body>`);
  const png = await page.screenshot();
  await page.close();
  return png;
}

/** The popup under the toolbar, over the page that it is about. */
async function reported(browser, web, language, words) {
  web.own.set(`ninety-off.example/${language}`, { type: "text/html", body: offers(words) });
  const page = await browser.tab();
  await page.setViewportSize(size);
  await page.goto(`https://ninety-off.example/${language}`);
  const behind = await page.screenshot();
  const popup = await browser.popup(page);
  await popup.click("report");
  await until("it is sent", () => popup.shows("receipt"));
  await until("it is acknowledged", async () => /[0-9a-f]{8}/.test(await popup.text("receipt")), { within: 20_000 });
  return under(page, behind, popup);
}

await rm(folder, { recursive: true, force: true });
await mkdir(folder, { recursive: true });
const world = await World.make({ source: "Khiên", list: `${listed}bank:970436/0011000000001,shop,Takes deposits and is never heard of again.,Nhận tiền cọc rồi biến mất.\n` });
try {
  const browser = await world.chromium();
  for (const [language, words] of Object.entries(chats)) {
    await speak(browser, language);
    const pictures = [
      await taken(browser, screen("warning")),
      await taken(browser, screen("overlay")),
      await answer(browser, world.web, words),
      await reported(browser, world.web, language, words),
      await taken(browser, screen("late")),
    ];
    for (const [i, png] of pictures.entries()) await writeFile(path.join(folder, `${language}-${i + 1}.png`), png);
  }
} finally {
  await world.close();
}
console.log(`five pictures in each of ${Object.keys(chats).length} languages are in ${folder}`);
