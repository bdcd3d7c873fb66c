// What follows a listing, in a real browser: a platform is asked to the end, somebody objects and is heard, advice goes
// out with a release. Told in order: each part goes on where the one before ended.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { inWords, Office } from "./fixture/console.mjs";
import { Khien } from "./fixture/khien.mjs";
import { until } from "./fixture/until.mjs";
import { languages } from "./fixture/languages.mjs";

let khien, office, linh, visitor;
const account = "https://www.tiktok.com/@an.invented.name";

before(async () => {
  khien = await Khien.make();
  await khien.list("csv", `url,category,reason_en,reason_vi\n${account},prize,asked for a fee,đòi phí\nhttp://shop.example/,shop,never delivers,không giao hàng\n`);
  await khien.cli("admin", "invite", "an", "--role", "admin"); // somebody must be
  await khien.start("--console", "127.0.0.1:0");
  office = await Office.open(khien);
  linh = await office.person({ name: "linh" });
  await linh.enrol((await khien.cli("admin", "invite", "linh", "--role", "approver", "--console-origin", khien.console)).trim());
  await khien.later(73); // whoever is new waits three days
  visitor = (await office.person({ name: "a visitor" })).page;
});

after(async () => {
  await office?.close();
  await khien?.close();
});

const open = () => `http://127.0.0.1:${khien.port}`;

/** Reports the account and returns what the receipt says from then on. */
async function report() {
  const answer = await fetch(`${open()}/v1/reports`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({
      id: Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString("base64"), kind: "scam", subjects: [], href: account, title: "",
      language: "vi", time: Math.floor(Date.now() / 1000), category: "prize", note: "",
    }),
  });
  assert.equal(answer.status, 201);
  const { receipt } = await answer.json();
  return async () => (await fetch(`${open()}/v1/receipts/${receipt}`)).json();
}

/** Publishes what waits, with the passkey. */
async function publish() {
  await linh.go("/publish");
  await linh.page.click("form[data-confirm] .primary");
  await until("it is published", () => /^\/releases\/\d+$/.test(linh.path()));
}

async function step(state, theirs = "") {
  await linh.page.check(`input[name=state][value=${state}]`);
  await linh.page.fill("#theirs", theirs);
  await Promise.all([linh.page.waitForEvent("load"), linh.page.click("text=Note it")]);
  await linh.page.waitForSelector(".told");
}

test("a platform is asked, refuses, is asked again and acts; the figures tell", async () => {
  await linh.go("/takedowns");
  await linh.page.click(".entry");
  await linh.page.waitForURL("**/takedowns/*");
  await linh.shows(/TikTok account an\.invented\.name/);
  await linh.shows(/sender\.txt/);
  await step("sent", "TT-4711");
  await step("refused");
  await step("appealed");
  await linh.shows(/the platform must act/);
  await step("action-taken");
  await linh.leave("u");
  await linh.shows(/it is appealed again/, ".told");
  await step("action-taken");
  await linh.shows(/Action taken[^]*TT-4711/);
  await linh.go("/takedowns");
  await linh.shows(/TikTok\s+0\s+0\s+1\s+1\s+100%/);
});

test("who reports it again is told what the platform did, and the case opens again", async () => {
  const then = Math.floor(Date.now() / 1000);
  await until("a second has gone by: a report of the same one would be one of before", () => Math.floor(Date.now() / 1000) > then);
  const says = await report();
  await linh.go("/takedowns");
  await until("it has re-appeared", async () => {
    await linh.page.reload();
    return /Re-appeared/.test(await linh.says());
  });
  // What is there now was not asked for yet: the receipt says so only when it is.
  const { steps } = await says();
  assert.ok(steps.every(({ state }) => state !== "removed"), JSON.stringify(steps));
});

test("somebody objects; the clock runs; a person answers in public, and it leaves with the next release", async () => {
  await visitor.goto(`${open()}/appeal?lang=vi`);
  await visitor.fill("#about", account);
  await visitor.fill("#note", "Tài khoản bị đánh cắp, nay đã lấy lại.");
  await visitor.locator("form", { has: visitor.locator("#note") }).locator("button").click();
  const number = await visitor.innerText(".number code");

  await linh.go("/appeals");
  await until("it is in the queue", async () => {
    await linh.page.reload();
    return /due in \d+ (days|hours)/.test(await linh.says());
  });
  await linh.leave("j", "Enter");
  await linh.shows(/Tài khoản bị đánh cắp[^]*asked for a fee/);
  await linh.press("a");
  await linh.page.fill("#w-en", "stolen, and back with its owner");
  await linh.page.fill("#w-vi", "bị đánh cắp, nay đã về với chủ");
  await linh.page.click("text=Take it off with the next release");
  // Another has listed it: the page says who, and asks for the passkey.
  await linh.page.waitForSelector("form[data-confirm]");
  await linh.shows(/put there by .+@shell[^]*stolen, and back with its owner[^]*bị đánh cắp/);
  await linh.page.click("form[data-confirm] .primary");
  await linh.shows(/leaves the list with the next release/, ".told");
  assert.equal((await khien.check([account]))[0].verdict, "listed");
  await publish();
  assert.equal((await khien.check([account]))[0].verdict, "unlisted");

  await visitor.goto(`${open()}/appeal?lang=vi`);
  await visitor.fill("#number", number);
  await visitor.press("#number", "Enter");
  await visitor.waitForURL(/receipt/);
  assert.match(await visitor.innerText("main"), /Bạn đúng[^]*bị đánh cắp, nay đã về với chủ/);
  await visitor.goto(`${open()}/register?lang=en`);
  await visitor.fill("#about", account);
  await visitor.press("#about", "Enter");
  await visitor.waitForSelector("article");
  assert.match(await visitor.innerText("main"), /Taken off the list[^]*stolen, and back with its owner/);
  // The platform is told that it was a mistake.
  await linh.go("/takedowns/1");
  await until("the request is withdrawn", async () => {
    await linh.page.reload();
    return /Withdrawn/.test(await linh.says());
  });
});

test("advice is written, looked at, confirmed with the passkey, and goes out with a release", async () => {
  await linh.go("/campaigns");
  await linh.leave("c");
  await linh.page.fill("#name", "no-fee-for-a-prize");
  await linh.page.fill("#title-en", "Nobody pays to win");
  await linh.page.fill("#text-en", "A prize that costs a fee is none.");
  await linh.page.fill("#title-vi", "Không ai phải trả phí để trúng thưởng");
  await linh.page.fill("#text-vi", "Giải thưởng mà đòi phí thì không có thật.");
  await linh.page.check("input[name=category][value=prize]");
  await linh.page.click("text=Keep as a draft");
  await linh.page.waitForSelector(".advice");
  await linh.page.click("text=Publish with the next release");
  await linh.page.waitForSelector("form[data-confirm]");
  await linh.shows(/vi: Không ai phải trả phí/);
  await linh.page.click("form[data-confirm] .primary");
  await linh.shows(/It is in the next release/);
  await linh.go("/publish");
  await linh.shows(/1 advice card[^]*Nobody pays to win/);
  await publish();
  await linh.go("/publish");
  await linh.shows(/nothing to publish/);
});

test("each page has no barrier in one language, and misses no word in another, on a phone", async () => {
  const found = [];
  for (const language of languages("console.console.txt")) {
    await linh.go("/queue");
    if ((await linh.page.locator("html").getAttribute("lang")) !== language) {
      await linh.page.click(`.who button[name=lang][value=${language}]`);
      await linh.page.waitForSelector(`html[lang=${language}]`);
    }
    await linh.page.emulateMedia({ colorScheme: language === "en" ? "light" : "dark" });
    for (const at of ["/takedowns?all=1", "/takedowns/1", "/appeals", "/appeals/1", "/campaigns", "/campaigns/new", "/campaigns/no-fee-for-a-prize", "/publish"]) {
      await linh.go(at);
      // What is a barrier by its words alone is none in one language and one in another.
      found.push(...(await linh.barriers(language === "en" ? undefined : inWords)).map((barrier) => `${at} in ${language}: ${barrier}`));
      assert.doesNotMatch(await linh.page.innerText("body"), /⟦|%!/, `${at} in ${language}`);
      await linh.page.setViewportSize({ width: 360, height: 740 });
      if (await linh.overflows()) found.push(`${at} in ${language} is wider than a phone`);
      await linh.page.setViewportSize({ width: 1280, height: 900 });
    }
  }
  assert.deepEqual(found, []);
  assert.match(await khien.cli("audit", "verify"), /"entries"/);
  assert.deepEqual(linh.accidents, []);
});
