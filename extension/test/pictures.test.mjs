// What a person sees, in every language, by day and by night. With UPDATE_PICTURES=1 the
// pictures of docs/pictures/ are taken anew; otherwise they are taken and looked at only.

import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { top } from "./fixture/khien.mjs";
import { lines } from "./fixture/png.mjs";
import { until } from "./fixture/until.mjs";
import { World } from "./fixture/world.mjs";

const folder = path.join(top, "docs/pictures");
const account = "https://www.facebook.com/invented.gift.centre";

let world;

before(async () => (world = await World.make()));
after(() => world?.close());

/** The different bytes in the pixels of a PNG: a blank picture has very few. */
const variety = (png) => new Set(Buffer.concat(lines(png))).size;

async function picture(name, png) {
  assert.ok(variety(png) > 60, `${name} is blank`);
  if (!process.env.UPDATE_PICTURES) return;
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, `${name}.png`), png);
}

const words = {
  en: { warning: /known scam/, overlay: /known scam|scam/, popup: /Nothing known/ },
  pl: { warning: /znane oszustwo/, overlay: /oszustw/, popup: /Nic nie wiadomo/ },
  vi: { warning: /lừa đảo/, overlay: /lừa đảo/, popup: /Chưa|Không/ },
};

for (const language of Object.keys(words)) {
  for (const scheme of ["light", "dark"]) {
    test(`warning, overlay and popup in ${language}, ${scheme}`, async () => {
      const browser = await world.chromium({ language, scheme });
      const name = (what) => `${what}-${language}-${scheme}`;

      const tab = await browser.tab();
      await browser.go(tab, "https://parcel-fee.example/");
      await browser.warned(tab);
      await until("the date is there", async () => /20\d\d/.test(await tab.innerText("#since")));
      assert.match(await tab.innerText("body"), words[language].warning);
      await picture(name("warning"), await tab.screenshot());

      const covered = await browser.tab();
      await browser.go(covered, account);
      const overlay = await browser.covered(covered);
      await overlay.reads("since", /20\d\d/);
      assert.match(await overlay.text("title"), words[language].overlay);
      await picture(name("overlay"), await covered.screenshot());

      const honest = await browser.tab();
      await honest.goto("https://honest-shop.example/");
      const popup = await browser.popup(honest);
      assert.match(await popup.text("verdict"), words[language].popup);
      await picture(name("popup"), await popup.screenshot(scheme));
      await browser.quit();
    });
  }
}
