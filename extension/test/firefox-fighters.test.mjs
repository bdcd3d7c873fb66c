// As fighters, in Firefox, which does not say whether an element is seen.

import { after, before, test } from "node:test";
import { arm, attacks } from "./fixture/fights.mjs";
import { startFirefox } from "./fixture/firefox.mjs";
import { sameAs } from "./fixture/pictures.mjs";
import { until } from "./fixture/until.mjs";
import { some } from "./fixture/whole.mjs";
import { World } from "./fixture/world.mjs";

let world, web, browser;

before(async () => {
  world = await World.make();
  web = world.web;
  // The background waits for pages that stand still: it is stopped no sooner than in any other Firefox.
  browser = await startFirefox({ folder: `${world.extension}/firefox`, web, more: { "extensions.background.idle.timeout": 30_000 } });
  await until("the extension has asked for a newer list", () => world.gateway.asked("/v1/head").some((one) => one.status === 200));
});
after(async () => {
  await browser?.close();
  await world?.close();
});

/** Undefined if there is no answer for some seconds: from a page that stands still, nobody gets one. */
const soon = (answer) => Promise.race([answer.catch(() => undefined), new Promise((resolve) => setTimeout(resolve, 3000))]);

/** The warning page in one of the tabs. */
async function warning() {
  for (const page of (await soon(browser.pages())) ?? []) {
    const href = await soon(page.evaluate(() => location.href));
    if (href?.startsWith("moz-extension:") && href.includes("/warning.html#")) return page;
  }
  return undefined;
}

// In Firefox a message of the browser's own stops no other script: the cover stands behind it.
const here = Object.entries(attacks).filter(([name]) => name !== "a message of the browser's own");

for (const [name, { fight }] of some(here, 4)) {
  test(`a listed account does not get the better of its cover with ${name}`, async () => {
    const tab = await browser.newPage();
    await tab.evaluateOnNewDocument(arm);
    const mark = web.told.length;
    void tab.goto("https://www.facebook.com/invented.gift.centre", { timeout: 5000 }).catch(() => undefined);
    await web.hear("www.facebook.com", "covered", { since: mark });
    await tab.keyboard.press("a"); // what a page may only do once somebody has touched it, it may do now
    let picture;
    let calm = 0;
    await until("nothing changes any more", async () => {
      const before = picture;
      picture = await tab.screenshot();
      calm = before && sameAs(before, picture) ? calm + 1 : 0;
      return calm === 3;
    });
    tab.evaluate(fight).catch(() => undefined);
    await web.hear("www.facebook.com", "struck", { since: mark });
    let same = 0;
    const gone = await until("the fight is over", async () => {
      const found = await warning();
      if (found) return { found };
      same = sameAs(picture, await soon(tab.screenshot())) ? same + 1 : 0;
      return same === 8 && {};
    });
    if (!gone.found) {
      await tab.keyboard.press("Enter");
      await until("the way out leads out", async () => tab.isClosed() || !(await soon(tab.evaluate(() => location.href)))?.includes("invented.gift"));
    }
    if (gone.found) await until("the warning says why", async () => /did not let/.test(await gone.found.evaluate(() => document.body.innerText)));
    for (const page of (await browser.pages()).slice(1)) await soon(page.close());
  });
}
