// What holds for every screen, in every language, by day and by night: it can be read, used with the keyboard and read
// aloud, on a narrow telephone, at twice the size, and by those who read from right to left.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { inWords } from "./fixture/console.mjs";
import { screens, speak } from "./fixture/screens.mjs";
import { until } from "./fixture/until.mjs";
import { World } from "./fixture/world.mjs";
import { languages } from "./fixture/languages.mjs";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

let world, browser;

before(async () => {
  world = await World.make();
  browser = await world.chromium();
});
after(() => world?.close());

/**
 * What axe finds wrong in all that can be seen; what lies over a page of others, if it is named. With rules, only by
 * these.
 */
async function found(page, over, rules) {
  // What lies under a cover is the page of somebody else.
  const { violations } = await page.evaluate(([over, runOnly]) => globalThis.axe.run(over ? { fromShadowDom: over } : document, runOnly ? { runOnly } : {}), [over, rules]);
  return violations.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id}: ${target.join(" ")}: ${failureSummary}`));
}

/** What is wider than the screen, or stands out of it. */
const overflowing = (page, over) =>
  page.evaluate(async (over) => {
    // The page hears of its new size with the next frame.
    for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
    const top = over ? document.querySelector(over[0]).shadowRoot.querySelector(over[1]) : document.documentElement;
    const wide = innerWidth + 1;
    const out = [...top.querySelectorAll("*")].filter((element) => {
      if (element.closest(".aloud") || element.closest("svg > *")) return false;
      const { left, right, width } = element.getBoundingClientRect();
      return width > 0 && (left < -1 || right > wide);
    });
    const scrolls = top.scrollWidth > top.clientWidth + 1 ? [`${top.localName} scrolls`] : [];
    return [...scrolls, ...out.map((element) => `${element.localName}#${element.id}.${element.className}`)];
  }, over);

/** Makes words half as long again, as other languages do, and turns them around. */
const mirror = (page, over) =>
  page.evaluate((over) => {
    const top = over ? document.querySelector(over[0]).shadowRoot.querySelector(over[1]) : document.documentElement;
    top.dir = "rtl";
    const walker = document.createTreeWalker(top, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      if (node.parentElement.closest("script, style, .exact")) continue;
      node.data = node.data.replace(/\p{L}{3,}/gu, (word) => word + word.slice(0, Math.ceil(word.length / 2)));
    }
  }, over);

for (const { name, open, over } of screens) {
  test(`${name}: axe finds nothing, by day or by night; nothing is cut off in any language, however narrow or large, from either side`, async () => {
    for (const language of languages()) {
      await speak(browser, language);
      const page = await open(browser);
      // A closed shadow root hides from axe, too: it is shown to it and stays closed for everybody else.
      if (over) await browser.unlock(page, over[0]);
      await page.setViewportSize({ width: 1280, height: 800 });
      await page.evaluate(axe);
      // By night only the colours are others: what one of them decides is looked at twice. In another language only the
      // words are.
      for (const [colorScheme, rules] of language === "en" ? [["light"], ["dark", ["color-contrast", "link-in-text-block"]]] : [["light", inWords]]) {
        await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
        assert.deepEqual(await found(page, over, rules), [], `${language}, ${colorScheme}`);
      }
      // 640 is twice the size on a desk; 360 a telephone; 320 four times the size.
      for (const width of [640, 360, 320]) {
        await page.setViewportSize({ width, height: 720 });
        assert.deepEqual(await overflowing(page, over), [], `${language}, ${width} pixels`);
      }
      if (language === "en") {
        await mirror(page, over);
        for (const width of [1280, 360]) {
          await page.setViewportSize({ width, height: 720 });
          assert.deepEqual(await overflowing(page, over), [], `mirrored, ${width} pixels`);
        }
      }
      await page.close();
    }
  });
}

test("nothing moves for those who want nothing to move", async () => {
  for (const path of ["warning.html#example", "options.html", "welcome.html", "popup.html", "late.html", "redact.html", "answer.html"]) {
    const page = await browser.open(path);
    await page.emulateMedia({ reducedMotion: "reduce" });
    const moving = await page.evaluate(() => [...document.querySelectorAll("*")].filter((element) => {
      const { transitionDuration, animationName } = getComputedStyle(element);
      return animationName !== "none" || transitionDuration.split(", ").some((time) => parseFloat(time) > 0);
    }).length);
    assert.equal(moving, 0, path);
    await page.close();
  }
});

test("an address is read from left to right also where the words are not", async () => {
  const page = await browser.open("warning.html#example");
  await page.click("#reason-toggle");
  const [first, last] = await page.evaluate(() => {
    document.documentElement.dir = "rtl";
    const { firstChild: address } = [...document.querySelectorAll(".exact")].at(-1);
    return [0, address.length - 1].map((at) => {
      const range = document.createRange();
      range.setStart(address, at);
      range.setEnd(address, at + 1);
      return range.getBoundingClientRect().x;
    });
  });
  assert.ok(first < last, `it begins at ${first} and ends at ${last}`);
  await page.close();
});

test("where a person has colours of their own, what is chosen can still be told from what is not", async () => {
  const page = await browser.open("warning.html#example");
  await page.emulateMedia({ forcedColors: "active" });
  await page.click("#help-toggle");
  await until("a case is chosen", () => page.isVisible("#help [aria-pressed=true]"));
  const [chosen, other] = await page.evaluate(() => ["true", "false"].map((pressed) => getComputedStyle(document.querySelector(`#help [aria-pressed=${pressed}]`)).backgroundColor));
  assert.notEqual(chosen, other);
  await page.close();
});

test("all that can be touched is large enough, and has a name", async () => {
  await speak(browser, "en");
  for (const { name, open } of screens.filter(({ over }) => !over)) {
    const page = await open(browser);
    await page.setViewportSize({ width: 360, height: 720 });
    const small = await page.evaluate(() => [...document.querySelectorAll("button, select, input, summary, .choice")].filter((element) => {
      // The edges of a picture and of what covers it are drawn, not pressed; the arrow keys move them too.
      if (element.matches(".side, .cover")) return false;
      if (!element.checkVisibility() || element.closest("label") !== null && element.localName === "input") return false;
      const { width, height } = element.getBoundingClientRect();
      return width < 44 || height < 39.5;
    }).map((element) => `${element.localName}#${element.id} ${element.textContent}`));
    assert.deepEqual(small, [], name);
    await page.close();
  }
});
