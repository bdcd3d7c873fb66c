// Lists of others, as people of the console meet them: one is not as it usually is and waits, is looked at, refused and
// then taken; the source is paused, trusted otherwise, removed with the numbers shown, and comes back. All of it with
// keys alone; no page has a barrier or is wider than a telephone, in any language, by day and by night.

import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { inWords, Office } from "./fixture/console.mjs";
import { Khien } from "./fixture/khien.mjs";
import { languages } from "./fixture/languages.mjs";
import { until } from "./fixture/until.mjs";

const secret = "Authorization: Bearer invented-and-never-shown";
/** Where pictures of what is looked at go, if anywhere. */
const folder = process.env.PICTURES;

let khien, office, linh, file;

const names = (from, to) => Array.from({ length: to - from }, (_, i) => `hxxps://trang-${from + i}.example/nhan`);

/** The list of the ministry, which has these. */
const say = (all) => writeFile(file, ["Mã;Liên kết;Hình thức", ...all.map((url, i) => `${i};${url};Việc làm`), "x;google.com;Đầu tư"].join("\n") + "\n");

const run = (...flags) => khien.cli("source", "run", "ministry", ...flags).catch((err) => err.stdout);

before(async () => {
  khien = await Khien.make();
  file = path.join(khien.dir, "ministry.csv");
  await say(names(0, 12));
  const mapping = path.join(khien.dir, "ours.json");
  await khien.cli("source", "try", file, "--write", mapping);
  await writeFile(path.join(khien.dir, "secret"), secret + "\n");
  await khien.cli("source", "add", "ministry", file, "--mapping", mapping, "--title", "Bộ bịa ra", "--secret-file", path.join(khien.dir, "secret"), "--every", "720h");
  await run();
  await khien.start("--console", "127.0.0.1:0");
  office = await Office.open(khien);
  const [, link] = (await khien.cli("demo", "--console-origin", khien.console)).trim().split("\n");
  linh = await office.person({ name: "linh" });
  await linh.enrol(link);
});

after(async () => {
  await office?.close();
  await khien?.close();
});

/** What is wrong with the page before linh, in every language, by day and by night, wide and narrow. */
async function look(name, spoken = languages("console.console.txt")) {
  const problems = [];
  const page = linh.page;
  for (const language of spoken) {
    if (language !== "en") await tongue(language);
    for (const scheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme: scheme });
      const wrong = (what) => problems.push(`${name} in ${language}, ${scheme}: ${what}`);
      const rules = scheme === "dark" ? ["color-contrast", "link-in-text-block"] : language === "en" ? undefined : inWords;
      for (const one of await linh.barriers(rules)) wrong(one);
      if (/⟦|%!/.test(await page.innerText("body"))) wrong("a message is missing");
      if ((await page.content()).includes("invented-and-never-shown")) wrong("a credential is shown");
      for (const width of [360, 1280]) {
        await page.setViewportSize({ width, height: 900 });
        if (await linh.overflows()) wrong(`wider than ${width}`);
        if (!folder) continue;
        await mkdir(folder, { recursive: true });
        await page.screenshot({ path: path.join(folder, `${name}-${language}-${scheme}-${width}.png`), fullPage: true });
      }
    }
  }
  await tongue("en");
  await page.emulateMedia({ colorScheme: "light" });
  assert.deepEqual(problems, []);
}

async function tongue(language) {
  if ((await linh.page.locator("html").getAttribute("lang")) === language) return;
  await Promise.all([linh.page.waitForEvent("load"), linh.page.click(`.who button[name=lang][value=${language}]`)]);
}

/** Goes with Tab to what is wanted, as one does who has no mouse. */
async function reach(what) {
  for (let i = 0; i < 120; i++) {
    if (await linh.page.evaluate((what) => document.activeElement?.matches(what), what)) return;
    await linh.press("Tab");
  }
  assert.fail(`${what} is not reached with Tab at ${linh.path()}`);
}

/** Agrees to what is shown: the button has the focus already. */
async function confirm() {
  await linh.page.waitForSelector("[data-confirm] button:enabled");
  await reach("[data-confirm] button");
  await linh.leave("Enter");
}

/** Presses a button with the keyboard; what it does needs a passkey or not. */
async function push(what, { proved = false } = {}) {
  await reach(what);
  await linh.leave("Enter");
  if (!proved) return;
  await confirm();
}

test("a run that waits shows the difference first, and is refused; then taken", async () => {
  await say(names(10, 13));
  await run();
  await linh.go("/sources");
  await linh.shows(/Bộ bịa ra/);
  await look("sources");
  await push("a.entry[href='/sources/ministry']");
  await linh.shows(/83 % fewer|83%/);
  await linh.shows(/trang-12\.example/);
  await linh.shows(/trang-0\.example/);
  await look("source-waits");
  await push("form[action$='/drop'] button");
  await linh.shows(/2/);
  await look("source-confirm", ["en"]);
  await confirm();
  await linh.shows(/dropped|stands/i);
  assert.match(await khien.cli("source", "list"), /ministry +runs .* 12 /);
  await say(names(10, 14));
  await run();
  await linh.go("/sources/ministry");
  await push("form[action$='/accept'] button", { proved: true });
  assert.match(await khien.cli("source", "list"), /ministry +runs .* 4 /);
});

test("it is paused and goes on, is trusted and removed with the numbers shown, and comes back", async () => {
  await linh.go("/sources/ministry");
  await push("form[action$='/pause'] button");
  await linh.shows(/It is not asked any more/, "body");
  await push("form[action$='/resume'] button");
  await reach("#minutes");
  await linh.press("Control+a");
  await linh.page.keyboard.type("90");
  await reach("[name=trust]:checked");
  await linh.press("ArrowDown");
  await push("form[action$='/edit'] button", { proved: true });
  await until("it lists", async () => /ministry +runs .* 4 +4 +4/.test(await khien.cli("source", "list")));
  assert.match(await khien.cli("source", "show", "ministry"), /1h30m/);
  await push("form[action$='/remove'] button");
  await linh.shows(/4 things, of which 4 are on the list/);
  await linh.shows(/nothing else keeps it there: 4/);
  await confirm();
  await linh.shows(/Removed, with all that it says/, "body");
  await look("source-removed");
  await push("form[action$='/restore'] button");
  await linh.shows(/It is back, with all that it said/, "body");
  assert.match(await khien.cli("source", "list"), /ministry +runs .* 4 +4 +4/);
});
