// Every way into a listed page leads to the warning, and nothing else does. Once as the extension is installed, and
// once where a person has granted access to all sites, so that the browser holds the hottest hosts back by itself.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { claim } from "./fixture/claimed.mjs";
import { Unwatched } from "./fixture/unwatched.mjs";
import { until } from "./fixture/until.mjs";
import { World } from "./fixture/world.mjs";

const listed = "https://parcel-fee.example/pay?id=7";
const host = "parcel-fee.example";

let world, web, usual, trusted;

before(async () => {
  world = await World.make();
  web = world.web;
  trusted = await world.chromiumWithAccess();
  usual = await world.chromium({ keepsPages: true });
});
after(() => world?.close());

async function honest(browser, url = "https://honest-shop.example/") {
  const tab = await browser.tab();
  await tab.goto(url);
  await tab.click("h1");
  return tab;
}

async function follow(tab, href, { target = "", button = "left" } = {}) {
  await tab.evaluate(([href, target]) => Object.assign(document.getElementById("next"), { href, target }), [href, target]);
  await tab.click("#next", { noWaitAfter: true, button });
}

const through = (to, host = "short-link.example") => `https://${host}/~/to?url=${encodeURIComponent(to)}`;

/** How often a host was asked for a page since a mark. */
const asked = (mark, name = host) => web.visits.slice(mark).filter((one) => one.host === name).length;

/** Asks the worker as a page of the extension. */
async function ask(page, name) {
  return (await page.evaluate((message) => chrome.runtime.sendMessage(message), { ask: name, body: null })).ok;
}

test("where access is granted, the browser's own rules hold the hot hosts", async () => {
  const [with_, without] = await Promise.all([trusted.inside(), usual.inside()]);
  await until("the rules are there", async () => (await ask(with_, "access.state")).hosts === 1);
  assert.deepEqual(await ask(with_, "access.state"), { granted: true, hosts: 1 });
  assert.deepEqual(await ask(without, "access.state"), { granted: false, hosts: 0 });
  await Promise.all([with_.close(), without.close()]);
});

const ways = {
  "an address typed by hand": (browser, tab) => browser.go(tab, listed),
  "a link": (browser, tab) => follow(tab, listed),
  "two redirects": (browser, tab) => follow(tab, through(through(listed, "second-hop.example"))),
  "a sub-domain over plain http": (browser, tab) => follow(tab, "http://your.bank.parcel-fee.example/login"),
  "a form": (browser, tab) => tab.evaluate((action) => {
    const form = Object.assign(document.createElement("form"), { action, method: "post" });
    document.body.append(form);
    form.submit();
  }, listed),
  "a script": (browser, tab) => tab.evaluate((href) => location.assign(href), listed),
  "a page that refreshes itself": (browser, tab) => tab.evaluate((href) => {
    document.head.append(Object.assign(document.createElement("meta"), { httpEquiv: "refresh", content: `0;url=${href}` }));
  }, listed),
};

for (const [name, way] of Object.entries(ways)) {
  test(`${name} leads to the warning; Leave leads back`, async () => {
    for (const browser of [usual, trusted]) {
      const tab = await honest(browser);
      const mark = web.visits.length;
      const told = web.told.length;
      const seen = [];
      tab.on("framenavigated", (frame) => frame === tab.mainFrame() && seen.push(frame.url()));
      await way(browser, tab);
      await browser.warned(tab);
      if (browser === trusted) assert.ok(seen.every((url) => url.startsWith("chrome-extension:")), `something else flashed: ${seen}`);
      assert.match(await tab.innerText("#name"), /parcel-fee\.example$/);
      assert.match(new URL(tab.url()).hash, /^#[0-9a-f]{32}$/);
      await until("the badge is there", async () => (await browser.badge(tab)) === "!");
      if (browser === trusted) assert.equal(asked(mark), 0, "the page was asked for");
      assert.deepEqual(web.told.slice(told).filter((one) => one.host === host && one.what !== "ran" && one.what !== "alive"), []);
      // A page that refreshes itself has left the history.
      if (!name.includes("refreshes")) {
        await tab.click("#leave", { noWaitAfter: true });
        await until("the honest page is back", () => tab.url() === "https://honest-shop.example/");
      }
      await tab.close();
    }
  });
}

test("a link into a new tab, a middle click and window.open lead to the warning there, and leave the page alone", async () => {
  for (const browser of [usual, trusted]) {
    for (const way of [
      (tab) => follow(tab, listed, { target: "_blank" }),
      (tab) => follow(tab, listed, { button: "middle" }),
      (tab) => tab.evaluate((href) => void open(href), listed),
      (tab) => tab.evaluate((href) => void (open("about:blank").location = href), listed),
    ]) {
      const tab = await honest(browser);
      const before = browser.tabs();
      await way(tab);
      const opened = await until("another tab is there", () => browser.tabs().find((one) => !before.includes(one)));
      await browser.warned(opened);
      assert.equal(tab.url(), "https://honest-shop.example/");
      await opened.close();
      await tab.close();
    }
  }
});

test("go on once is good for that tab alone: not for a second one, for a page that was let through, nor for another listed site", async () => {
  for (const browser of [usual, trusted]) {
    const tab = await honest(browser);
    await follow(tab, listed);
    await browser.warned(tab);
    const warning = tab.url();
    await tab.click("#go-on");
    await tab.waitForURL(listed);
    await browser.go(tab, "https://www.parcel-fee.example/another/page");
    assert.equal(await tab.innerText("h1"), "www.parcel-fee.example");
    await browser.go(tab, "https://pages.example/stolen-shop/");
    await browser.warned(tab);

    await browser.go(tab, listed);
    const tabs = browser.tabs();
    await tab.evaluate((href) => void open(href), listed);
    const opened = await until("the page has opened a tab", () => browser.tabs().find((one) => !tabs.includes(one)));
    await browser.warned(opened);
    // The name of somebody else's warning is worth nothing here.
    await opened.goto("https://honest-bank.example/");
    await opened.goto(warning);
    await until("it says that the warning is over", () => opened.isVisible("#over"));
    assert.equal(await opened.locator("#go-on").count(), 0);
    await opened.close();

    // Nor can a page of the web go there, look into it, or put it into a frame.
    await browser.go(tab, "https://honest-shop.example/");
    await frame(tab, warning);
    await until("what is in the frame is closed to the page", () => tab.evaluate(() => document.getElementById("inner").contentDocument === null));
    assert.ok(tab.frames().every((frame) => !frame.url().startsWith("chrome-extension:")));
    await tab.evaluate((to) => (location.href = to), warning);
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.equal(await browser.badge(tab), "");
    await tab.close();
  }
});

test("the address that a rule hands over is believed in nothing: only what the list says of it counts", async () => {
  for (const browser of [usual, trusted]) {
    const tab = await browser.tab();
    for (const made of ["https://honest-shop.example/", "https://www.facebook.com/", "javascript:alert(1)", "https://", "https://parcel-fee.example@honest-shop.example/"]) {
      await tab.goto("about:blank");
      await tab.goto(`chrome-extension://${browser.id}/warning.html#${made}`);
      await until("it says that the warning is over", () => tab.isVisible("#over"));
      assert.equal(await tab.locator("#go-on").count(), 0, made);
      assert.match(tab.url(), /^chrome-extension:/);
    }
    await tab.goto("about:blank");
    await tab.goto(`chrome-extension://${browser.id}/warning.html#${listed}`);
    await browser.warned(tab);
    assert.equal(await tab.innerText("#name"), host);
    await tab.close();
  }
});

test("a worker that has been stopped misses nothing", async () => {
  for (const browser of [usual, trusted]) {
    for (const way of [(tab) => browser.go(tab, listed), (tab) => follow(tab, listed)]) {
      const tab = await honest(browser);
      const mark = web.visits.length;
      await browser.killWorker();
      await way(tab);
      await browser.warned(tab);
      if (browser === trusted) assert.equal(asked(mark), 0);
      await tab.close();
    }
  }
});

test("a tab that has moved on is left where it is when the answer comes", async () => {
  for (const browser of [usual, trusted]) {
    const tab = await honest(browser);
    if (browser === usual) await browser.killWorker(); // the answer takes its time
    await tab.evaluate((href) => {
      location.assign(href);
      setTimeout(() => location.assign("/next"), 0);
    }, listed);
    await until("it is at the second page", () => tab.url() === "https://honest-shop.example/next");
    await new Promise((resolve) => setTimeout(resolve, 1500));
    assert.ok(await browser.unknownToUs(tab), `it is at ${tab.url()}`);
    await tab.close();
  }
});

/** What a page does to seem left, while the worker that has been stopped still looks at where it came from. */
const seemings = {
  "leads to what never comes": "location = 'https://elsewhere.example/~/told?what=never'",
  "leads to what is no page": "location = 'https://elsewhere.example/~/tell?what=seeming'",
  "gives itself another name": "history.replaceState(null, '', '/')",
};
for (const [name, script] of Object.entries(seemings)) {
  test(`a listed page that at once ${name} is not taken for one that was left`, async () => {
    const body = `<!doctype html><title>x</title><script>${script}</script><h1>Stolen</h1>`;
    web.own.set("pages.example/stolen-shop/", { type: "text/html", body });
    const tab = await honest(usual);
    await usual.killWorker();
    tab.evaluate(() => void (location = "http://pages.example/stolen-shop/")).catch(() => undefined);
    await usual.warned(tab);
    web.own.delete("pages.example/stolen-shop/");
    await tab.click("#leave", { noWaitAfter: true });
    await until("the honest page is back", () => tab.url() === "https://honest-shop.example/");
    await tab.close();
  });
}

/**
 * How many tabs there are, with those that the browser has put to sleep: they come again when somebody looks at them.
 */
const tabs = async () => (await usual.worker()).evaluate(async () => (await chrome.tabs.query({})).length);

/** What a page does, once somebody has touched it, to stay where the warning should stand. */
const stays = {
  "asks whether it may be left": () => addEventListener("beforeunload", (event) => event.preventDefault()),
  "leads on and on": () => setInterval(() => (location = "https://elsewhere.example/~/tell?what=seeming"), 50),
};
for (const [name, stay] of Object.entries(stays)) {
  test(`a page that ${name} when it becomes a listed one is closed, and the warning stands beside it`, async () => {
    web.own.set("pages.example/", { type: "text/html", body: "<!doctype html><title>x</title><h1>A shop</h1>" });
    const other = await honest(usual);
    const before = await tabs();
    const tab = await honest(usual, "http://pages.example/");
    tab.on("dialog", (dialog) => void dialog.dismiss().catch(() => undefined));
    tab.evaluate(`(${stay})(); history.pushState({}, "", "/stolen-shop/")`).catch(() => undefined);
    const gone = await until("the warning is there", () => usual.tabs().find((one) => usual.isWarning(one)));
    await usual.warned(gone);
    await until("nothing is left but the warning", async () => (await tabs()) === before + 1);
    assert.ok(usual.tabs().every((one) => !one.url().includes("pages.example")));
    assert.equal(other.url(), "https://honest-shop.example/");
    web.own.delete("pages.example/");
    await gone.close();
    await other.close();
  });
}

test("a page that asks whether it may be left, and lets itself go to another listed one while it is closed, leaves one warning", async () => {
  web.own.set("pages.example/", { type: "text/html", body: "<!doctype html><title>x</title><h1>A shop</h1>" });
  const before = await tabs();
  const tab = await honest(usual, "http://pages.example/");
  tab.on("dialog", (dialog) => void dialog.dismiss().catch(() => undefined));
  const stay = () => {
    let questions = 0;
    let goes = false;
    addEventListener("beforeunload", (event) => {
      if (goes) return;
      event.preventDefault();
      // Once for the warning in its place, and once for the end of its tab.
      if (++questions === 2) setTimeout(() => (goes = true) && location.assign("/stolen-shop/?again"));
    });
  };
  tab.evaluate(`(${stay})(); history.pushState({}, "", "/stolen-shop/")`).catch(() => undefined);
  const gone = await until("the warning is there", () => usual.tabs().find((one) => one !== tab && usual.isWarning(one)));
  await usual.warned(gone);
  await until("nothing is left but the warning", async () => (await tabs()) === before + 1);
  web.own.delete("pages.example/");
  await gone.close();
});

test("what has come in place of a page that is about to be closed is left alone", async () => {
  web.own.set("pages.example/", { type: "text/html", body: "<!doctype html><title>x</title><h1>A shop</h1>" });
  const before = await tabs();
  const tab = await honest(usual, "http://pages.example/");
  tab.on("dialog", (dialog) => void dialog.dismiss().catch(() => undefined));
  const worker = await usual.worker();
  await worker.evaluate(() => {
    const { create } = chrome.tabs;
    // The tab beside takes its time.
    chrome.tabs.create = async (where) => {
      const made = await create(where);
      await new Promise((resolve) => (globalThis.goOn = resolve));
      return made;
    };
  });
  const stay = () => {
    globalThis.stay = (event) => event.preventDefault();
    addEventListener("beforeunload", stay);
  };
  tab.evaluate(`(${stay})(); history.pushState({}, "", "/stolen-shop/")`).catch(() => undefined);
  await until("a tab for the warning is there", () => worker.evaluate(() => globalThis.goOn !== undefined));
  const mark = web.told.length;
  await tab.evaluate(() => (removeEventListener("beforeunload", stay), void location.assign("https://honest-shop.example/")));
  await web.hear("honest-shop.example", "alive", { since: mark });
  await worker.evaluate(() => goOn());
  await until("nothing else is left", async () => (await tabs()) === before + 1);
  assert.equal(await tab.innerText("h1"), "honest-shop.example");
  web.own.delete("pages.example/");
  await usual.killWorker();
  await tab.close();
});

test("a page that a listed one has made, and that asks whether it may be left, is closed, and the warning stands beside it", async () => {
  const tab = await honest(usual);
  await follow(tab, listed);
  await usual.warned(tab);
  await tab.click("#go-on");
  await tab.waitForURL(listed);
  await tab.evaluate(() => void (location = URL.createObjectURL(new Blob(["<h1>Your bank</h1>"], { type: "text/html" }))));
  await until("the page is there", () => tab.url().startsWith("blob:"));
  tab.on("dialog", (dialog) => void dialog.dismiss().catch(() => undefined));
  await tab.click("h1");
  await tab.evaluate(() => addEventListener("beforeunload", (event) => event.preventDefault()));
  const ours = await usual.inside();
  const before = await tabs();
  await ask(ours, "options.erase"); // what was let through is let through no more
  const gone = await until("the warning is there", () => usual.tabs().find((one) => usual.isWarning(one)));
  await usual.warned(gone);
  await until("nothing is left but the warning", async () => (await tabs()) === before && usual.tabs().every((one) => !one.url().startsWith("blob:")));
  assert.match(await gone.innerText("#name"), /parcel-fee\.example/);
  await Promise.all([gone.close(), ours.close()]);
});

test("where somebody goes on, the popup says of what the site makes there the same as the badge", async () => {
  const tab = await honest(usual);
  await follow(tab, listed);
  await usual.warned(tab);
  await tab.click("#go-on");
  await tab.waitForURL(listed);
  await tab.evaluate(() => void (location = URL.createObjectURL(new Blob(["<h1>Your bank</h1>"], { type: "text/html" }))));
  await until("the page is there", () => tab.url().startsWith("blob:"));
  await until("the badge is there", async () => (await usual.badge(tab)) === "!");
  const popup = await usual.popup(tab);
  assert.equal(await popup.property("state", "className"), "passed");
  assert.match(await popup.text("address"), /^parcel-fee\.example/);
  await popup.close();
  await tab.close();
});

test("a page fetched ahead is not warned about before somebody goes there", async () => {
  for (const browser of [usual, trusted]) {
    const tab = await honest(browser);
    await tab.evaluate((href) => {
      const rules = { prefetch: [{ source: "list", urls: [href], eagerness: "immediate" }] };
      document.head.append(
        Object.assign(document.createElement("script"), { type: "speculationrules", textContent: JSON.stringify(rules) }),
        Object.assign(document.createElement("link"), { rel: "prefetch", href }),
      );
    }, listed);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    assert.ok(await browser.unknownToUs(tab));
    assert.equal(await browser.badge(tab), "");
    await follow(tab, listed);
    await browser.warned(tab);
    await tab.close();
  }
});

test("a page rendered ahead is not warned about while nobody sees it, and is when somebody does", async () => {
  const browser = await Unwatched.start({ folder: `${world.extension}/chromium`, web });
  try {
    const mark = web.told.length;
    await browser.open("https://pages.example/~/ahead/stolen-shop/");
    await web.hear("pages.example", "rendered ahead", { since: mark });
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const before = await browser.addresses();
    assert.ok(before.includes("https://pages.example/~/ahead/stolen-shop/"), before.join(" "));
    assert.ok(before.every((url) => !url.includes("warning.html")), before.join(" "));
    await until("the warning is there", async () => (await browser.addresses()).some((url) => url.includes("/warning.html#")));
    // Whether the page that was rendered ahead is what is shown now, or is loaded once more, is the browser's choice.
  } finally {
    await browser.close();
  }
});

test("a page kept for the way back is warned about if it was listed meanwhile", async () => {
  // Another tab that opens meanwhile makes the browser drop the page; a busy machine now and then does too.
  const ours = await usual.inside();
  let kept = false;
  for (const host of ["soon-listed.example", "listed-then.example", "listed-last.example"]) {
    const tab = await honest(usual, `https://${host}/`);
    await follow(tab, "https://honest-shop.example/");
    await tab.waitForURL("https://honest-shop.example/");
    const { sequence } = await ask(ours, "popup.protection");
    await world.khien.list("urls", host);
    await until("the list has come", async () => (await ask(ours, "popup.refresh")).sequence > sequence);
    const mark = web.visits.length;
    await tab.evaluate(() => void setTimeout(() => history.back())); // not before this is answered
    await usual.warned(tab);
    assert.ok((await tab.innerText("#name")).startsWith(host));
    await tab.close();
    if ((kept = asked(mark, host) === 0)) break;
  }
  // On a slow machine they were kept as met before they were listed: what is told late of them would stand on the
  // toolbar from now on.
  await ask(ours, "late.clear");
  for (const late of usual.tabs().filter((one) => one.url().endsWith("/late.html"))) await late.close();
  await ours.close();
  assert.ok(kept, "each page was loaded again");
});

test("who leaves a listed account and comes forward again at once is covered, and keeps the tab", async () => {
  const tab = await honest(usual, "https://www.facebook.com/honest.baker");
  await tab.evaluate(() => location.assign("/invented.gift.centre"));
  await (await usual.covered(tab)).click("leave");
  const at = (path) => until(`the tab is at ${path}`, async () => (await tab.evaluate(() => location.pathname)) === path);
  await at("/honest.baker");
  await tab.evaluate(() => void setTimeout(() => history.forward())); // not before this is answered
  await at("/invented.gift.centre");
  // For so long Leave waits until it takes the way back for closed.
  await new Promise((resolve) => setTimeout(resolve, 1500));
  assert.equal(tab.isClosed(), false);
  await usual.covered(tab);
  await tab.close();
});

test("an account that is left before the worker has answered is covered when the way back leads to it", async () => {
  const tab = await honest(usual, "https://www.facebook.com/honest.baker");
  await usual.killWorker();
  await tab.evaluate(() => {
    setTimeout(() => {
      history.pushState(null, "", "/invented.gift.centre");
      setTimeout(() => location.assign("https://honest-shop.example/"));
    });
  });
  const at = (host) => until(`the tab is at ${host}`, async () => (await tab.evaluate(() => location.host)) === host);
  await at("honest-shop.example");
  await tab.evaluate(() => void setTimeout(() => history.back())); // not before this is answered
  await at("www.facebook.com");
  await usual.covered(tab);
  await tab.close();
});

/** Puts a frame into a page. */
const frame = (tab, src) => tab.evaluate((src) => void document.body.append(Object.assign(document.createElement("iframe"), { src, id: "inner" })), src);

test("a listed page inside a frame: badge and popup say so everywhere, a banner where our scripts may run", async () => {
  for (const [browser, url, banners] of [
    [usual, "https://honest-shop.example/", false],
    [usual, "https://www.facebook.com/honest.baker", true],
    [trusted, "https://honest-shop.example/", true],
  ]) {
    for (const src of [listed, through(listed)]) {
      const tab = await honest(browser, url);
      await frame(tab, src);
      await until("the badge is there", async () => (await browser.badge(tab)) === "!");
      const popup = await browser.popup(tab);
      assert.equal(await popup.property("state", "className"), "framed");
      await popup.close();
      assert.equal(tab.url(), url);
      if (banners) {
        const banner = await browser.banner(tab);
        assert.match(await banner.text("title"), /parcel-fee\.example/);
        await banner.click("reason-toggle");
        await banner.reads("why", /Asks for a card number/);
      } else assert.equal(await tab.locator("khien-banner").count(), 0);
      // The frame goes elsewhere: all is well again.
      await tab.evaluate(() => void (document.getElementById("inner").src = "https://honest-bank.example/"));
      await until("the badge is gone", async () => (await browser.badge(tab)) === "");
      await until("no banner is left", async () => (await tab.locator("khien-banner").count()) === 0);
      await tab.close();
    }
  }
});

test("a click on the toolbar button lets the popup read the address, and puts nothing into the page that holds a listed one", async () => {
  const tab = await honest(usual);
  await (await usual.popup(tab)).close();
  await frame(tab, listed);
  await until("the badge is there", async () => (await usual.badge(tab)) === "!");
  const popup = await usual.popup(tab);
  assert.equal(await popup.property("state", "className"), "framed");
  await popup.close();
  assert.equal(await tab.locator("khien-banner").count(), 0);
  await tab.close();
});

test("a page that a script has made holds a listed one: badge and popup say so", async () => {
  const tab = await honest(usual);
  const within = `<iframe srcdoc="<iframe src='${listed}'></iframe>"></iframe>`;
  for (const make of [
    (within) => void open(URL.createObjectURL(new Blob([within], { type: "text/html" }))),
    (within) => void open("about:blank").document.write(within),
  ]) {
    const [made] = await Promise.all([tab.waitForEvent("popup"), tab.evaluate(make, within)]);
    await until("the badge is there", async () => (await usual.badge(made)) === "!");
    const popup = await usual.popup(made);
    assert.equal(await popup.property("state", "className"), "framed");
    await popup.reads("since", /Asks for a card number/);
    await popup.close();
    await made.close();
  }
  await tab.close();
});

test("a page that a listed one has made, and opens from its frame, is one of that site", async () => {
  const link = `<a id="made" target="_top">Open</a><script>
    made.href = URL.createObjectURL(new Blob(["<title>Your bank</title><h1>Your bank</h1>"], { type: "text/html" }));
  </script>`;
  web.own.set(`${host}/made`, { type: "text/html", body: `<!doctype html>${link}` });
  for (const browser of [usual, trusted]) {
    const tab = await honest(browser);
    await frame(tab, `https://${host}/made`);
    const inner = await until("the frame is there", () => tab.frames().find((one) => one.url() === `https://${host}/made`));
    await inner.click("#made", { noWaitAfter: true });
    await browser.warned(tab);
    assert.match(await tab.innerText("#name"), /parcel-fee\.example/);
    await tab.click("#leave", { noWaitAfter: true });
    await until("the honest page is back", () => tab.url() === "https://honest-shop.example/");
    await tab.close();
  }
  web.own.delete(`${host}/made`);
});

/** How a script in a frame of a page comes to write into a tab that has no address. */
const writings = {
  "a window of its own": () => open("about:blank").document.write("<title>Your bank</title><h1>Your bank</h1>"),
  "one that showed another site": async () => {
    const there = open("https://honest-shop.example/~/told?what=never");
    there.location = "about:blank";
    const isMine = () => { try { return there.document.readyState === "complete"; } catch { return false; } };
    while (!isMine()) await new Promise((resolve) => setTimeout(resolve, 25));
    there.document.write("<title>Your bank</title><h1>Your bank</h1>");
  },
  "a window of an empty frame that is gone": () => {
    const within = document.body.appendChild(document.createElement("iframe"));
    const there = within.contentWindow.open("about:blank");
    there.document.write("<title>Your bank</title><h1>Your bank</h1>");
    within.remove();
  },
};
for (const [name, write] of Object.entries(writings)) {
  test(`a page that a listed one has written from its frame into ${name} is one of that site; what the page around writes is not`, async () => {
    const tab = await honest(usual);
    await frame(tab, `https://${host}/`);
    const inner = await until("the frame is there", () => tab.frames().find((one) => one.url() === `https://${host}/`));
    await until("the badge is there", async () => (await usual.badge(tab)) === "!");
    const [own] = await Promise.all([tab.waitForEvent("popup"), tab.evaluate(writings["a window of its own"])]);
    const [made] = await Promise.all([tab.waitForEvent("popup"), inner.evaluate(write)]);
    await usual.warned(made);
    assert.match(await made.innerText("#name"), /parcel-fee\.example/);
    assert.equal(await own.innerText("h1"), "Your bank");
    await Promise.all([made.close(), own.close(), tab.close()]);
  });
}

test("the banner is closed for that tab from a page of ours and lets nothing through; Leave leads away; a page that fights it loses", async () => {
  const tab = await honest(trusted);
  await tab.addInitScript(claim);
  await follow(tab, "https://honest-bank.example/");
  await tab.waitForURL("https://honest-bank.example/");
  await tab.click("h1");
  await frame(tab, listed);
  let banner = await trusted.banner(tab);
  await tab.evaluate(() => document.querySelector("khien-banner").remove());
  await tab.evaluate(() => document.querySelector("khien-banner").setAttribute("hidden", ""));
  await tab.evaluate(() => document.querySelector("khien-banner")?.hidePopover());
  await tab.evaluate(() => document.body.appendChild(document.createElement("dialog")).showModal());
  await until("the banner can be used beside a dialog of the page", () => tab.evaluate(() => document.querySelector("dialog > khien-banner:popover-open") !== null));
  banner = await trusted.banner(tab);
  assert.equal(await tab.evaluate(() => document.querySelector("khien-banner").shadowRoot), null);
  assert.equal(await tab.evaluate(() => globalThis.handed), undefined);
  await banner.click("leave");
  await until("the page before is back", () => tab.url() === "https://honest-shop.example/");

  await tab.click("h1");
  await frame(tab, listed);
  banner = await trusted.banner(tab);
  const why = await trusted.answer(() => banner.click("elsewhere"));
  await why.reads("answers", /Asks for a card number/);
  await why.click("hush");
  await why.closed();
  await until("the banner is gone", async () => (await tab.locator("khien-banner").count()) === 0);
  await tab.reload();
  await frame(tab, listed);
  await new Promise((resolve) => setTimeout(resolve, 1000));
  assert.equal(await tab.locator("khien-banner").count(), 0);
  await trusted.go(tab, listed);
  await trusted.warned(tab);
  await tab.close();
});

test("a page cannot find out that the extension is there while nothing is covered", async () => {
  const files = ["manifest.json", "warning.html", "popup.html", "banner.js", "overlay.js", "worker.js", "core.wasm", "icons/icon-32.png", "_locales/en/messages.json", ""];
  for (const browser of [usual, trusted]) {
    for (const url of ["https://honest-shop.example/", "https://www.facebook.com/honest.baker"]) {
      const tab = await browser.tab();
      await tab.addInitScript(() => {
        globalThis.changed = [];
        addEventListener("DOMContentLoaded", () => {
          new MutationObserver((all) => changed.push(...all.map((one) => one.target.nodeName))).observe(document, { childList: true, attributes: true, subtree: true });
        });
      });
      await tab.goto(url);
      const found = await tab.evaluate(async ([id, files]) => {
        const out = [];
        const loads = (element, address) =>
          new Promise((resolve) => {
            element.addEventListener("load", () => resolve(true));
            element.addEventListener("error", () => resolve(false));
            Object.assign(element, address);
            if (!element.isConnected) document.head.append(element);
            setTimeout(() => resolve(false), 20_000);
          });
        for (const file of files) {
          const own = `chrome-extension://${id}/${file}`;
          const other = `chrome-extension://${"a".repeat(32)}/${file}`;
          for (const address of [own, other]) {
            const frame = document.createElement("iframe");
            const [fetched, image, script, sheet] = await Promise.all([
              fetch(address).then(() => true, () => false),
              loads(new Image(), { src: address }),
              loads(document.createElement("script"), { src: address }),
              loads(document.createElement("link"), { rel: "stylesheet", href: address }),
              loads(frame, { src: address }), // the browser's own page that says no
            ]);
            let inside = "closed";
            try {
              inside = `${frame.contentWindow.length} ${frame.contentDocument} ${frame.contentWindow.location.href}`;
            } catch (err) {
              inside = err.name;
            }
            frame.remove();
            out.push([fetched, image, script, sheet, inside].join());
          }
        }
        return out;
      }, [browser.id, files]);
      assert.ok(found.every((one) => one === "false,false,false,false,SecurityError"), found.join(" "));
      const traces = await tab.evaluate(() => ({
        entries: performance.getEntriesByType("resource").filter((one) => one.name.includes("extension:") && one.responseEnd > 0 && one.transferSize > 0).length,
        globals: Object.getOwnPropertyNames(window).filter((name) => /khien/i.test(name)),
        attributes: document.documentElement.getAttributeNames(),
        elements: [...document.querySelectorAll("*")].map((one) => one.localName).filter((name) => name.includes("-")),
        sheets: document.adoptedStyleSheets.length,
        changed: [...new Set(changed)].filter((name) => name !== "HEAD"),
      }));
      assert.deepEqual(traces, { entries: 0, globals: [], attributes: [], elements: [], sheets: 0, changed: [] });
      await tab.close();
    }
  }
});

test("all that is kept can be erased: also what the browser was told to let through in a tab", async () => {
  const page = await trusted.inside();
  const passed = () => page.evaluate(() => chrome.declarativeNetRequest.getSessionRules());
  const tab = await honest(trusted);
  await follow(tab, listed);
  await trusted.warned(tab);
  await tab.click("#go-on");
  await tab.waitForURL(listed);
  assert.ok((await passed()).length > 0);
  await ask(page, "options.erase");
  assert.deepEqual(await passed(), []);
  await trusted.warned(tab);
  await Promise.all([tab.close(), page.close()]);
});

test("access taken back: the rules are gone, and all else works as before", async () => {
  const page = await trusted.inside();
  await page.evaluate(() => chrome.permissions.remove({ origins: ["*://*/*"] }));
  await until("the rules are gone", async () => (await page.evaluate(() => chrome.declarativeNetRequest.getDynamicRules())).length === 0);
  assert.deepEqual(await ask(page, "access.state"), { granted: false, hosts: 0 });
  assert.equal((await ask(page, "popup.refresh")).error, "");
  const tab = await honest(trusted);
  await follow(tab, listed);
  await trusted.warned(tab);
  await Promise.all([tab.close(), page.close()]);
});
