// A person scrolls through feeds and chats: authors and links that are listed are marked, and nothing else changes.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Marks } from "./fixture/marks.mjs";
import { until } from "./fixture/until.mjs";
import { listed, World } from "./fixture/world.mjs";

let world, browser;

before(async () => {
  world = await World.make({
    list: `${listed}https://www.linkedin.com/in/invented-recruiter,job,Asks for a fee before the first day.,Đòi phí trước ngày đầu.
https://www.threads.com/@invented.lender,loan,Asks for money before it lends any.,Đòi tiền trước khi cho vay.
https://www.youtube.com/@שלום,loan,Asks for money before it lends any.,Đòi tiền trước khi cho vay.
`,
  });
  browser = await world.chromium();
});
after(() => world?.close());

async function open(url) {
  const tab = await browser.tab();
  await tab.goto(url);
  return { tab, marks: await Marks.of(tab) };
}

/** Clicks on a mark, and returns the reason that opens. */
async function explained(marks, mark) {
  const reason = await browser.answer(() => marks.click(mark));
  await reason.reads("answers", /On the scam list/);
  return reason;
}

const feeds = {
  "https://www.facebook.com/?feed=12": "Facebook account inventedgiftcentre",
  "https://www.messenger.com/?feed=12": "Facebook account inventedgiftcentre",
  "https://www.tiktok.com/foryou?feed=12": "TikTok account invented.quick.money",
  "https://www.youtube.com/?feed=12": "YouTube channel @inventedgiveaway",
  "https://web.telegram.org/k/?feed=12": "Telegram account invented_recovery",
  "https://t.me/s/honest_baker?feed=12": "Telegram account invented_recovery",
  "https://chat.zalo.me/?feed=12": "Zalo official account 900000000000003456",
  "https://www.instagram.com/?feed=12": "Instagram account invented.shop",
  "https://www.threads.com/?feed=12": "Threads account invented.lender",
  "https://x.com/home?feed=12": "X account inventedcoins",
  "https://www.linkedin.com/feed/?feed=12": "LinkedIn profile invented-recruiter",
};

for (const [url, name] of Object.entries(feeds)) {
  test(`authors and links are marked on ${new URL(url).host}`, async () => {
    const { tab, marks } = await open(url);
    await tab.mouse.wheel(0, 10_000);
    const all = await until("author and link are marked", async () => {
      await tab.mouse.wheel(0, -400);
      const all = await marks.all();
      const labels = new Set(all.map(({ label }) => label));
      return labels.size === 2 && all;
    });
    const by = (label) => all.filter((one) => one.label === label).map((one) => one.name);
    assert.ok(by("Known for scams").every((text) => text === `Known for scams: ${name}. Show why`), by("Known for scams")[0]);
    assert.ok(by("Leads to a known scam").every((text) => text === "Leads to a known scam: parcel-fee.example. Show why"), by("Leads to a known scam")[0]);
    await tab.close();
  });
}

/** How the marks stand: no honest author and no honest link may have one. */
async function fits(marks) {
  const all = await marks.all();
  for (const { href, label } of all) assert.match(href ?? "", label === "Known for scams" ? /invented/ : /parcel-fee/, `${label} beside ${href}`);
  return all;
}

test("one post has one mark for its author, at the name, whole and beside it", async () => {
  const { tab, marks } = await open("https://www.facebook.com/?feed=4");
  const [mark, ...more] = await marks.some();
  assert.deepEqual(more, []);
  const name = await tab.locator('[role="article"]:nth-of-type(3) h3 a').boundingBox();
  const box = await marks.rest(mark);
  assert.ok(box.left >= name.x + name.width && box.left < name.x + name.width + 12, `${box.left}`);
  assert.ok(Math.abs((box.top + box.bottom) / 2 - (name.y + name.height / 2)) < 3);
  const seen = await tab.evaluate(({ left, top, right, bottom }) => document.elementFromPoint((left + right) / 2, (top + bottom) / 2).localName, box);
  assert.equal(seen, "khien-mark");
  await tab.close();
});

test("a mark stands behind its link and what is in the same line, where the page is read from right to left, and where it is drawn larger or smaller", async () => {
  const how = {
    "direction: rtl": (time) => [time.x - 12, time.x],
    "zoom: 1.5": (time) => [time.x + time.width, time.x + time.width + 12],
    "transform: scale(.75)": (time) => [time.x + time.width, time.x + time.width + 12],
  };
  for (const [style, where] of Object.entries(how)) {
    const tab = await browser.tab();
    await tab.addInitScript((style) => addEventListener("DOMContentLoaded", () => (document.querySelector("main").style.cssText = style)), style);
    await tab.goto("https://www.instagram.com/?feed=4");
    const marks = await Marks.of(tab);
    const [mark] = await marks.some();
    const name = await tab.locator("article:nth-of-type(3) div a").boundingBox();
    const [from, to] = where(await tab.locator("article:nth-of-type(3) time").boundingBox());
    await until(`the mark stands in the line of its link with ${style}`, async () => {
      const { left, right, top, bottom } = await marks.box(mark);
      const near = style.includes("rtl") ? right : left;
      if (near < from || near > to || Math.abs((top + bottom) / 2 - (name.y + name.height / 2)) > 4) throw new Error(`${near} is not from ${from} to ${to}, ${top}`);
      return true;
    });
    await tab.close();
  }
});

test("on a telephone a mark is whole and can be touched", async () => {
  for (const host of ["www.facebook.com", "www.instagram.com", "www.youtube.com", "web.telegram.org"]) {
    const tab = await browser.tab();
    await tab.setViewportSize({ width: 360, height: 640 });
    const marks = await Marks.of(tab);
    await tab.goto(`https://${host}/?feed=7`);
    await tab.mouse.wheel(0, 10_000);
    for (const mark of await marks.some(2)) {
      const { left, right } = await marks.rest(mark);
      assert.ok(left >= 0 && right <= 360, `${host}: ${mark.label} from ${left} to ${right}`);
    }
    const last = (await marks.all()).at(-1);
    const reason = await explained(marks, last);
    await reason.close();
    await tab.close();
  }
});

test("nothing in the page moves, and nothing is removed or rewritten", async () => {
  for (const url of ["https://www.facebook.com/?feed=40", "https://www.instagram.com/?feed=40", "https://www.messenger.com/?feed=40", "https://www.youtube.com/?feed=40"]) {
    const tab = await browser.tab();
    const marks = await Marks.of(tab);
    await tab.addInitScript(() => {
      globalThis.shifts = [];
      new PerformanceObserver((list) => shifts.push(...list.getEntries().map((e) => e.value))).observe({ type: "layout-shift", buffered: true });
    });
    await tab.goto(url);
    for (let y = 0; y < 20; y++) {
      await tab.mouse.wheel(0, 400);
      await tab.waitForTimeout(50);
    }
    await until("eight marks are there", async () => {
      await tab.mouse.wheel(0, -400);
      return (await marks.all()).length >= 8;
    });
    await tab.evaluate(() => scrollTo(0, 0));
    const [before, after, shifts] = await tab.evaluate(() => [before, snapshot(), shifts]);
    assert.deepEqual(after, before);
    assert.deepEqual(shifts, []);
    await fits(marks);
    await tab.close();
  }
});

test("a click on the mark opens the reason out of the page's reach, Escape closes it, and the keyboard is where it was", async () => {
  const { tab, marks } = await open("https://www.facebook.com/?feed=4");
  const [mark] = await marks.some();
  let reason = await explained(marks, mark);
  const said = await reason.reads("answers", /Says that you won and asks for a fee/);
  assert.match(said, /On the scam list: .*prize.*\s+Facebook account inventedgiftcentre/i);
  assert.match(said, /Do not answer and do not pay\. Block this account/);
  assert.match(said, /since .*20\d\d/);
  assert.match(said, /a test/); // who listed it
  assert.ok(await reason.focused("close"));
  assert.equal(await tab.evaluate(() => document.querySelector("khien-mark").shadowRoot), null);
  reason.press("Escape");
  await reason.closed();
  reason = await browser.answer(() => tab.keyboard.press("Enter"));
  assert.equal(tab.url(), "https://www.facebook.com/?feed=4");
  await reason.click("mistake-0");
  await reason.reads("feedback-0", /“facebook:user\/inventedgiftcentre”/);
  await reason.close();
  await until("the maintainers are told", async () => (await world.khien.reports()).some(({ kind, subjects }) => kind === "mistake" && subjects.includes("facebook:user/inventedgiftcentre")));
  await tab.close();
});

test("the keyboard comes to the mark right after its link, and a screen reader hears what it is, the name apart from the words around it", async () => {
  const { tab, marks } = await open("https://www.facebook.com/?feed=4");
  await marks.some();
  await tab.locator('[role="article"]:nth-of-type(3) h3 a').focus();
  await tab.keyboard.press("Tab");
  assert.equal(await tab.evaluate(() => document.activeElement.localName), "khien-mark");
  const { nodes } = await marks.session.send("Accessibility.getFullAXTree");
  const heard = nodes.filter((node) => !node.ignored && ["link", "button"].includes(node.role?.value)).map((node) => `${node.role.value} ${node.name.value}`);
  const at = heard.indexOf("button Known for scams: Facebook account inventedgiftcentre. Show why");
  assert.equal(heard[at - 1], "link An Invented Cheat", heard.join("\n"));
  const reason = await browser.answer(() => tab.keyboard.press("Enter"));
  await reason.reads("answers", /On the scam list/);
  await reason.close();
  await tab.close();
});

test("in the name of a mark, only what is written from right to left is set apart from the words around it", async () => {
  world.web.own.set("www.youtube.com/turned", { type: "text/html; charset=utf-8", body: '<p><a href="/@שלום">Shalom</a></p><p><a href="/@inventedgiveaway">Giveaway</a></p>' });
  const { tab, marks } = await open("https://www.youtube.com/turned");
  const names = (await marks.some(2)).map((one) => one.name);
  assert.deepEqual(names, ["Known for scams: \u2068YouTube channel @שלום\u2069. Show why", "Known for scams: YouTube channel @inventedgiveaway. Show why"]);
  await tab.close();
});

test("the popup names what is marked, whatever the page has drawn over it, and says why", async () => {
  const { tab, marks } = await open("https://www.facebook.com/?feed=12");
  await tab.mouse.wheel(0, 10_000);
  await marks.some(2);
  await tab.evaluate(() => {
    const over = document.body.appendChild(Object.assign(document.createElement("div"), { popover: "manual", textContent: "All is well" }));
    over.style.cssText = "inset: 0; width: 100vw; height: 100vh";
    over.showPopover();
  });
  const popup = await browser.popup(tab);
  const said = await popup.reads("marks", /Facebook account inventedgiftcentre\s+On the scam list: .*prize/i);
  assert.equal(said.match(/inventedgiftcentre/g).length, 1, "one thing is named twice");
  await popup.click("why-0");
  await popup.reads("answers", /since .*20\d\d/);
  await popup.close();
  await tab.close();
});

/** Ways to put a link into a page that no search of its document finds. */
const hidden = {
  "an open shadow root": (main, link) => {
    const host = main.appendChild(document.createElement("div"));
    host.attachShadow({ mode: "open" }).innerHTML = "<ul><li></li></ul>";
    host.shadowRoot.querySelector("li").append(link);
  },
  "a shadow root in a shadow root": (main, link) => {
    const host = main.appendChild(document.createElement("div"));
    const inner = host.attachShadow({ mode: "open" }).appendChild(document.createElement("section"));
    inner.attachShadow({ mode: "open" }).append(link);
  },
  "a shadow root that comes late": (main, link) => {
    const host = main.appendChild(Object.assign(document.createElement("div"), { id: "outlet" }));
    setTimeout(() => host.attachShadow({ mode: "open" }).append(link), 700);
  },
  "an element that the page defines late": (main, link) => {
    main.append(document.createElement("late-post"));
    setTimeout(() => customElements.define("late-post", class extends HTMLElement {
      constructor() {
        super();
        this.attachShadow({ mode: "open" }).append(link);
      }
    }), 700);
  },
  "a drawing": (main, link) => {
    main.insertAdjacentHTML("beforeend", '<p><svg width="200" height="30"><g><a><text y="20">An Invented Cheat</text></a></g></svg></p>');
    main.querySelector("p svg a").setAttribute("href", link.getAttribute("href"));
  },
  "a drawing of the old kind": (main, link) => {
    main.insertAdjacentHTML("beforeend", '<p><svg width="200" height="30"><a><text y="20">An Invented Cheat</text></a></svg></p>');
    main.querySelector("p svg a").setAttributeNS("http://www.w3.org/1999/xlink", "xlink:href", link.getAttribute("href"));
  },
  "a frame that the page writes": (main, link) => {
    const frame = main.appendChild(document.createElement("iframe"));
    frame.contentDocument.body.append(link);
  },
  "a frame with its document in an attribute": (main, link) => {
    main.appendChild(document.createElement("iframe")).srcdoc = `<p>${link.outerHTML}</p>`;
  },
  "a frame of the same site": (main) => {
    Object.assign(main.appendChild(document.createElement("iframe")), { height: 600, src: "/feed/?feed=4&inner" });
  },
};

for (const [where, put] of Object.entries(hidden)) {
  test(`what is listed is marked in ${where}, beside it, and the mark opens the reason`, async () => {
    const { tab, marks } = await open("https://www.linkedin.com/feed/?feed=2");
    await tab.evaluate(`(${put})(document.querySelector("main"), Object.assign(document.createElement("a"), { href: "https://www.linkedin.com/in/invented-recruiter?hidden", textContent: "An Invented Cheat" }))`);
    const [mark, ...more] = await marks.some();
    assert.deepEqual(more, []);
    assert.match(mark.name, /^Known for scams: LinkedIn profile invented-recruiter\. /);
    const reason = await explained(marks, mark);
    const box = await marks.box(mark);
    assert.ok(box.right - box.left > 20 && box.bottom - box.top > 14, JSON.stringify(box));
    await reason.close();
    await tab.evaluate(() => document.querySelector("main").lastElementChild.remove());
    await until("the mark goes with its link", async () => (await marks.all()).length === 0);
    await tab.close();
  });
}

test("a mark in a dialog that leaves nothing else to be used opens the reason", async () => {
  const { tab, marks } = await open("https://www.linkedin.com/feed/?feed=2");
  await tab.evaluate(() => {
    const dialog = document.body.appendChild(document.createElement("dialog"));
    dialog.innerHTML = '<ul><li><a href="https://www.linkedin.com/in/invented-recruiter?dialog">An Invented Cheat</a></li></ul>';
    dialog.showModal();
  });
  const [mark] = await marks.some();
  const reason = await explained(marks, mark);
  await reason.click("close");
  await reason.closed();
  assert.ok(await tab.evaluate(() => document.querySelector("dialog").open));
  await tab.close();
});

test("rows that are used again for others never carry the mark of whom they showed before", async () => {
  const { tab, marks } = await open("https://www.facebook.com/?feed=500&virtual");
  await marks.some();
  await tab.evaluate(() => {
    // Looked at in the same frame in which a row changes: a mark that stays for one frame is one too many.
    globalThis.wrong = [];
    const look = () => {
      for (const mark of document.querySelectorAll("khien-mark")) {
        const link = mark.previousElementSibling?.matches("a") ? mark.previousElementSibling : mark.previousElementSibling?.querySelector("a");
        if (!/invented|parcel-fee/.test(link?.href ?? "")) wrong.push(link?.href ?? "nothing");
      }
      requestAnimationFrame(() => queueMicrotask(look));
    };
    look();
  });
  for (const y of [900, 5000, 20_000, 20_400, 60_000, 3000, 0]) {
    await tab.evaluate((y) => scrollTo(0, y), y);
    const wanted = () =>
      tab.evaluate(() => [...document.querySelectorAll("#feed > *")].filter((row) => { const { top, bottom } = row.getBoundingClientRect(); return bottom > 0 && top < innerHeight; }).filter((row) => row.querySelector('h3 a[href*="invented"], a[href*="parcel-fee"]')).length);
    await until(`all that is listed in view at ${y} is marked`, async () => (await marks.all()).length >= (await wanted()));
    await fits(marks);
  }
  for (let i = 0; i < 40; i++) {
    await tab.mouse.wheel(0, 700);
    await tab.waitForTimeout(30);
  }
  await fits(marks);
  assert.deepEqual(await tab.evaluate(() => wrong), []);
  await tab.close();
});

test("a row that is taken out and put in again has its mark again", async () => {
  const { tab, marks } = await open("https://www.facebook.com/?feed=4");
  await marks.some();
  await tab.evaluate(() => {
    globalThis.row = document.querySelector("#feed > :nth-child(3)");
    row.remove();
  });
  await until("no mark is left", async () => (await marks.all()).length === 0);
  await tab.evaluate(() => document.querySelector("#feed").prepend(row));
  await marks.some();
  assert.equal((await fits(marks)).length, 1);
  await tab.close();
});

test("a network can be switched off and on, and its open pages follow", async () => {
  const { tab, marks } = await open("https://www.facebook.com/?feed=4");
  await marks.some();
  const inside = await browser.inside();
  const choose = (unmarked) => inside.evaluate((unmarked) => chrome.storage.local.set({ settings: { unmarked } }), unmarked);
  await choose(["facebook.com"]);
  await until("no mark is left", async () => (await marks.all()).length === 0);
  const other = await open("https://www.instagram.com/?feed=4");
  await other.marks.some();
  await other.tab.close();
  await tab.reload();
  await tab.waitForTimeout(1000);
  assert.deepEqual(await marks.all(), []);
  await choose([]);
  await marks.some();
  await inside.close();
  await tab.close();
});

test("marks follow the list: what is withdrawn loses its mark, and what is new gets one", async () => {
  const { tab, marks } = await open("https://www.instagram.com/?feed=4");
  const facebook = await open("https://www.facebook.com/?feed=4");
  await marks.some();
  await facebook.marks.some();
  await world.khien.cli("withdraw", "instagram:user/invented.shop", "--reason", "a mistake");
  await world.khien.list("urls", "https://www.instagram.com/honest.baker/\n");
  const inside = await browser.inside();
  await inside.evaluate(() => chrome.runtime.sendMessage({ ask: "popup.refresh", body: null }));
  const names = await until("others are marked", async () => {
    const names = (await marks.all()).map((one) => one.name);
    return names.length === 3 && names;
  });
  assert.deepEqual([...new Set(names)], ["Known for scams: Instagram account honest.baker. Show why"]);
  assert.equal((await facebook.marks.all()).length, 1);
  await inside.close();
  await facebook.tab.close();
  await tab.close();
});

test("a mark that no longer holds goes when somebody asks why", async () => {
  const { tab, marks } = await open("https://www.tiktok.com/?feed=4");
  const [mark] = await marks.some();
  await world.khien.cli("withdraw", "tiktok:user/invented.quick.money", "--reason", "a mistake");
  await world.khien.publish();
  const reason = await browser.answer(() => marks.click(mark));
  await until("the mark is gone or the reason says that it could not be proved", async () => (await marks.all()).length === 0 || /20\d\d/.test(await reason.text("answers")));
  await reason.close();
  await tab.close();
});

test("a page that fights a mark loses, and cannot click on it", async () => {
  const attacks = [
    () => document.querySelector("khien-mark").remove(),
    () => Object.assign(document.querySelector("khien-mark").style, { display: "none", opacity: "0" }),
    () => document.querySelector("khien-mark").setAttribute("hidden", ""),
    () => document.querySelector("khien-mark").setAttribute("inert", ""),
    () => document.querySelector("khien-mark").setAttribute("aria-hidden", "true"),
    () => document.head.append(Object.assign(document.createElement("style"), { textContent: "khien-mark { display: none !important; visibility: hidden !important } @layer a { khien-mark { opacity: 0 !important } }" })),
    () => document.body.append(document.querySelector("khien-mark")),
  ];
  for (const attack of attacks) {
    const { tab, marks } = await open("https://www.facebook.com/?feed=4");
    await marks.some();
    await tab.evaluate(attack);
    const box = await until(`the mark is back after ${attack}`, async () => {
      const [mark] = await fits(marks);
      return mark && (await tab.evaluate(() => document.querySelector("khien-mark").attributes.length)) === 0 && marks.rest(mark);
    });
    const style = await tab.evaluate(() => {
      const { display, visibility, opacity } = getComputedStyle(document.querySelector("khien-mark"));
      return { display, visibility, opacity };
    });
    assert.deepEqual(style, { display: "block", visibility: "visible", opacity: "1" }, String(attack));
    assert.equal(await tab.evaluate(({ left, top }) => document.elementFromPoint(left + 5, top + 10).localName, box), "khien-mark", String(attack));
    await tab.evaluate(({ left, top }) => {
      const host = document.elementFromPoint(left + 5, top + 10);
      host.click();
      for (const type of ["pointerdown", "mousedown", "pointerup", "mouseup", "click"]) host.dispatchEvent(new MouseEvent(type, { bubbles: true, composed: true, clientX: left + 5, clientY: top + 10 }));
      host.focus();
      host.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, composed: true }));
    }, box);
    await tab.waitForTimeout(100);
    assert.deepEqual(await (await browser.worker()).evaluate(() => chrome.runtime.getContexts({ contextTypes: ["POPUP"] })), []);
    await tab.close();
  }
});

test("a page that takes marks away for ever is not fought for ever", async () => {
  const { tab } = await open("https://www.facebook.com/?feed=4");
  await tab.evaluate(() => {
    globalThis.taken = 0;
    setInterval(() => {
      for (const mark of document.querySelectorAll("khien-mark")) mark.remove(), taken++;
    }, 1);
  });
  const taken = await until("the fight is over", async () => {
    const before = await tab.evaluate(() => taken);
    await tab.waitForTimeout(700);
    return (await tab.evaluate(() => taken)) === before && before;
  });
  assert.ok(taken < 120, `${taken}`);
  await tab.close();
});

/** Listens to what the worker is asked: how many addresses each time. */
async function listen() {
  const worker = await browser.worker();
  await worker.evaluate(() => {
    globalThis.asked = [];
    chrome.runtime.onMessage.addListener(({ ask, body }) => void (ask === "feed.check" && asked.push(body.hrefs)));
  });
  return () => worker.evaluate(() => asked);
}

test("each address is asked about once, in batches, and only when it comes into view", async () => {
  const { tab, marks } = await open("https://www.instagram.com/honest.baker");
  const asked = await listen();
  await tab.goto("https://www.linkedin.com/feed/?feed=500");
  await marks.some();
  /** What has been asked about, once half a second passes without another question. */
  const settled = () =>
    until("nothing more is asked about", async () => {
      const before = (await asked()).length;
      await tab.waitForTimeout(500);
      const now = await asked();
      return now.length === before && now;
    });
  const first = (await settled()).flat();
  assert.ok(first.length > 0 && first.length < 100, `${first.length} of 1000`);
  for (let i = 0; i < 10; i++) await tab.mouse.wheel(0, i < 5 ? 600 : -600), await tab.waitForTimeout(60);
  const all = await settled();
  assert.equal(new Set(all.flat()).size, all.flat().length);
  assert.ok(all.every((hrefs) => hrefs.length <= 100));
  const before = all.length;
  // What comes in is looked at by itself, and not the whole page again.
  await tab.evaluate(() => document.getElementById("feed").prepend(Object.assign(document.createElement("p"), { innerHTML: '<a href="https://www.linkedin.com/in/invented-recruiter?once">a</a>' })));
  await tab.evaluate(() => scrollTo(0, 0));
  await until("the new link is marked", async () => (await marks.all()).some(({ href }) => href?.endsWith("?once")));
  const added = (await asked()).slice(before).flat();
  assert.deepEqual(added, ["https://www.linkedin.com/in/invented-recruiter?once"]);
  await tab.close();
});

test("a hundred thousand links, some of them endless, do not hide the one that is listed, and are asked about bit by bit", async () => {
  const { tab, marks } = await open("https://www.threads.com/honest?feed=1");
  const asked = await listen();
  await tab.evaluate(() => {
    const flood = document.createElement("div");
    flood.style.cssText = "font-size: 1px; line-height: 1px; height: 40px; overflow: hidden";
    let html = "";
    for (let i = 0; i < 100_000; i++) html += `<a href="https://site-${i}.example/">a</a> `;
    flood.innerHTML = `<a href="https://honest-shop.example/?${"x".repeat(1 << 21)}">a</a><a href="javascript:void(0)">a</a><a href="https://">a</a>${html}`;
    document.body.prepend(Object.assign(document.createElement("p"), { innerHTML: `<a href="https://www.threads.com/@invented.lender?${"y".repeat(1 << 20)}">a</a>` }), flood);
  });
  const [mark] = await marks.some(1, { within: 90_000 });
  assert.match(mark.name, /invented\.lender/);
  const batches = await asked();
  assert.ok(batches.every((hrefs) => hrefs.length <= 100 && hrefs.join("").length < 1 << 20));
  assert.ok(await tab.evaluate(() => new Promise((resolve) => requestIdleCallback(() => resolve(true)))), "the page has time for itself");
  await tab.close();
});

test("words are in the person's language", async () => {
  const vietnamese = await world.chromium({ language: "vi" });
  const tab = await vietnamese.tab();
  await tab.goto("https://www.youtube.com/?feed=12");
  const marks = await Marks.of(tab);
  const labels = await until("both kinds are marked", async () => {
    await tab.mouse.wheel(0, 300);
    const labels = new Set((await marks.all()).map(({ label }) => label));
    return labels.size === 2 && labels;
  });
  assert.deepEqual(labels, new Set(["Tài khoản lừa đảo", "Dẫn đến trang lừa đảo"]));
  await tab.close();
});
