// All screens, in every language, by day and by night, on a telephone and on a desk, as PNG; and contact sheets of
// them.
//
//	node screens/screens.mjs FOLDER [NAME…]

import { mkdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { screens, speak } from "../test/fixture/screens.mjs";
import { World } from "../test/fixture/world.mjs";
import { languages as languagesOf } from "../test/fixture/languages.mjs";

const [folder, ...names] = process.argv.slice(2);
const languages = process.env.LANGUAGES?.split(" ") ?? languagesOf();
const widths = [360, 1280];
const schemes = ["light", "dark"];
const wanted = screens.filter(({ name }) => names.length === 0 || names.includes(name));

await rm(folder, { recursive: true, force: true });
await mkdir(path.join(folder, "single"), { recursive: true });
const sheets = new Map();
const world = await World.make();
try {
  const browser = await world.chromium();
  for (const language of languages) {
    await speak(browser, language);
    const began = performance.now();
    for (const { name, open, over, dialog } of wanted) {
      const page = await open(browser);
      await page.bringToFront();
      for (const scheme of schemes) {
        for (const width of widths) {
          await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
          await page.setViewportSize({ width, height: width === 360 ? 720 : 800 });
          // What lies over a page stands where it does in a window; all of it is drawn otherwise.
          const png = await page.screenshot({ fullPage: !over && !dialog });
          const sheet = `${language}-${scheme}-${width}`;
          await writeFile(path.join(folder, "single", `${name}-${sheet}.png`), png);
          sheets.set(sheet, [...(sheets.get(sheet) ?? []), { name, png }]);
        }
      }
      await page.close();
    }
    console.error(`${language}: ${wanted.length} screens in ${Math.round((performance.now() - began) / 1000)} s`);
  }
  const page = await browser.tab();
  for (const [sheet, pictures] of sheets) {
    const wide = sheet.endsWith("1280");
    await page.setViewportSize({ width: 1600, height: 800 });
    await page.setContent(contact(sheet, pictures, wide ? 380 : 240));
    await writeFile(path.join(folder, `${sheet}.png`), await page.screenshot({ fullPage: true }));
  }
} finally {
  await world.close();
}
console.log(`${sheets.size} contact sheets of ${wanted.length} screens are in ${folder}`);

/** A page of pictures, each with its name. */
function contact(sheet, pictures, width) {
  const figures = pictures.map(({ name, png }) => `<figure><img src="data:image/png;base64,${png.toString("base64")}" width="${width}"><figcaption>${name}</figcaption></figure>`);
  return `<!doctype html><meta charset="utf-8"><title>${sheet}</title><style>
    body { margin: 24px; background: #777; color: #fff; font: 15px system-ui, sans-serif }
    main { columns: ${Math.floor(1550 / (width + 20))}; column-gap: 20px }
    figure { margin: 0 0 20px; break-inside: avoid } img { display: block; border-radius: 6px }
  </style><h1>${sheet}</h1><main>${figures.join("")}</main>`;
}
