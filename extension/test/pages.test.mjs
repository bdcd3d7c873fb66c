// Parts of real pages, and the marks that belong on them: each name once, nobody honest, no word covered. Structure is
// as the networks write it; names and words are invented. The first comment of each says where it stands, what is
// listed and what is expected: data-mark is whom an element is about, or empty for somebody honest; data-text is what
// must stay readable.

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { after, before, test } from "node:test";
import { Marks } from "./fixture/marks.mjs";
import { until } from "./fixture/until.mjs";
import { some } from "./fixture/whole.mjs";
import { World } from "./fixture/world.mjs";

const read = (folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".html"))
    .map((name) => {
      const html = readFileSync(folder + name, "utf8");
      return { name: name.replace(".html", ""), html, ...JSON.parse(/<!-- (\{.*?\}) -->/s.exec(html)[1]) };
    });

const beside = fileURLToPath(new URL("../../../shared/vectors/pages/open/", import.meta.url));
const own = read(fileURLToPath(new URL("fixture/pages/", import.meta.url)));
const others = existsSync(beside) ? read(beside) : [];

let world, browser;

before(async () => {
  const listed = new Set([...own, ...others].flatMap(({ list }) => list));
  world = await World.make({ list: `url,category,reason_en,reason_vi\n${[...listed].map((url) => `${url},investment,Invented for a test.,Bịa để thử.\n`).join("")}` });
  browser = await world.chromium();
  // The list is there when something is marked.
  const tab = await open(own.find(({ name }) => name === "threads-replies"));
  await (await Marks.of(tab)).some();
  await tab.close();
});
after(() => world?.close());

async function open({ html, url }, width = 1000) {
  const { hostname, pathname } = new URL(url);
  world.web.own.set(hostname + pathname, { type: "text/html; charset=utf-8", body: html });
  const tab = await browser.tab();
  await tab.setViewportSize({ width, height: 760 });
  await tab.goto(url);
  return tab;
}

/** The marks of a page: whose they are, and what is wrong with them. */
async function look(tab, marks) {
  const seen = [];
  for (const one of await marks.all()) seen.push({ name: one.name, ...(await marks.box(one)) });
  return tab.evaluate((seen) => {
    const wanted = [...document.querySelectorAll("[data-mark]")].map(({ dataset }) => dataset.mark).filter((id) => id !== "");
    const found = seen.map(({ name }) => (/: (.*?)\. Show why/.exec(name)?.[1] ?? "").split(" ").at(-1).replace(/^@/, "").toLowerCase());
    const wrong = [];
    const range = document.createRange();
    for (const element of document.querySelectorAll("[data-text]")) {
      range.selectNodeContents(element);
      for (const words of range.getClientRects()) {
        for (const mark of seen) {
          const [width, height] = [Math.min(words.right, mark.right) - Math.max(words.left, mark.left), Math.min(words.bottom, mark.bottom) - Math.max(words.top, mark.top)];
          if (width > 4 && height > 4) wrong.push(`“${element.textContent.trim().slice(0, 40)}” is covered by ${mark.name}`);
        }
      }
    }
    for (const mark of document.querySelectorAll("khien-mark")) {
      const before = mark.previousElementSibling;
      const about = before?.closest("[data-mark]") ?? before?.querySelector("[data-mark]");
      if (about?.dataset.mark === "") wrong.push(`“${about.textContent}” is marked`);
    }
    for (const { name, left, top, right, bottom } of seen) {
      if (document.elementFromPoint((left + right) / 2, (top + bottom) / 2)?.localName !== "khien-mark") wrong.push(`${name} cannot be seen`);
    }
    return { wanted: wanted.sort(), found: found.sort(), wrong };
  }, seen);
}

async function fits(page, width) {
  const tab = await open(page, width);
  const marks = await Marks.of(tab);
  const check = async () => {
    const { wanted, found, wrong } = await look(tab, marks);
    assert.deepEqual({ found, wrong }, { found: wanted, wrong: [] });
    return true;
  };
  if (/setTimeout|setInterval/.test(page.html)) await tab.waitForTimeout(2500);
  await until("each name has its mark", check, { within: 8000 });
  await tab.waitForTimeout(800); // and nothing more comes
  await check();
  await tab.close();
}

for (const page of some(own, 2)) test(`${page.name}: ${page.expect}`, () => fits(page));

test("pages from outside the project", { skip: others.length === 0 && "../shared/vectors/pages is not here" }, async (t) => {
  for (const page of some(others, 2)) await t.test(page.name, () => fits(page));
});

// Less room, and the same is true.
for (const name of ["x-timeline", "youtube-comments", "tiktok-lists", "linkedin-comments", "telegram-channel-page", "threads-replies"]) {
  test(`${name} on a telephone`, () => fits(own.find((page) => page.name === name), 360));
}
