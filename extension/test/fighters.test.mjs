// Pages that fight what stands over them. Whatever a page does, the person sees the cover or the banner, whole and
// above everything, and can use it; or the page is gone, and the warning page stands in its place.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { arm, attacks, overBanner } from "./fixture/fights.mjs";
import { sameAs } from "./fixture/pictures.mjs";
import { until } from "./fixture/until.mjs";
import { some } from "./fixture/whole.mjs";
import { World } from "./fixture/world.mjs";

const listed = "https://www.facebook.com/invented.gift.centre";

let world, browser;

before(async () => {
  world = await World.make();
  browser = await world.chromium();
});
after(() => world?.close());

/**
 * A tab in which a person has looked at an honest account. What another story left open, because it failed, is closed.
 */
async function honest() {
  await Promise.all(browser.tabs().filter((one) => one.url() !== "about:blank").map((one) => one.close()));
  const tab = await browser.tab();
  await tab.addInitScript(arm);
  await tab.goto("https://www.facebook.com/honest.baker");
  await tab.click("h1");
  return tab;
}

/** A tab with a listed account, covered, and a picture of that before anybody has fought it. */
async function covered() {
  const tab = await honest();
  await browser.go(tab, listed);
  const overlay = await browser.covered(tab);
  await overlay.reads("since", /since .*20\d\d/);
  await tab.keyboard.press("a"); // what a page may only do once somebody has touched it, it may do now
  await until("the way out has the keyboard", () => overlay.focused("leave"));
  return { tab, overlay, picture: await browser.picture(tab) };
}

/**
 * Waits until a fight is over: what stood over the page looks as before for a while, or the page is gone, and a warning
 * stands there. Returns that one's tab, if so. A page that can only end as gone is waited for.
 */
async function outcome(tab, picture, clip, ends = ["covered", "gone"]) {
  let same = 0;
  return until("the fight is over", async () => {
    const gone = browser.tabs().find((one) => browser.isWarning(one));
    if (gone) return { gone };
    same = sameAs(picture, await browser.picture(tab, clip)) ? same + 1 : 0;
    await new Promise((resolve) => setTimeout(resolve, 150));
    return ends.includes("covered") && same >= 8 && {};
  });
}

for (const [name, { fight, ends = ["covered", "gone"] }] of some(Object.entries(attacks), 3)) {
  test(`a listed account does not get the better of its cover with ${name}`, async () => {
    const { tab, overlay, picture } = await covered();
    tab.on("dialog", () => undefined); // nobody answers what a page asks
    tab.evaluate(fight).catch(() => undefined);
    await until("the page has struck", () => world.web.heard("www.facebook.com", "struck").length > 0);
    world.web.told.length = 0;
    const { gone } = await outcome(tab, picture, undefined, ends);
    assert.ok(ends.includes(gone ? "gone" : "covered"), gone ? "the page is gone" : "the cover stands");
    if (gone) {
      await browser.warned(gone);
      assert.match(await gone.innerText("#fought"), /did not let/);
      assert.match(await gone.innerText("#name"), /inventedgiftcentre/);
      await until("nothing else is left of the page", () => browser.tabs().every((one) => one === gone || !one.url().includes("facebook")));
      return gone.close();
    }
    await until("the way out has the keyboard", () => overlay.focused("leave"));
    const shown = (is) => until(`the reason is ${is ? "" : "not "}shown`, async () => (await overlay.box("details")).height > 0 === is);
    await overlay.click("reason-toggle");
    await shown(true);
    await overlay.reads("details", /Says that you won/);
    await tab.keyboard.press("Enter");
    await shown(false);
    await tab.keyboard.press("Space");
    await shown(true);
    assert.equal(browser.isWarning(tab), false);
    await tab.close();
  });
}

test("a page that stands still before the cover has come is taken away; Leave leads back, and going on leads to it", async () => {
  const page = { type: "text/html", body: "<!doctype html><h1>This account is safe</h1><script>setTimeout(() => { for (;;); });</script>" };
  world.web.own.set("www.facebook.com/invented.gift.centre", page);
  const tab = await honest();
  await tab.evaluate(() => void location.assign("/invented.gift.centre")).catch(() => undefined);
  const gone = await until("the warning stands in its place", () => browser.tabs().find((one) => browser.isWarning(one)));
  world.web.own.set("www.facebook.com/invented.gift.centre", { ...page, body: "<!doctype html><h1>This account is safe</h1>" });
  await browser.warned(gone);
  await until("the page accepts a decision", async () => {
    if (browser.isWarning(gone)) await gone.click("#go-on", { timeout: 1000 }).catch(() => undefined);
    return gone.url() === listed;
  });
  world.web.own.clear();
  assert.equal(await gone.locator("khien-overlay").count(), 0);
  await gone.close();
});

test("Leave leads from a page that was taken away to the one before it", async () => {
  const tab = await honest();
  await tab.evaluate(() => void location.assign("/invented.gift.centre"));
  await browser.covered(tab);
  tab.evaluate(attacks["its removal, whenever it is put back"].fight).catch(() => undefined);
  await browser.warned(tab);
  await tab.click("#leave", { noWaitAfter: true });
  await until("the honest account is back", () => tab.url() === "https://www.facebook.com/honest.baker");
  await browser.uncovered(tab);
  await tab.close();
});

test("a page that loads itself anew for ever is taken away", async () => {
  const body = "<!doctype html><h1>This account is safe</h1><script>setTimeout(() => location.reload(), 300);</script>";
  world.web.own.set("www.facebook.com/invented.gift.centre", { type: "text/html", body });
  const tab = await honest();
  await tab.evaluate(() => void location.assign("/invented.gift.centre")).catch(() => undefined);
  await browser.warned(tab);
  world.web.own.clear();
  await tab.close();
});

/** What honest pages have open when a person comes from them to a listed account, without a load. */
const open = {
  "a dialog": () => document.body.appendChild(Object.assign(document.createElement("dialog"), { textContent: "Write a message" })).showModal(),
  "a menu": () => fights.popover("position: fixed; inset: 0 auto auto 0; width: 300px; height: 300px;"),
  "a dialog in a component": () => fights.closed("dialog", "width: 300px").showModal(),
  "a video over all of the screen": () => document.body.appendChild(document.createElement("video")).requestFullscreen(),
  "a root that is larger": () => void document.documentElement.style.setProperty("zoom", "1.25"),
};

/** Time for whatever a page or we would do by ourselves, but for the long silences. */
const rest = () => new Promise((resolve) => setTimeout(resolve, 3000));

/** A cover that nobody has fought. */
let plain;

for (const [name, make] of some(Object.entries(open), 2)) {
  test(`an honest page with ${name} is covered as any other, keeps its tab, and has back what it had`, async () => {
    plain ??= (await covered()).picture;
    const tab = await honest();
    await tab.evaluate(make);
    const zoom = () => tab.evaluate(() => document.documentElement.getAttribute("style") ?? "");
    const before = await zoom();
    await tab.evaluate(() => history.pushState({}, "", "/invented.gift.centre"));
    const overlay = await browser.covered(tab);
    await overlay.reads("since", /since .*20\d\d/);
    assert.deepEqual(await outcome(tab, plain), {});
    await rest();
    assert.ok(sameAs(plain, await browser.picture(tab)));
    await tab.evaluate(() => history.back());
    await browser.uncovered(tab);
    assert.equal(await zoom(), before);
    await tab.close();
  });
}

test("what plays in a page is paused under the cover, in the document and in a window of its own", async () => {
  const tab = await honest();
  const media = () => tab.evaluate(() => ({ paused: [...document.querySelectorAll("video, audio")].map((one) => one.paused), floats: document.pictureInPictureElement !== null }));
  await tab.evaluate(async () => {
    // A second of silence, in 8,000 samples of a byte each.
    const head = [0x46464952, 8036, 0x45564157, 0x20746d66, 16, 0x00010001, 8000, 8000, 0x00080001, 0x61746164, 8000];
    const sound = new Blob([new Uint32Array(head), new Uint8Array(8000).fill(128)], { type: "audio/wav" });
    const audio = Object.assign(document.createElement("audio"), { loop: true, src: URL.createObjectURL(sound) });
    const canvas = document.createElement("canvas");
    canvas.getContext("2d").fillRect(0, 0, 10, 10);
    const video = Object.assign(document.createElement("video"), { muted: true, srcObject: canvas.captureStream() });
    document.body.append(audio, video);
    await Promise.all([audio.play(), video.play()]);
    await video.requestPictureInPicture();
  });
  assert.deepEqual(await media(), { paused: [false, false], floats: true });
  await tab.evaluate(() => history.pushState({}, "", "/invented.gift.centre"));
  await browser.covered(tab);
  await until("all of it has ended", async () => {
    const { paused, floats } = await media();
    return !floats && paused.every(Boolean);
  });
  await tab.close();
});

test("a page that a person makes larger in the browser, or leaves behind another, stays covered", async () => {
  const { tab, overlay, picture } = await covered();
  const larger = async (factor) =>
    (await browser.worker()).evaluate(async (factor) => {
      const [{ id }] = await chrome.tabs.query({ active: true, lastFocusedWindow: true });
      await chrome.tabs.setZoom(id, factor);
    }, factor);
  await larger(1.5);
  await until("it is larger", async () => !sameAs(picture, await browser.picture(tab)));
  await rest();
  assert.ok(await overlay.shows("leave"));
  await larger(1);
  assert.deepEqual(await outcome(tab, picture), {});
  const other = await browser.tab();
  await other.bringToFront();
  await rest();
  await tab.bringToFront();
  assert.deepEqual(await outcome(tab, picture), {});
  await browser.killWorker();
  await rest();
  assert.deepEqual(await outcome(tab, picture), {});
  await Promise.all([tab.close(), other.close()]);
});

/**
 * Has the long waits of the worker, all that are longer than those with a page that is there, end when a story says so,
 * for as long as that lasts. Returns what lets so many ms of them pass.
 */
async function passing(story) {
  const worker = await browser.worker();
  await worker.evaluate(() => {
    const { setTimeout: set, clearTimeout: clear } = globalThis;
    const waits = new Map();
    let now = 0;
    let last = 0;
    globalThis.setTimeout = (done, ms, ...rest) => {
      if (!(ms >= 4000)) return set(done, ms, ...rest);
      waits.set(`long ${++last}`, { done, at: now + ms });
      return `long ${last}`;
    };
    globalThis.clearTimeout = (id) => void (waits.delete(id) || clear(id));
    globalThis.waiting = () => waits.size;
    globalThis.pass = async (ms) => {
      const end = now + ms;
      for (;;) {
        const [id, next] = [...waits].sort(([, a], [, b]) => a.at - b.at)[0] ?? [];
        if (!next || next.at > end) break;
        waits.delete(id);
        now = next.at;
        next.done();
        await new Promise((resolve) => set(resolve, 200)); // for what follows to be waited for
      }
      now = end;
    };
  });
  story.after(() => browser.killWorker());
  await until("what stands over the page is waited for anew", () => worker.evaluate(() => waiting() > 0));
  return (ms) => worker.evaluate((ms) => pass(ms), ms);
}

/**
 * Has our script in a tab told by the browser that nobody sees its window, which no automation can hide, and waits
 * until the worker has heard so.
 */
async function outOfSight(tab) {
  const heard = (await browser.worker()).evaluate(
    () => new Promise((resolve) => chrome.runtime.onMessage.addListener((message) => void (message.body?.state === "hidden" && resolve()))),
  );
  const session = await tab.context().newCDPSession(tab);
  session.on("Runtime.executionContextCreated", ({ context: { uniqueId, origin } }) => {
    if (!origin.includes(browser.id)) return;
    const expression = 'Object.defineProperty(document, "visibilityState", { value: "hidden" })';
    void session.send("Runtime.evaluate", { uniqueContextId: uniqueId, expression }).catch(() => undefined);
  });
  await session.send("Runtime.enable");
  await heard;
  await session.detach();
}

test("a listed account that stands still while its window is out of sight does not wait there to be seen again", async (story) => {
  const { tab } = await covered();
  const pass = await passing(story);
  await outOfSight(tab);
  await pass(60_000);
  assert.equal(browser.isWarning(tab), false);
  tab.evaluate(attacks["a page that stands still"].fight).catch(() => undefined);
  await until("the page has struck", () => world.web.heard("www.facebook.com", "struck").length > 0);
  world.web.told.length = 0;
  const gone = await until("a warning stands in its place", async () => {
    await pass(5000);
    return browser.tabs().find((one) => browser.isWarning(one));
  });
  await browser.warned(gone);
  await until("nothing else is left of the page", () => browser.tabs().every((one) => one === gone || !one.url().includes("facebook")));
  await gone.close();
});

/** A tab with an honest account that holds a listed page in a frame, the banner over it, and a picture of that. */
async function framed() {
  const tab = await honest();
  await tab.evaluate(() => void document.body.append(Object.assign(document.createElement("iframe"), { src: "https://parcel-fee.example/pay", id: "inner" })));
  const banner = await browser.banner(tab);
  const bar = () => banner.box("title");
  await until("it has come to rest", async () => JSON.stringify(await bar()) === JSON.stringify(await bar()));
  const { x, y, width, height } = await bar();
  const clip = { x, y, width, height, scale: 1 };
  return { tab, banner, clip, picture: await browser.picture(tab, clip) };
}

/** Nothing of a page is lost, and no warning has come in front of it. */
async function isKept(tab, { picture, clip }) {
  assert.equal(browser.tabs().some((one) => browser.isWarning(one)), false);
  assert.deepEqual(await outcome(tab, picture, clip), {});
  assert.equal(await tab.inputValue("#letter"), "an hour of work");
}

const write = (tab) => tab.evaluate(() => (document.body.appendChild(Object.assign(document.createElement("textarea"), { id: "letter" })).value = "an hour of work"));

test("an honest page under a banner that asks something, and waits long for the answer, is kept; so is one that stands still, behind the warning", async (story) => {
  const { tab, clip, picture } = await framed();
  await write(tab);
  const pass = await passing(story);
  const asks = tab.waitForEvent("dialog");
  tab.evaluate(() => void setTimeout(() => confirm("Send the letter now?"))).catch(() => undefined);
  const question = await asks;
  await pass(60_000);
  await question.accept();
  await isKept(tab, { picture, clip });
  tab.evaluate(() => {
    fights.struck();
    setTimeout(() => { for (;;); });
  }).catch(() => undefined);
  await until("the page stands still", () => world.web.heard("www.facebook.com", "struck").length > 0);
  world.web.told.length = 0;
  const warning = await until("a warning is opened in front of it", async () => {
    await pass(10_000);
    return browser.tabs().find((one) => browser.isWarning(one));
  });
  await browser.warned(warning);
  assert.match(await warning.innerText("#name"), /parcel-fee\.example/);
  assert.notEqual(warning, tab);
  assert.equal(tab.url(), "https://www.facebook.com/honest.baker");
  await Promise.all([warning.close(), tab.close()]);
});

for (const [name, { fight, ends }] of some(Object.entries(overBanner), 4)) {
  test(`a page does not get the better of the banner over it with ${name}`, async () => {
    const { tab, banner, clip, picture } = await framed();
    tab.evaluate(fight).catch(() => undefined);
    await until("the page has struck", () => world.web.heard("www.facebook.com", "struck").length > 0);
    world.web.told.length = 0;
    const { gone } = await outcome(tab, picture, clip, ends);
    assert.ok(ends.includes(gone ? "gone" : "covered"), gone ? "the page is gone" : "the banner stands");
    if (gone) {
      await browser.warned(gone);
      assert.match(await gone.innerText("#name"), /parcel-fee\.example/);
      assert.match(await gone.innerText("#fought"), /did not let/);
      return gone.close();
    }
    await banner.click("reason-toggle");
    await banner.reads("why", /Asks for a card number/);
    assert.equal(browser.isWarning(tab), false);
    await tab.close();
  });
}

test("an honest page may open and close dialogs, menus and videos beside its banner", async () => {
  const { tab, banner, clip, picture } = await framed();
  await tab.evaluate(() => {
    globalThis.video = document.body.appendChild(document.createElement("video"));
    globalThis.dialog = fights.closed("dialog", "width: 300px; height: 100px;");
    globalThis.menu = fights.closed("div", "position: fixed; inset: 0 auto auto 0; width: 300px; height: 100px;");
    menu.popover = "auto";
  });
  for (const [begin, end, isUsable] of [
    [() => dialog.showModal(), () => dialog.close(), true],
    [() => menu.showPopover(), () => menu.hidePopover(), true],
    [() => video.requestFullscreen(), () => document.exitFullscreen(), false],
  ]) {
    await tab.evaluate(begin);
    assert.deepEqual(await outcome(tab, picture, clip), {});
    for (const shows of isUsable ? [true, false] : []) {
      await banner.click("reason-toggle");
      await until("the reason comes and goes", async () => (await banner.shows("why")) === shows);
    }
    await tab.evaluate(end);
    assert.deepEqual(await outcome(tab, picture, clip), {});
  }
  await rest();
  assert.equal(browser.isWarning(tab), false);
  await tab.close();
});

test("an honest page may have one menu after the other opened under its banner, and be made dark by whoever wants that", async () => {
  const { tab, clip, picture } = await framed();
  await write(tab);
  await tab.evaluate(async () => {
    const dark = () => document.documentElement.style.setProperty("filter", "invert(1) hue-rotate(180deg)", "important");
    const darker = new MutationObserver(() => document.documentElement.style.filter.includes("invert") || dark());
    darker.observe(document.documentElement, { attributes: true });
    dark();
    for (let menus = 0; menus < 12; menus++) {
      const menu = fights.closed("div", "position: fixed; inset: 0 auto auto 0; width: 300px; height: 100px;");
      menu.popover = "auto";
      menu.showPopover();
      await new Promise((resolve) => setTimeout(resolve, 250));
      menu.hidePopover();
    }
  });
  await isKept(tab, { picture, clip });
  await tab.close();
});
