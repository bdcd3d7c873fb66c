// What goes along with a report and what comes back: a proof of work where many reports come, a picture that the person
// has cut and covered, where the page leads, and what became of it in the end.

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { until } from "./fixture/until.mjs";
import { World } from "./fixture/world.mjs";

let world, browser;

before(async () => {
  world = await World.make();
  browser = await world.chromium();
});
after(() => world?.close());

/** Reports what a tab shows and returns the popup. */
async function report(tab) {
  const popup = await browser.popup(tab);
  await popup.click("report");
  await until("the report is kept", () => popup.shows("describe"));
  return popup;
}

/**
 * The report about an address, once it is in the inbox; sooner, if it need not wait for a change of mind or for what
 * comes in that time.
 */
async function inInbox(href, { sooner = false } = {}) {
  return until("the report is in the inbox", async () => {
    await (sooner ? browser.hasten() : browser.ring("reports"));
    return (await world.khien.reports("all")).find((one) => one.href === href);
  }, { within: 90_000 });
}

/** What the extension keeps of its reports; change, run in the worker on each, is kept. */
async function kept(change = "") {
  return (await browser.worker()).evaluate(async (change) => {
    const db = await new Promise((resolve, reject) => {
      const opening = indexedDB.open("khien");
      opening.onsuccess = () => resolve(opening.result);
      opening.onerror = () => reject(opening.error);
    });
    const store = db.transaction("reports", "readwrite").objectStore("reports");
    const all = await new Promise((resolve) => (store.getAll().onsuccess = (event) => resolve(event.target.result)));
    if (change === "asked") for (const entry of all) store.put({ ...entry, asked: 0 });
    await new Promise((resolve) => (store.transaction.oncomplete = resolve));
    db.close();
    return all;
  }, change);
}

test("while many reports come, one more brings a proof of work; pages are checked meanwhile, and the death of the worker costs nothing", async () => {
  const href = "https://busy-scam.example/";
  await world.khien.stop();
  world.khien.flags = ["--all", "0"];
  await world.khien.start();
  // Harder than the server needs it, so that there is time for all the rest.
  let asked = 0;
  world.gateway.between = async (path, answer) => {
    const challenge = answer.headers["khien-challenge"];
    if (path !== "/v1/reports" || !challenge) return answer;
    asked++;
    return { ...answer, headers: { ...answer.headers, "khien-challenge": challenge.replace(/\d+$/, "20") } };
  };
  const mark = world.gateway.log.length;
  const tab = await browser.tab();
  await browser.go(tab, href);
  const popup = await report(tab);
  await popup.close();
  await browser.hasten();
  await until("the server has asked for work", async () => {
    await browser.ring("reports");
    return asked > 0;
  });
  await browser.go(tab, "https://parcel-fee.example/");
  await browser.warned(tab);
  await browser.killWorker();
  const sent = await inInbox(href);
  const tries = world.gateway.asked("/v1/reports", mark).filter((one) => one.method === "POST");
  assert.ok(tries.length >= 2 && tries.at(-1).status === 201, JSON.stringify(tries.map((one) => one.status)));
  assert.ok(tries.slice(0, -1).every((one) => one.status === 429 && one.body.equals(tries[0].body)), "each try is the same report");
  assert.equal((await world.khien.reports("all")).filter((one) => one.id === sent.id).length, 1);
  world.gateway.behave();
  await world.khien.stop();
  world.khien.flags = [];
  await world.khien.start();
  await tab.close();
});

test("while many object, one more does too, on the warning, with a proof of work", async () => {
  await world.khien.stop();
  world.khien.flags = ["--all-appeals", "0"];
  await world.khien.start();
  const mark = world.gateway.log.length;
  const tab = await browser.tab();
  await browser.go(tab, "https://parcel-fee.example/");
  await browser.warned(tab);
  await tab.click("#mistake");
  await until("the objection is in the inbox", async () => {
    await browser.ring("reports");
    return (await world.khien.reports("all")).some((one) => one.kind === "mistake" && one.subjects.includes("parcel-fee.example/"));
  }, { within: 90_000 });
  const tries = world.gateway.asked("/v1/reports", mark).filter((one) => one.method === "POST");
  assert.deepEqual(tries.map((one) => one.status), [429, 201]);
  await world.khien.stop();
  world.khien.flags = [];
  await world.khien.start();
  await tab.close();
});

/** Whether a report says where the links of the page lead. */
async function choose(links) {
  await (await browser.worker()).evaluate((links) => chrome.storage.local.set({ settings: { sends: { address: "full", title: true, language: true, links } } }), links);
}

const shop = `<!doctype html><meta charset="utf-8"><title>A shop of lies</title>
<body style="margin:0;background:rgb(20,90,200)">
<div style="position:absolute;inset:0 50% 0 0;background:repeating-conic-gradient(#000 0 25%, #fff 0 50%) 0 0 / 6px 6px"></div>
<form action="https://collect.example/take?victim=900000000000001"></form>
<a href="https://t.me/invented_boss" style="position:absolute;top:-99px">boss</a><a href="/more" style="position:absolute;top:-99px">more</a>`;

test("a picture goes as the person has cut and covered it, by keys alone; and the report says where the page leads", async () => {
  const href = "https://shop-of-lies.example/";
  // So many pictures come that this one needs work too.
  await world.khien.stop();
  world.khien.flags = ["--all-pictures", "0"];
  await world.khien.start();
  world.web.own.set("shop-of-lies.example/", { type: "text/html; charset=utf-8", body: shop });
  const tab = await browser.tab();
  await browser.go(tab, href);
  const popup = await report(tab);
  const [editor] = await Promise.all([browser.opens(/redact\.html/), popup.click("add-picture")]);
  await editor.waitForSelector("#cover");
  const [width, height] = await editor.evaluate(() => [document.querySelector("canvas").width, document.querySelector("canvas").height]);
  assert.equal(world.gateway.asked("/v1/pictures").length, 0);

  // Tab to the tools, a cover, then the edges.
  await editor.focus("#cover");
  await editor.keyboard.press("Enter");
  await until("the covered part has the keyboard", () => editor.evaluate(() => document.activeElement.className === "cover"));
  for (let i = 0; i < 60; i++) await editor.keyboard.press("ArrowLeft"); // to the left edge, over the pattern
  await editor.focus("[data-name=top]");
  for (let i = 0; i < 2; i++) await editor.keyboard.press("Shift+ArrowDown");
  await editor.focus("[data-name=right]");
  await editor.keyboard.press("Shift+ArrowLeft");
  await editor.keyboard.press("Shift+ArrowLeft");
  await editor.keyboard.press("Control+z"); // one too many
  await editor.screenshot({ path: path.join(world.khien.dir, "redact.png") });
  await editor.focus("#send");
  await editor.keyboard.press("Enter");
  await editor.waitForFunction(() => document.querySelector("#editor").hidden);

  const sent = await inInbox(href);
  assert.deepEqual(sent.links, ["collect.example/take", "telegram:user/invented_boss"]);
  const folder = path.join(world.khien.dir, "evidence");
  const file = await until("the picture has arrived", async () => {
    await browser.ring("reports");
    const names = await readdir(folder, { recursive: true });
    return names.find((name) => name.endsWith(".jpg"));
  }, { within: 60_000 });
  const tries = await until("the picture's answer has come", () => {
    const all = world.gateway.asked("/v1/pictures").filter((one) => one.method === "POST");
    return all.every(({ status }) => status > 0) && all;
  });
  assert.deepEqual(tries.map((one) => [one.status, one.body.length > 0]), [[429, false], [201, true]]);
  await world.khien.stop();
  world.khien.flags = [];
  await world.khien.start();
  const body = await readFile(path.join(folder, file));
  const seen = await editor.evaluate(async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    const image = await createImageBitmap(new Blob([bytes]));
    const canvas = new OffscreenCanvas(image.width, image.height);
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    // How much neighbours differ within a square: the pattern that was there, or nothing.
    const contrast = (x, y) => {
      const { data } = context.getImageData(x, y, 24, 24);
      const reds = Array.from({ length: 576 }, (_, i) => data[4 * i]);
      return Math.max(...reds) - Math.min(...reds);
    };
    const at = (x, y) => [...context.getImageData(x, y, 1, 1).data];
    return { width: image.width, height: image.height, open: contrast(20, image.height - 40), covered: contrast(20, Math.round(image.height * 0.37)), blue: at(image.width - 10, 20) };
  }, body.toString("base64"));
  assert.equal(seen.width, width - 50);
  assert.equal(seen.height, height - 100);
  assert.ok(seen.open > 150, `where nothing is covered the pattern is seen: ${seen.open}`);
  assert.ok(seen.covered < 40, `where it is covered nothing is: ${seen.covered}`);
  assert.ok(Math.abs(seen.blue[0] - 20) < 15 && Math.abs(seen.blue[2] - 200) < 15, `colours are those of the page: ${seen.blue}`);
  await editor.close();
  await tab.close();
});

test("a popup that closes while the page does not answer costs nothing: the report is kept at once, and where the page leads is added; not so if that is left out", async () => {
  for (const [name, sends, links] of [
    ["busy-shop", true, ["collect.example/take", "telegram:user/invented_boss"]],
    ["quiet-shop", false, []],
  ]) {
    const href = `https://${name}.example/`;
    world.web.own.set(`${name}.example/`, { type: "text/html; charset=utf-8", body: shop });
    const tab = await browser.tab();
    await browser.go(tab, href);
    await choose(sends);
    const popup = await browser.popup(tab);
    await tab.evaluate(() => void setTimeout(() => {
      for (const end = performance.now() + 3500; performance.now() < end; );
    }));
    await popup.click("report");
    const [entry] = await until("the report is kept", async () => {
      const found = (await kept()).filter((one) => one.href === href);
      return found.length > 0 && found;
    });
    await popup.close();
    assert.equal(entry.links, undefined);
    assert.deepEqual((await inInbox(href)).links ?? [], links);
    await choose(true);
    await tab.close();
  }
});

test("a picture that is not to be sent is gone, and so is one whose report is taken back", async () => {
  const mark = world.gateway.log.length;
  const tab = await browser.tab();
  await browser.go(tab, "https://another-shop-of-lies.example/");
  const popup = await report(tab);
  const [editor] = await Promise.all([browser.opens(/redact\.html/), popup.click("add-picture")]);
  await editor.click("#discard");
  await editor.waitForFunction(() => document.querySelector("#editor").hidden);
  await editor.reload();
  await editor.waitForFunction(() => document.querySelector("#status").textContent !== "");
  assert.ok(await editor.evaluate(() => document.querySelector("#editor").hidden), "after it was discarded it is still there");
  await inInbox("https://another-shop-of-lies.example/", { sooner: true });
  await browser.ring("reports");
  assert.equal(world.gateway.asked("/v1/pictures", mark).length, 0);
  await editor.close();
  await tab.close();
});

test("what became of a report is followed to the end: received, listed, the platform told, removed", async () => {
  const account = "https://www.tiktok.com/@invented.runner";
  const tab = await browser.tab();
  await browser.go(tab, account);
  await (await report(tab)).close();
  const sent = await inInbox(account, { sooner: true });
  const mark = world.gateway.log.length;
  const asked = () => world.gateway.asked("/v1/receipts", mark);
  const state = async () => {
    await kept("asked");
    await browser.ring("receipts");
    return (await kept()).find((entry) => entry.href === account);
  };
  const reaches = (outcome) => until(`it is ${outcome}`, async () => ((await state()).outcome === outcome ? state() : undefined));
  await reaches("received");
  await world.khien.cli("reports", "accept", sent.id, "--category", "job", "--reason", "Takes a deposit and pays nothing.");
  await reaches("accepted");
  await world.khien.publish();
  await reaches("listed");
  const [{ id }] = (await world.khien.cli("takedown", "list", "--json")).trim().split("\n").map((line) => JSON.parse(line)).filter((one) => one.subject === "tiktok:user/invented.runner");
  await world.khien.cli("takedown", "state", String(id), "sent");
  await reaches("informed");
  await world.khien.cli("takedown", "state", String(id), "action-taken");
  const end = await reaches("removed");
  assert.deepEqual(end.steps.map((step) => step.state), ["received", "review", "accepted", "listed", "informed", "removed"]);
  assert.ok(asked().length > 0 && asked().every((one) => one.path === "/v1/receipts" && one.method !== "GET"), "a receipt stands in an address");

  // What has ended is not asked for again, and nobody asks twice in an hour.
  await kept("asked");
  await browser.ring("receipts");
  await until("the others are asked for", async () => (await kept()).filter((entry) => entry.asked > 0).length > 1);
  const last = asked().at(-1);
  assert.ok(!last.body.includes(end.receipt), "it is asked for again");
  const count = asked().length;
  await browser.ring("receipts");
  await until("what has rung is dealt with, and will ring another day", async () =>
    (await browser.worker()).evaluate(async () => (await chrome.alarms.get("receipts"))?.scheduledTime > Date.now() + 36e5),
  );
  assert.equal(asked().length, count);

  const options = await browser.tab();
  await options.goto(`chrome-extension://${browser.id}/options.html`);
  await options.waitForSelector(".reports .steps");
  const told = await options.innerText(".reports li:has(.steps)");
  assert.match(told, /The platform has removed it\. Thank you/);
  assert.match(told, /Received[^]*Under review[^]*Decided[^]*Listed[^]*Platform informed[^]*Removed/);
  await options.close();
  await tab.close();
});

test("what was rejected and is listed after all is told to who looks", async () => {
  const tab = await browser.tab();
  await browser.go(tab, "https://rejected-first.example/");
  await (await report(tab)).close();
  const { id } = await inInbox("https://rejected-first.example/", { sooner: true });
  const outcome = async () => (await kept()).find((entry) => entry.href === "https://rejected-first.example/").outcome;
  await world.khien.cli("reports", "reject", id, "--reason", "We saw nothing dishonest.");
  await until("it is rejected", async () => {
    await kept("asked");
    await browser.ring("receipts");
    return (await outcome()) === "rejected";
  });
  await world.khien.cli("reports", "reopen", id);
  await world.khien.cli("reports", "accept", id);
  const options = await browser.tab();
  await until("it is accepted", async () => {
    await kept("asked");
    await options.goto(`chrome-extension://${browser.id}/options.html`);
    return (await outcome()) === "accepted";
  });
  await options.close();
  await tab.close();
});
