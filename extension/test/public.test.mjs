// The public pages as people meet them: no script, no cookie, nothing from elsewhere; no barrier, on a phone too, in
// both languages, by day and by night. With UPDATE_PICTURES=1 the pictures of docs/pictures/ are taken anew.

import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";
import { Khien, top } from "./fixture/khien.mjs";
import { languages } from "./fixture/languages.mjs";

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const pictured = ["statistics", "entry", "appeal", "rules"];
const pictures = path.join(top, "docs/pictures");

let khien, browser, origin;

before(async () => {
  khien = await Khien.make();
  await khien.list("csv", [
    "url,category,reason_en,reason_vi",
    'http://shop.example/,shop,"took deposits, sent nothing",nhận cọc rồi không giao hàng',
    "https://www.facebook.com/invented.shop,shop,,",
    "https://www.tiktok.com/@an.invented.name,prize,,",
    "http://bank.example/login,phishing,,",
    "http://gone.example/,job,,",
  ].join("\n"));
  await khien.publish();
  await khien.cli("withdraw", "gone.example/", "--reason", "sold to an honest owner", "--reason-vi", "đã bán cho chủ thật");
  await khien.cli("takedown", "state", "1", "sent");
  await khien.publish();
  await khien.start();
  origin = `http://127.0.0.1:${khien.port}`;
  browser = await chromium.launch({ executablePath, headless: true, args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"] });
});

after(async () => {
  await browser?.close();
  await khien?.close();
});

/** Somebody with a browser of their own, and what should never happen in it. */
async function visitor({ language = "en", scheme = "light", script = true, width = 1000 } = {}) {
  const context = await browser.newContext({ locale: language, colorScheme: scheme, javaScriptEnabled: script, viewport: { width, height: 760 } });
  const page = await context.newPage();
  const accidents = [];
  page.on("console", (message) => {
    if (message.type() === "error" && !/status of 4\d\d/.test(message.text())) accidents.push(message.text());
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(origin)) accidents.push(`asked for ${request.url()}`);
  });
  return { context, page, accidents, close: () => context.close() };
}

/** Each page, and how somebody comes to it. */
const pages = [
  { name: "statistics", open: (page, l) => page.goto(`${origin}/statistics?lang=${l}`) },
  {
    name: "statistics-tables",
    async open(page, l) {
      await page.goto(`${origin}/statistics?lang=${l}`);
      for (const table of await page.locator("summary").all()) await table.click();
    },
  },
  { name: "rules", open: (page, l) => page.goto(`${origin}/rules?lang=${l}`) },
  { name: "register", open: (page, l) => page.goto(`${origin}/register?lang=${l}`) },
  { name: "entry", open: (page, l) => look(page, l, "https://pay.shop.example/x") },
  { name: "entry-account", open: (page, l) => look(page, l, "https://m.facebook.com/Invented.Shop") },
  { name: "entry-withdrawn", open: (page, l) => look(page, l, "gone.example") },
  { name: "entry-none", open: (page, l) => look(page, l, "honest.example") },
  { name: "entry-unread", open: (page, l) => look(page, l, "what is this") },
  { name: "appeal", open: (page, l) => page.goto(`${origin}/appeal?lang=${l}`) },
  { name: "appeal-refused", open: (page, l) => object(page, l, "honest.example", "It is mine.") },
  { name: "sent", open: (page, l) => object(page, l, "shop.example", "It is mine.") },
  {
    name: "receipt-none",
    async open(page, l) {
      await page.goto(`${origin}/appeal?lang=${l}`);
      await page.fill("#number", "0".repeat(32));
      await page.locator("form", { has: page.locator("#number") }).locator("button").click();
    },
  },
];

async function look(page, language, about) {
  await page.goto(`${origin}/register?lang=${language}`);
  await page.fill("#about", about);
  await page.click("main button");
}

async function object(page, language, about, note) {
  await page.goto(`${origin}/appeal?lang=${language}`);
  await page.fill("#about", about);
  await page.fill("#note", note);
  await page.locator("form", { has: page.locator("#note") }).locator("button").click();
}

for (const language of languages("public.txt")) {
  for (const scheme of ["light", "dark"]) {
    // Colours hang on the scheme and widths on the words: two of the four look at all pages, the others at the fullest.
    const all = (language === "en") === (scheme === "light");
    test(`${all ? "every page" : "the fullest pages"} in ${language}, ${scheme}: axe finds nothing, a phone is wide enough, nothing runs and nothing is kept`, async () => {
      const one = await visitor({ language, scheme });
      for (const { name, open } of all ? pages : pages.filter(({ name }) => pictured.includes(name))) {
        const where = `${name} in ${language}, ${scheme}`;
        await open(one.page, language);
        await one.page.evaluate(axe);
        const { violations } = await one.page.evaluate(() =>
          window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }),
        );
        assert.deepEqual(violations.map((v) => `${v.id}: ${v.help}: ${v.nodes.map((n) => n.html).join(" ")}`), [], where);
        assert.equal(await one.page.locator("html").getAttribute("lang"), language, where);
        assert.equal(await one.page.locator("script, [style]").count(), 0, where);
        assert.doesNotMatch(await one.page.innerText("body"), /⟦|%!/, where);
        if (process.env.UPDATE_PICTURES && pictured.includes(name)) {
          await mkdir(pictures, { recursive: true });
          await writeFile(path.join(pictures, `public-${name}-${language}-${scheme}.png`), await one.page.screenshot());
        }
        await one.page.setViewportSize({ width: 360, height: 740 });
        assert.equal(await one.page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth), false, `${where}: wider than a phone`);
        await one.page.setViewportSize({ width: 1000, height: 760 });
        assert.doesNotMatch(one.page.url(), /shop|honest|gone/, `${where}: the question stands in the address`);
      }
      assert.deepEqual(await one.context.cookies(), []);
      assert.deepEqual(one.accidents, []);
      await one.close();
    });
  }
}

test("an objection to its end, without JavaScript and by keyboard alone", async () => {
  const one = await visitor({ script: false });
  const { page } = one;
  await page.goto(`${origin}/?lang=en`);
  await page.getByRole("link", { name: "Report a mistake" }).click();
  await page.focus("#about");
  await page.keyboard.type("https://www.tiktok.com/@an.invented.name");
  await page.keyboard.press("Tab");
  await page.keyboard.type("The account was stolen and is back with its owner.");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".number");
  const number = await page.locator(".number code").innerText();
  assert.match(number, /^[0-9a-f]{4}( [0-9a-f]{4}){7}$/);
  // Loaded anew, the same form is sent again, and is the same objection.
  await page.reload();
  assert.equal(await page.locator(".number code").innerText(), number);
  const waiting = (await khien.reports()).filter((report) => report.kind === "mistake" && report.subject.startsWith("tiktok:"));
  assert.equal(waiting.length, 1);

  await khien.cli("reports", "accept", waiting[0].id, "--reason", "back with its owner");
  await khien.publish();
  await page.goto(`${origin}/appeal?lang=en`);
  await page.fill("#number", number);
  await page.keyboard.press("Enter");
  await page.waitForURL(/receipt/);
  assert.match(await page.innerText("main"), /You were right: it is taken off the list\.[^]*back with its owner/);
  await look(page, "en", "https://www.tiktok.com/@an.invented.name");
  assert.match(await page.innerText("main"), /Taken off the list[^]*back with its owner/);
  assert.deepEqual(one.accidents, []);
  await one.close();
});

test("another site cannot have its visitor object", async () => {
  const one = await visitor();
  await one.page.route("http://elsewhere.test/", (route) =>
    route.fulfill({ contentType: "text/html", body: `<form method="post" action="${origin}/appeal"><input name="id" value="${"7".repeat(32)}"><input name="about" value="shop.example"><input name="note" value="x"><button>Win</button></form>` }),
  );
  await one.page.goto("http://elsewhere.test/");
  await one.page.click("button");
  assert.match(await one.page.innerText("main"), /was not sent from this site/);
  assert.equal((await khien.reports()).filter((report) => report.id === "7".repeat(32)).length, 0);
  await one.close();
});
