// Somebody writes what turns the direction of reading, so that a maintainer or a visitor reads something else than what
// is there. What stands on one line is measured: no word may have changed places with another.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Office } from "./fixture/console.mjs";
import { Khien } from "./fixture/khien.mjs";
import { until } from "./fixture/until.mjs";
import { languages } from "./fixture/languages.mjs";

const turned = "שלום 1 \u202egnp.exe\u2067 2 \u2069";

let khien, office, linh;

before(async () => {
  khien = await Khien.make();
  await khien.list("csv", `url,category,reason_en,reason_vi\nhttp://shop.example/,shop,${turned},${turned}\n`);
  await khien.start("--console", "127.0.0.1:0");
  const links = (await khien.cli("demo", "--console-origin", khien.console)).trim().split("\n");
  office = await Office.open(khien);
  linh = await office.person({ name: "linh" });
  for (const [href, kind] of [["https://turned.example/" + encodeURIComponent(turned), "scam"], ["http://shop.example/", "mistake"]]) {
    const answer = await fetch(`http://127.0.0.1:${khien.port}/v1/reports`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({
        id: Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString("base64"), kind, subjects: [], href, title: kind === "scam" ? turned : "",
        language: "vi", time: Math.floor(Date.now() / 1000), category: "", note: turned,
      }),
    });
    assert.equal(answer.status, 201);
  }
  await linh.enrol(links[1]);
});

after(async () => {
  await office?.close();
  await khien?.close();
});

/**
 * Which pieces of text of a page stand before what they come after, in words; and how many there are that could turn
 * others.
 */
function measure(page) {
  return page.evaluate(() => {
    for (const details of document.querySelectorAll("details")) details.open = true;
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const wrong = [];
    let odd = 0;
    let before;
    while (texts.nextNode()) {
      const node = texts.currentNode;
      if (node.data.trim() === "" || node.parentElement.closest("textarea, select, option, svg, [hidden]")) continue;
      if (/[\u0590-\u05ff]/.test(node.data)) odd++;
      if (/[\u200e\u200f\u202a-\u202e\u2066-\u2069\u061c]/.test(node.data)) wrong.push(`nobody sees what turns in ${JSON.stringify(node.data)}`);
      const range = document.createRange();
      range.selectNodeContents(node);
      // Word by word: the boxes of one text are in order only where nothing turns them.
      const boxes = [...range.getClientRects()].filter((box) => box.width > 0);
      if (boxes.length === 0) continue;
      const first = boxes[0];
      if (before && Math.abs(before.box.top - first.top) < 4 && Math.abs(before.box.height - first.height) < 8 && first.left < before.box.right - 2) {
        if (before.block.contains(node)) wrong.push(`${JSON.stringify(node.data)} stands before ${JSON.stringify(before.text)}`);
      }
      let block = node.parentElement;
      while (getComputedStyle(block).display.startsWith("inline")) block = block.parentElement;
      before = { box: boxes.at(-1), text: node.data, block };
    }
    return { wrong, odd };
  });
}

test("the measure sees what is turned", async () => {
  await linh.go("/queue");
  await linh.page.evaluate((turned) => {
    const line = document.createElement("p");
    line.append("said: ", Object.assign(document.createElement("b"), { textContent: turned }), " 3 reports");
    document.querySelector("main").prepend(line);
  }, "שלום\u202e");
  const { wrong } = await measure(linh.page);
  assert.ok(wrong.some((one) => /stands before/.test(one)), JSON.stringify(wrong));
});

test("nothing in the console is read in another order than it was written", async () => {
  await until("the report is in a case", async () => {
    await linh.go("/find?q=turned.example");
    return /\/cases\//.test(linh.path());
  });
  const at = linh.path();
  await linh.page.evaluate(() => document.querySelectorAll("details").forEach((one) => (one.open = true)));
  let odd = 0;
  const look = async (where) => {
    if (where) await linh.go(where);
    const found = await measure(linh.page);
    assert.deepEqual(found.wrong, [], linh.path());
    odd += found.odd;
  };
  await look();
  await linh.page.fill("form[action$='/list'] [name=why]", turned);
  await linh.page.fill("form[action$='/list'] [name=reason_en]", turned);
  await Promise.all([linh.page.waitForEvent("load"), linh.page.click("form[action$='/list'] .primary")]);
  await until("the objection is in a case", async () => {
    await linh.go("/find?q=shop.example/");
    return /\/cases\//.test(linh.path());
  });
  const objection = linh.path().replace("cases", "appeals");
  for (const where of [at, "/queue", "/queue?part=decided", "/publish", "/appeals", objection, "/audit", "/takedowns", "/people"]) await look(where);
  await linh.go(objection);
  await linh.page.evaluate(() => document.querySelectorAll("details").forEach((one) => (one.open = true)));
  const form = "form[action$='/withdraw']";
  for (const lang of languages("console.console.txt")) await linh.page.fill(`${form} [name=reason_${lang}]`, turned);
  await Promise.all([linh.page.waitForEvent("load"), linh.page.click(`${form} .primary`)]);
  await look();
  assert.ok(odd > 7, `only ${odd} texts could turn others`);
  assert.deepEqual(linh.accidents, []);
});

test("nor is anything on the pages that anybody reads", async () => {
  const reader = await office.person({ name: "a reader" });
  reader.origin = `http://127.0.0.1:${khien.port}`;
  await reader.go("/register");
  await reader.page.fill("#about", "shop.example");
  await Promise.all([reader.page.waitForEvent("load"), reader.page.click("main form button")]);
  const { wrong, odd } = await measure(reader.page);
  assert.deepEqual(wrong, []);
  assert.ok(odd > 0, "the reason is not there");
});
