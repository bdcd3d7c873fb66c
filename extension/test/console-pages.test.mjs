// Every page of the console, with an invented week in it: no barrier, no overflow on a phone, in every language, by day
// and by night. With UPDATE_PICTURES=1 the pictures of docs/pictures/ are taken anew.

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { inWords, Office } from "./fixture/console.mjs";
import { Khien, top } from "./fixture/khien.mjs";
import { until } from "./fixture/until.mjs";
import { languages } from "./fixture/languages.mjs";

const folder = path.join(top, "docs/pictures");

let khien, office, links;
const problems = [];
/** Whose pictures are in docs/pictures/: in English by day, in Vietnamese by night. */
const pictured = ["queue", "case", "case-proposed", "publish", "release", "appeal", "takedown", "people", "audit"];

before(async () => {
  khien = await Khien.make();
  await khien.start("--console", "127.0.0.1:0");
  const out = await khien.cli("demo", "--console-origin", khien.console);
  links = out.trim().split("\n");
  office = await Office.open(khien);
});

after(async () => {
  await office?.close();
  await khien?.close();
});

const pages = [
  { name: "queue", path: "/queue" },
  { name: "proposed", path: "/queue?part=proposed" },
  { name: "decided", path: "/queue?part=decided" },
  { name: "done", path: "/queue?part=done" },
  { name: "case", path: "/cases/5", open: (page) => page.keyboard.press("a") },
  { name: "case-kit", path: "/find?q=xac-thuc-sinh-trac.example", open: (page) => page.keyboard.press("a") },
  { name: "case-reject", path: "/cases/4", open: (page) => page.keyboard.press("r") },
  { name: "case-proposed", path: "/cases/7" },
  { name: "case-done", path: "/cases/1" },
  { name: "publish", path: "/publish" },
  { name: "appeals", path: "/appeals" },
  { name: "appeal", path: "/appeals/1" },
  { name: "takedowns", path: "/takedowns" },
  { name: "takedown", path: "/takedowns/1" },
  { name: "campaigns", path: "/campaigns" },
  { name: "card-new", path: "/campaigns/new" },
  { name: "card", path: "/campaigns", open: (page) => follow(page, "main a.entry[href^='/campaigns/']") },
  { name: "card-confirm", path: "/campaigns", open: confirmCard },
  { name: "many", path: "/queue", open: chooseMany },
  { name: "audit", path: "/audit?verify=1" },
  { name: "release", path: "/releases/3" },
  { name: "nothing", path: "/nothing-here" },
  { name: "me", path: "/me" },
  { name: "keys", path: "/queue", open: (page) => page.keyboard.press("?") },
];

/** Goes where a link or a button leads. */
async function follow(page, what) {
  await Promise.all([page.waitForEvent("load"), page.locator(what).first().click()]);
}

/** What a passkey is asked for: here a card, taken back from the list and about to go out again. */
async function confirmCard(page) {
  await follow(page, "main a.entry[href^='/campaigns/']");
  if (await page.locator("form[action$='/withdraw'] button").count()) await follow(page, "form[action$='/withdraw'] button");
  await follow(page, "form[action$='/publish'] button");
}

async function chooseMany(page) {
  await page.click("[data-all]");
  await follow(page, "[data-bar] [value=list]");
}

const admins = [
  { name: "people", path: "/people" },
  { name: "forbidden", path: "/publish" },
];

async function look(person, { name, path: at, open }, language, scheme) {
  const where = `${name} in ${language}, ${scheme}`;
  await person.go(at);
  await open?.(person.page);
  const wrong = (what) => problems.push(`${where}: ${what}`);
  // By night only the colours are others, and in another language the words.
  const rules = scheme === "dark" ? ["color-contrast", "link-in-text-block"] : language === "en" ? undefined : inWords;
  for (const one of await person.barriers(rules)) wrong(one);
  if ((await person.page.locator("html").getAttribute("lang")) !== language) wrong("another language");
  if (/⟦|%!/.test(await person.page.innerText("body"))) wrong("a message is missing");
  if ((await person.page.locator("h1").count()) !== 1) wrong("it has no title, or two");
  const kept = process.env.UPDATE_PICTURES && pictured.includes(name) && (scheme === "light") === (language === "en");
  if (kept) {
    await mkdir(folder, { recursive: true });
    await person.page.evaluate(() => scrollTo(0, 0));
    await person.page.screenshot({ path: path.join(folder, `console-${name}-${language}-${scheme}.png`) });
  }
  if (scheme === "dark" && !kept) return;
  await person.page.setViewportSize({ width: 360, height: 740 });
  if (await person.overflows()) wrong("wider than a phone");
  if (kept && name === "case") {
    await person.page.screenshot({ path: path.join(folder, `console-phone-${language}-${scheme}.png`) });
  }
  await person.page.setViewportSize({ width: 1280, height: 900 });
}

test("every page, in every language, by day and by night", async () => {
  const linh = await office.person({ name: "linh" });
  const an = await office.person({ name: "an" });
  await look(linh, { name: "signin", path: "/signin" }, "en", "light");
  await look(linh, { name: "invite", path: new URL(links[1]).pathname }, "en", "light");
  await an.enrol(links[0]);
  await linh.enrol(links[1]);
  for (const language of languages("console.console.txt")) {
    for (const person of [linh, an]) {
      await person.go("/queue");
      const shown = await person.page.locator("html").getAttribute("lang");
      if (shown !== language) {
        await person.page.click(`.who button[name=lang][value=${language}]`);
        await until("the language is another", async () => (await person.page.locator("html").getAttribute("lang")) === language);
      }
    }
    for (const scheme of language === "en" || process.env.UPDATE_PICTURES ? ["light", "dark"] : ["light"]) {
      await linh.page.emulateMedia({ colorScheme: scheme });
      await an.page.emulateMedia({ colorScheme: scheme });
      for (const page of pages) await look(linh, page, language, scheme);
      for (const page of admins) await look(an, page, language, scheme);
    }
  }
  assert.deepEqual(problems, []);
  assert.deepEqual(linh.accidents, []);
  assert.deepEqual(an.accidents, []);
});
