// A person meets accounts on social networks: honest ones, and listed ones under all their addresses.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { claim } from "./fixture/claimed.mjs";
import { Marks } from "./fixture/marks.mjs";
import { until } from "./fixture/until.mjs";
import { some } from "./fixture/whole.mjs";
import { World } from "./fixture/world.mjs";

let world, browser;

before(async () => {
  world = await World.make();
  browser = await world.chromium();
});
after(() => world?.close());

/** A tab in which a person has looked at an honest account. */
async function honest() {
  const tab = await browser.tab();
  await tab.goto("https://www.facebook.com/honest.baker");
  await tab.click("h1");
  return tab;
}

/** A way in the page that changes the address without a load. */
const within = (tab, path) => tab.click(`[data-go="${path}"]`);

test("a listed account is covered under each of its addresses, on each network", async () => {
  const tab = await browser.tab();
  const addresses = {
    "Facebook account inventedgiftcentre": [
      "https://www.facebook.com/invented.gift.centre",
      "https://facebook.com/Invented.Gift.Centre/?mibextid=abc",
      "https://m.facebook.com/inventedgiftcentre",
      "https://mbasic.facebook.com/invented.gift.centre?v=info",
      "https://vi-vn.facebook.com/invented.gift.centre/photos",
    ],
    "Facebook account no. 900000000000001": [
      "https://www.facebook.com/profile.php?id=900000000000001",
      "https://m.facebook.com/profile.php?sk=about&id=900000000000001",
      "https://www.facebook.com/people/Any-Name/900000000000001/",
    ],
    "Facebook group 900000000000002": ["https://www.facebook.com/groups/900000000000002/", "https://m.facebook.com/groups/900000000000002/posts/1"],
    "TikTok account invented.quick.money": ["https://www.tiktok.com/@invented.quick.money", "https://m.tiktok.com/@Invented.Quick.Money/video/7000000000000000001"],
    "YouTube channel @inventedgiveaway": ["https://www.youtube.com/@inventedgiveaway", "https://m.youtube.com/@InventedGiveaway/videos"],
    "Telegram account invented_recovery": ["https://t.me/invented_recovery", "https://t.me/s/Invented_Recovery"],
    "Zalo official account 900000000000003456": ["https://zalo.me/900000000000003456", "https://oa.zalo.me/900000000000003456"],
    "Instagram account invented.shop": ["https://www.instagram.com/invented.shop/", "https://instagram.com/Invented.Shop/reels/"],
    "X account inventedcoins": ["https://x.com/inventedcoins", "https://twitter.com/InventedCoins/status/1000000000000000001", "https://mobile.x.com/inventedcoins"],
  };
  for (const [name, urls] of Object.entries(addresses)) {
    for (const url of some(urls, 2)) {
      await browser.go(tab, url);
      const overlay = await browser.covered(tab);
      assert.equal(await overlay.text("name"), name, url);
      assert.equal(await overlay.text("title"), / group /.test(name) ? "Stop! This is known for scams" : "Stop! This account is known for scams");
      assert.equal(/Block this account/.test(await overlay.text("now")), !/ group /.test(name));
    }
  }
  await tab.close();
});

test("other accounts, and the networks themselves, are left alone", async () => {
  const tab = await browser.tab();
  for (const url of [
    "https://www.facebook.com/",
    "https://www.facebook.com/honest.baker",
    "https://www.facebook.com/groups/900000000000001",
    "https://www.facebook.com/profile.php?id=900000000000002",
    "https://www.tiktok.com/@invented.gift.centre",
    "https://www.instagram.com/invented_shop",
    "https://x.com/search?q=inventedcoins",
  ]) {
    await browser.go(tab, url);
    assert.ok(await browser.unknownToUs(tab), url);
  }
  await tab.close();
});

test("the cover says what is wrong; nothing below it can be typed into or clicked; Leave leads back", async () => {
  const tab = await honest();
  const mark = world.web.told.length;
  await browser.go(tab, "https://m.facebook.com/invented.gift.centre");
  const overlay = await browser.covered(tab);
  assert.match(await overlay.text("title"), /Stop! This account is known for scams/);
  assert.match(await overlay.text("category"), /prize/i);
  await overlay.reads("since", /since .*20\d\d/);
  assert.ok(await overlay.focused("leave"));
  await until("the badge is there", async () => (await browser.badge(tab)) === "!");

  await tab.keyboard.type("hello");
  await tab.click('[data-go="/honest.baker"]', { timeout: 500 }).then(
    () => assert.fail("a button below the cover was clicked"),
    () => undefined,
  );
  await tab.keyboard.press("Escape");
  await tab.keyboard.press("Escape");
  assert.ok(await overlay.shows("leave"));
  assert.deepEqual(world.web.told.slice(mark).filter((one) => one.what === "typed"), []);

  assert.equal(await overlay.shows("details"), false);
  await overlay.click("reason-toggle");
  await overlay.reads("details", /Says that you won and asks for a fee/);
  await overlay.click("leave");
  await tab.waitForURL("https://www.facebook.com/honest.baker");
  await browser.uncovered(tab);
  await tab.close();
});

test("a page that fights the cover loses", async () => {
  for (const attack of [
    () => document.querySelector("khien-overlay").remove(),
    () => Object.assign(document.querySelector("khien-overlay").style, { display: "none", opacity: "0" }),
    () => document.querySelector("khien-overlay").setAttribute("inert", ""),
    () => document.querySelector("khien-overlay").setAttribute("hidden", ""),
    () => document.head.append(Object.assign(document.createElement("style"), { textContent: "khien-overlay { display: none !important }" })),
    () => (document.documentElement.innerHTML = "<body>gone</body>"),
    () => document.documentElement.replaceWith(document.createElement("html")),
    () => {
      const dialog = document.createElement("dialog");
      dialog.textContent = "All is well";
      document.body.append(dialog);
      dialog.showModal();
    },
    () => {
      const popover = Object.assign(document.createElement("div"), { popover: "manual", textContent: "All is well" });
      popover.style.cssText = "inset: 0; width: 100vw; height: 100vh";
      document.body.append(popover);
      popover.showPopover();
    },
  ]) {
    // Each in a tab of its own: one that is loaded again and again is taken away.
    const tab = await browser.tab();
    await browser.go(tab, "https://www.facebook.com/invented.gift.centre");
    const overlay = await browser.covered(tab);
    assert.equal(await tab.evaluate(() => document.querySelector("khien-overlay").shadowRoot), null);
    await tab.evaluate(attack);
    await until(`the cover is back after ${attack}`, async () => (await overlay.shows("leave")) && (await overlay.focused("leave")));
    await tab.close();
  }
});

test("a page that has defined elements by the names of ours is handed none of them", async () => {
  const tab = await browser.tab();
  await tab.addInitScript(claim);
  await browser.go(tab, "https://www.facebook.com/invented.gift.centre");
  const overlay = await browser.covered(tab);
  assert.match(await overlay.text("name"), /inventedgiftcentre/);
  assert.equal(await tab.evaluate(() => globalThis.handed), undefined);
  assert.equal(await tab.evaluate(() => document.querySelector("khien-overlay").shadowRoot), null);
  await tab.goto("https://www.instagram.com/?feed=4");
  const [mark] = await (await Marks.of(tab)).some();
  assert.equal(mark.label, "Known for scams");
  assert.equal(await tab.evaluate(() => globalThis.handed), undefined);
  await tab.close();
});

test("on the way within a page, without a load, the cover comes and goes with the account", async () => {
  const tab = await honest();
  const loads = () => world.web.visits.filter((one) => one.host === "www.facebook.com").length;
  const before = loads();
  await within(tab, "/invented.gift.centre");
  await browser.covered(tab);
  await tab.evaluate(() => history.back());
  await browser.uncovered(tab);
  await tab.evaluate(() => history.forward());
  await browser.covered(tab);
  await tab.evaluate(() => history.back());
  await browser.uncovered(tab);
  await within(tab, "/profile.php?id=900000000000001");
  const overlay = await browser.covered(tab);
  assert.equal(await overlay.text("name"), "Facebook account no. 900000000000001");
  // From one listed account to the next, and to a sub-page of the same.
  await tab.evaluate(() => history.pushState({}, "", "/invented.gift.centre"));
  await overlay.reads("name", /^Facebook account inventedgiftcentre$/);
  await tab.evaluate(() => history.replaceState({}, "", "/invented.gift.centre/photos"));
  await overlay.reads("name", /^Facebook account inventedgiftcentre$/);
  await tab.evaluate(() => history.replaceState({}, "", "/honest.baker"));
  await browser.uncovered(tab);
  assert.equal(loads(), before);
  await tab.close();
});

test("Leave on a cover that came without a load goes back within the page", async () => {
  const tab = await honest();
  await within(tab, "/invented.gift.centre");
  const overlay = await browser.covered(tab);
  await overlay.click("leave");
  await browser.uncovered(tab);
  assert.equal(tab.url(), "https://www.facebook.com/honest.baker");
  await tab.close();
});

test("go on once holds for that account in that tab", async () => {
  const tab = await honest();
  await browser.go(tab, "https://www.facebook.com/invented.gift.centre");
  await browser.decides(tab);
  assert.equal(await tab.innerText("#name"), "Facebook account inventedgiftcentre");
  await until("the reason is there", async () => /Says that you won and asks for a fee/.test(await tab.textContent("#details")));
  await tab.click("#go-on");
  await tab.waitForURL("https://www.facebook.com/invented.gift.centre");
  const popup = await browser.popup(tab);
  assert.equal(await popup.property("state", "className"), "passed");
  await popup.close();
  assert.equal(await tab.locator("khien-overlay").count(), 0);
  await within(tab, "/invented.gift.centre/photos");
  await within(tab, "/honest.baker");
  await tab.evaluate(() => history.back());
  await until("the address is back", () => tab.url().endsWith("/photos"));
  assert.equal(await tab.locator("khien-overlay").count(), 0);

  await within(tab, "/profile.php?id=900000000000001");
  await browser.covered(tab);
  const other = await browser.tab();
  await browser.go(other, "https://www.facebook.com/invented.gift.centre");
  await browser.covered(other);
  await tab.close();
  await other.close();
});

test("Leave on the page of a covered account leads back to before the account; without a before, to a new tab", async () => {
  const tab = await honest();
  await browser.go(tab, "https://www.facebook.com/invented.gift.centre");
  await browser.decides(tab);
  await tab.click("#leave");
  await tab.waitForURL("https://www.facebook.com/honest.baker");
  await browser.uncovered(tab);
  await within(tab, "/invented.gift.centre");
  await browser.decides(tab);
  await tab.click("#leave");
  await tab.waitForURL("https://www.facebook.com/honest.baker");
  await browser.uncovered(tab);
  await tab.close();

  const first = await browser.tab();
  const before = new Set(browser.tabs());
  await first.goto("about:blank");
  await first.evaluate(() => location.replace("https://www.facebook.com/invented.gift.centre"));
  await browser.decides(first);
  await first.click("#leave");
  await until("it is closed, and a new tab is there", () => first.isClosed() && browser.tabs().some((one) => !before.has(one)));
});

test("this is a mistake: said on the page of the warning, about the account alone", async () => {
  const tab = await honest();
  await browser.go(tab, "https://www.facebook.com/profile.php?id=900000000000001");
  await browser.decides(tab);
  await tab.click("#mistake");
  await until("it is on its way", async () => /facebook:id\/900000000000001/.test(await tab.innerText("#feedback")));
  const [report] = await until("the maintainers are told", async () => {
    await browser.hasten();
    const mistakes = (await world.khien.reports()).filter(({ kind }) => kind === "mistake");
    return mistakes.length > 0 && mistakes;
  });
  assert.equal(report.href ?? "", "");
  await tab.close();
});

test("a page that has its visitor click again and again where Go on once comes to be has it decide nothing", async () => {
  const tab = await honest();
  await browser.go(tab, "https://www.facebook.com/invented.gift.centre");
  await browser.decides(tab);
  const { x, y, width, height } = await tab.locator("#go-on").boundingBox();
  const end = Date.now() + 4000;
  while (Date.now() < end) await tab.mouse.click(x + width / 2, y + height / 2);
  assert.match(tab.url(), /warning\.html#/);
  // Who stops to look can decide.
  await tab.click("#go-on");
  await tab.waitForURL("https://www.facebook.com/invented.gift.centre");
  await tab.close();
});
