// Measures what only a browser can: lines for scripts/bench, one JSON object each.
//
//	node bench/chromium.mjs [entries]

import { once } from "node:events";
import { readFile } from "node:fs/promises";
import net from "node:net";
import path from "node:path";
import { Core } from "../test/fixture/core.mjs";
import { until } from "../test/fixture/until.mjs";
import { World } from "../test/fixture/world.mjs";

const n = Number(process.argv[2] ?? 1_000_000);
const rounds = 40;

const line = (name, value, unit, more = {}) => console.log(JSON.stringify({ name: `${name}@chromium`, n, value, unit, ...more }));
const words = (text) => console.error(text);
const at = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];

words(`publishing ${n} indicators ...`);
const list = Array.from({ length: n }, (_, i) => `site-${i}.example`).join("\n");
const world = await World.make({ format: "urls", list });
try {
  const browser = await world.chromium();
  const page = await browser.inside();
  await page.bringToFront();
  const web = await browser.tab();
  await web.goto("https://unlisted.example/");
  const tabId = await page.evaluate(async () => (await chrome.tabs.query({})).find((tab) => tab.url?.startsWith("https://unlisted") || tab.pendingUrl?.startsWith("https://unlisted"))?.id ?? (await chrome.tabs.query({})).at(-1).id);
  const ask = (ask, body) => page.evaluate((message) => chrome.runtime.sendMessage(message), { ask, body });

  // An update, so that the list lies in the store.
  await world.khien.list("urls", Array.from({ length: 1000 }, (_, i) => `new-${i}.example`).join("\n"));
  const updated = await until("the update is done", async () => {
    const { ok } = await ask("popup.refresh", null);
    return ok.sequence === 2 && ok;
  }, { within: 60_000 });
  words(`release ${updated.sequence}, ${updated.count} entries`);

  const times = [];
  for (let round = 0; round < rounds; round++) {
    await browser.killWorker();
    times.push(await page.evaluate(async (tabId) => {
      const start = performance.now();
      const { ok } = await chrome.runtime.sendMessage({ ask: "popup.page", body: { tabId, address: "", title: "" } });
      if (!ok) throw new Error("no verdict");
      return performance.now() - start;
    }, tabId));
  }
  times.sort((a, b) => a - b);
  line("worker/cold-verdict-p50", at(times, 0.5), "ms", { bound: 100 });
  line("worker/cold-verdict-p95", at(times, 0.95), "ms", { bound: 200 });

  // A thousand links of a feed, as the worker asks the core.
  const links = Array.from({ length: 1000 }, (_, i) => [
    `https://www.facebook.com/an.invented.name${i}/posts/${i}`, `https://shop${i}.example/item/${i}?ref=feed`,
    `https://www.tiktok.com/@invented${i}/video/${i}`, `https://news${i}.example/`,
  ][i % 4]);
  const files = await Promise.all(["keys", "head", "set", "guide"].map((name) => readFile(path.join(world.extension, "chromium/bundled", name))));
  const core = await Core.start(await browser.inside());
  const root = (await readFile(path.join(world.khien.dir, "keys/root.pub"), "utf8")).trim();
  const idle = await core.memory();
  await core.open(root, { keys: files[0], head: files[1], set: files[2], guide: files[3] });

  // The update from the first release to the second, and the second as a worker finds it.
  const get = async (path) => Buffer.from(await (await fetch(`http://127.0.0.1:${world.khien.port}${path}`)).arrayBuffer());
  const head = await get("/v1/head");
  const plan = await core.call(5, { head, keys: Buffer.of(), now: Math.floor(Date.now() / 1000) });
  if (plan.need !== "delta") throw new Error(`the update is a ${plan.need}`);
  const { times: applied, memory } = await core.applyTimes({ head, keys: Buffer.of(), delta: await get(plan.path) }, 1);
  line("delta/memory", memory - idle, "bytes", { bound: 3 * files[2].length });
  line("delta/apply", at([...applied, ...(await core.applyTimes({ head, keys: Buffer.of(), delta: await get(plan.path) }, 10)).times].sort((a, b) => a - b), 0.5), "ms", { bound: 40 });
  line("check/batch-1000", at(await core.times(links, 30), 0.5), "ms", { bound: 5 });
  line("set/open", at(await core.reopenTimes(root, { head, keys: files[0], sum: plan.set, supplement: plan.supplement_path ? await get(plan.supplement_path) : files[3] }, 20), 0.5), "ms", { bound: 50 });

  // Nothing changed: what the server's answer takes on the wire.
  const ask304 = async (etag) => {
    const socket = net.connect(world.khien.port, "127.0.0.1");
    await once(socket, "connect");
    socket.end(`GET /v1/head HTTP/1.1\r\nHost: khien.example\r\n${etag ? `If-None-Match: ${etag}\r\n` : ""}Connection: close\r\n\r\n`);
    let got = "";
    for await (const part of socket) got += part.toString("latin1");
    return got;
  };
  const etag = /^etag: (.*)\r$/im.exec(await ask304(""))[1];
  const unchanged = await ask304(etag);
  if (!unchanged.startsWith("HTTP/1.1 304")) throw new Error(unchanged);
  console.log(JSON.stringify({ name: "update/bytes-unchanged", n, value: unchanged.length, unit: "bytes", bound: 200 }));
} finally {
  await world.close();
}
