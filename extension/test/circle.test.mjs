// The whole circle: somebody reports an account, a maintainer decides, and the account
// warns on a device that has never heard of the report. The worker dies between all steps.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { until } from "./fixture/until.mjs";
import { World } from "./fixture/world.mjs";

const account = "https://www.tiktok.com/@invented.newcomer";

let world, reporter, visitor;

before(async () => {
  world = await World.make();
  reporter = await world.chromium();
  visitor = await world.chromium();
});
after(() => world?.close());

/** Presses the one button and waits until the report can no longer be taken back. */
async function report(browser, url) {
  const tab = await browser.tab();
  await browser.go(tab, url);
  const popup = await browser.popup(tab);
  await popup.click("report");
  await until("the report is kept", () => popup.shows("describe"));
  return { tab, popup };
}

test("one click, a decision and a release later the account warns on another device, by a delta of a few bytes", async () => {
  const clean = await visitor.tab();
  await clean.goto(account);
  assert.ok(await visitor.unknownToUs(clean));
  const mark = world.gateway.log.length;

  const { tab, popup } = await report(reporter, account + "?_t=1#comments");
  await popup.close();
  await reporter.killWorker();
  const [sent] = await until("the report is in the inbox", async () => {
    await reporter.ring("reports");
    const list = await world.khien.reports();
    return list.length > 0 && list;
  });
  assert.deepEqual(sent.subjects.slice(0, 1), ["tiktok:user/invented.newcomer"]);
  assert.equal(sent.href, account + "?_t=1");
  assert.equal(sent.kind, "scam");

  await world.khien.cli("reports", "accept", sent.id, "--category", "job");
  const release = await world.khien.publish();
  assert.equal(release.added, 1);

  await visitor.killWorker();
  await visitor.ring("update");
  await visitor.covered(clean);
  const overlay = await visitor.overlay(clean);
  await overlay.reads("category", /Fake job/);
  assert.equal(world.gateway.asked("/v1/blob/", mark).length, 0, "the whole set was fetched");
  const deltas = world.gateway.asked("/v1/delta/", mark);
  assert.ok(deltas.length >= 1 && deltas.every((one) => one.status === 200));
  await clean.close();

  // The reporter's own device learns of it too, and what became of the report.
  await reporter.killWorker();
  await reporter.ring("update");
  await reporter.covered(tab);
  await tab.close();
});

test("kind and note can be added after the click, under the same report", async () => {
  const { tab, popup } = await report(reporter, "https://www.tiktok.com/@invented.second?x");
  await popup.choose("kind", "loan");
  await popup.type("note", "asks for a fee first");
  await popup.click("send-details");
  const [sent] = await until("the report is in the inbox with its kind", async () => {
    const list = await world.khien.reports();
    return list.length > 0 && list[0].category === "loan" && list;
  });
  assert.equal(sent.note, "asks for a fee first");
  await popup.reads("receipt", /received/i);
  await popup.close();
  await tab.close();
});

test("undo within five seconds: nothing is sent", async () => {
  const mark = world.gateway.log.length;
  const { tab, popup } = await report(reporter, "https://www.tiktok.com/@honest.baker");
  await popup.click("undo");
  await until("the button is back", async () => (await popup.shows("report")) && !(await popup.property("report", "disabled")));
  assert.deepEqual(await reporter.hasten(), {}, "one waits whose time has come"); // and would go now
  await reporter.ring("update");
  await until("the update has asked", () => world.gateway.asked("/v1/head", mark).length > 0);
  assert.deepEqual(world.gateway.asked("/v1/reports", mark), []);
  await popup.close();
  await tab.close();
});

test("with the server down a report waits on the disk, and arrives once when the server is back", async () => {
  const before = (await world.khien.reports("all")).length;
  const mark = world.gateway.log.length;
  await world.khien.stop();
  const href = "https://www.tiktok.com/@invented.patience";
  const { tab, popup } = await report(reporter, href);
  await popup.close();
  await reporter.hasten();
  const rung = (what, there) => until(what, async () => {
    await reporter.ring("reports");
    return there();
  });
  await rung("it was tried in vain", () => world.gateway.asked("/v1/reports", mark).length > 0);
  assert.ok(world.gateway.asked("/v1/reports", mark).every((one) => one.status === 0));
  await reporter.killWorker();
  // The answer to the first try after that is lost on the way: the report comes a second time.
  let lost = false;
  world.gateway.between = async (path, answer) => {
    if (path !== "/v1/reports" || lost) return answer;
    lost = true;
    return undefined;
  };
  await world.khien.start();
  // It is tried again by itself: 15 seconds after the first time, 30 after the second, and up to a quarter more.
  const second = (await reporter.hasten())[href];
  assert.ok(second <= 18_750, `the second try is ${second} ms away`);
  await rung("the answer is lost", () => lost);
  await until("it waits again", async () => {
    const third = (await reporter.hasten())[href];
    return third > 0 && third <= 37_500;
  });
  await rung("the server has acknowledged it", () => world.gateway.asked("/v1/reports", mark).some((one) => one.status === 200 || one.status === 201));
  world.gateway.behave();
  const list = await world.khien.reports("all");
  assert.equal(list.length, before + 1);
  assert.equal(list.filter((one) => one.subjects[0] === "tiktok:user/invented.patience").length, 1);
  await tab.close();
});

test("a browser that starts again without a network still warns, and says that it could not ask", async () => {
  await world.khien.stop();
  const profile = await visitor.quit();
  visitor = await world.chromium({ profile });
  const tab = await visitor.tab();
  await visitor.go(tab, "https://parcel-fee.example/");
  await visitor.warned(tab);
  await until("it says from when the list is", async () => /20\d\d/.test(await tab.innerText("#since")));
  const second = await visitor.tab();
  await visitor.go(second, account);
  await visitor.covered(second);
  await world.khien.start();
});
