// Whoever reports something writes what they like. None of it may ever run in the browser of a maintainer: every text of a corpus
// goes through every field of a report, of an objection and of a decision, and then every page is opened.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Office } from "./fixture/console.mjs";
import { Khien } from "./fixture/khien.mjs";
import { until } from "./fixture/until.mjs";

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
  await khien.start("--console", "127.0.0.1:0", "--each", "100000", "--each-burst", "100000", "--all", "100000");
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

/** Opens a page and everything on it that opens, and looks whether anything ran. */
async function visit(path) {
  await linh.go(path);
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
  for (const path of ["/queue?show=200", "/queue?part=protected", "/queue?part=done", "/appeals", "/takedowns", "/audit", "/publish", ...cases]) await visit(path);
  const appeals = await linh.go("/appeals").then(() => linh.page.locator("main a[href^='/appeals/']").evaluateAll((all) => all.map((one) => one.getAttribute("href"))));
  for (const path of new Set(appeals)) await visit(path);
});

test("nothing that a maintainer writes or is sent as a link runs either", async () => {
  await linh.go("/queue?show=200");
  const cases = await linh.page.locator(".entry").evaluateAll((all) => all.map((one) => one.getAttribute("href")));
  for (const [n, attack] of corpus.entries()) {
    if (n < Math.min(10, cases.length)) {
      await linh.go(cases[n]);
      await linh.press("a");
      for (const [field, text] of [["reason_en", attack], ["reason_vi", attack], ["why", attack]]) await linh.page.fill(`form[action$="/list"] [name=${field}]`, text.slice(0, 290));
      await Promise.all([linh.page.waitForEvent("load"), linh.page.click(`form[action$="/list"] .primary`)]);
    }
    const q = encodeURIComponent(attack);
    for (const path of [`/audit?actor=${q}&object=${q}&noted=${q}`, `/find?q=${q}`, `/nothing/${q}?q=${q}`]) await visit(path);
  }
  for (const path of ["/queue?part=decided", "/publish", "/audit"]) await visit(path);
  await Promise.all([linh.go("/publish"), linh.page.waitForEvent("load")]);
  await linh.page.click("form[data-confirm] .primary");
  await until("it is published", () => /^\/releases\/\d+$/.test(linh.path()), { within: 30_000 });
  await visit(linh.path());
  for (const path of ["/takedowns", "/queue?part=done", ...cases.slice(0, 10)]) await visit(path);
});

test("no script was stopped, no dialog opened, nothing was asked of elsewhere", () => {
  assert.deepEqual(linh.accidents, []);
});
