// Measures how long a person waits for each page of the extension, with the worker running and with it stopped, as long
// as it idles: lines for scripts/bench, one JSON object each. Beside each figure stands that of an empty page of
// another extension, opened the same way in the same round (bench/peer): what the browser and the machine take by
// themselves.
//
// A page is measured from the start of its navigation to the frame in which what it is opened for was on the screen
// (the element with elementtiming). A popup besides from the click on the toolbar button. A warning besides from the
// start of the navigation that it stands in for.
//
//	node bench/pages.mjs [entries [rounds]]

import { fileURLToPath } from "node:url";
import { Unwatched } from "../test/fixture/unwatched.mjs";
import { World } from "../test/fixture/world.mjs";

const n = Number(process.argv[2] ?? 100_000);
const rounds = Number(process.argv[3] ?? 20);
/** Rounds before those that count: the browser keeps what it compiled. */
const warming = 3;
/**
 * How long hosts take to answer, in milliseconds, as near ones do. Of one that answers at once the browser begins to
 * show the page, while the warning is on its way.
 */
const latency = 40;

const at = (times, share) => times.toSorted((a, b) => a - b)[Math.min(times.length - 1, Math.floor(times.length * share))];
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const world = await World.make({ format: "urls", list: Array.from({ length: n }, (_, i) => `site-${i}.example`).join("\n") });
world.web.latency = latency;
let browser;
try {
  browser = await Unwatched.start({ folder: `${world.extension}/chromium`, beside: [fileURLToPath(new URL("peer", import.meta.url))], web: world.web });
  const ours = await browser.id("worker.js");
  const peers = await browser.id("peer.js");
  const web = "https://unlisted.example/";
  const inFront = await browser.open(web);
  await browser.closeWelcome();
  await browser.front(inFront);
  await wait(2000);

  let cold = false;
  const page = (id, file) => async () => {
    const tab = await browser.open(`chrome-extension://${id}/${file}`);
    const { started, first, painted } = await browser.painted(tab);
    await browser.shut(tab);
    return { "": painted - started, "-first": first - started };
  };
  const popup = (id) => async () => {
    await browser.front(inFront);
    const clicked = Date.now();
    const shown = await browser.click(id, web);
    const { started, first, painted } = await browser.painted(shown);
    await browser.shut(shown);
    return { "": painted - started, "-first": first - started, "-from-click": painted - clicked };
  };
  // Somebody follows a link: a page of the web leads there, once it has told the fixture all that it tells.
  const link = (id, host) => async () => {
    const tab = await browser.open(`https://unlisted-${Math.floor(Math.random() * 1e9)}.example/`);
    await browser.shows(tab, /^https:/);
    await wait(1200);
    if (cold) await browser.stopWorker(id, inFront);
    const start = await browser.evaluate(tab, `(() => {
      const start = performance.timeOrigin + performance.now();
      location.assign("https://${host}/");
      return start;
    })()`);
    await browser.shows(tab, new RegExp(`^chrome-extension://${id}/`));
    const { started, first, painted } = await browser.painted(tab);
    await browser.shut(tab);
    return { "": painted - start, "-first": first - start, "-page": painted - started };
  };

  const kinds = {
    popup: [popup(ours), "an empty popup"],
    warning: [link(ours, "site-7.example"), "an extension that always warns, with an empty page"],
    options: [page(ours, "options.html"), "an empty page"],
    welcome: [page(ours, "welcome.html"), "an empty page"],
    late: [page(ours, "late.html"), "an empty page"],
    redact: [page(ours, "redact.html"), "an empty page"],
  };
  const floors = { "an empty popup": popup(peers), "an extension that always warns, with an empty page": link(peers, "listed-by-the-peer.example"), "an empty page": page(peers, "empty.html") };
  for (cold of [false, true]) {
    const taken = {};
    const take = async (name, act, id) => {
      await wait(cold ? 500 : 200);
      if (cold) await browser.stopWorker(id, inFront);
      const times = await act();
      return (round) => round >= 0 && Object.entries(times).forEach(([part, ms]) => (taken[name + part] ??= []).push(ms));
    };
    for (let round = -warming; round < rounds; round++) {
      for (const [name, [act]] of Object.entries(kinds)) (await take(name, act, ours))(round);
      for (const [name, act] of Object.entries(floors)) (await take(name, act, peers))(round);
    }
    for (const [name, [, peer]] of Object.entries(kinds)) {
      for (const part of ["", "-first", "-from-click", "-page"]) {
        if (!taken[name + part]) continue;
        for (const [share, label] of [[0.5, "p50"], [0.95, "p95"]]) {
          const opens = part === (name === "warning" ? "-page" : "");
          const what = opens ? "open" : name === "warning" ? `link${part}` : `open${part}`;
          console.log(JSON.stringify({ name: `${name}/${what}${cold ? "-cold" : ""}-${label}@chromium`, n, value: at(taken[name + part], share), unit: "ms", peer, peer_value: at(taken[peer + part], share), ...(opens && { bound: 100 }) }));
        }
      }
    }
  }
  await browser.shut(inFront);
} finally {
  await browser?.close();
  await world.close();
}
