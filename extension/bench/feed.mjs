// Measures what the marks cost the page that a person scrolls: lines for scripts/bench, one JSON object each.
// A feed of 500 posts is scrolled to its end while the browser traces what the page does.
//
//	node bench/feed.mjs

import { World } from "../test/fixture/world.mjs";
import { Marks } from "../test/fixture/marks.mjs";
import { until } from "../test/fixture/until.mjs";

const posts = 500;
const line = (name, value, unit, more = {}) => console.log(JSON.stringify({ name: `${name}@chromium`, n: posts, value, unit, ...more }));
const at = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];

const script = "/feed.js";

/**
 * The pieces of work of the script, each in ms of processor time: calls into it, and all that promises and mutation
 * observers do on its thread but for calls into the page's own scripts. Time on the clock would count how long the page
 * waited for a core.
 */
function pieces(events) {
  const called = ({ name, args }) => name === "FunctionCall" && args?.data?.url?.endsWith(script);
  const thread = ({ pid, tid }) => `${pid} ${tid}`;
  const threads = new Set(events.filter(called).map(thread));
  const last = new Map();
  const found = [];
  for (const event of events.toSorted((a, b) => a.ts - b.ts)) {
    const { name, ts, dur, tdur } = event;
    const on = thread(event);
    if (!threads.has(on) || !(name === "FunctionCall" || name === "RunMicrotasks")) continue;
    if (tdur === undefined) throw new Error("the trace has no processor time");
    const piece = last.get(on);
    if (piece && ts < piece.end) {
      // What lies within a piece belongs to it, and what lies within the page's own part of it to that.
      if (name !== "FunctionCall" || called(event) || ts < piece.pageUntil) continue;
      piece.pageUntil = ts + dur;
      piece.took -= tdur / 1000;
    } else if (called(event) || name === "RunMicrotasks") {
      const piece = { end: ts + dur, pageUntil: 0, took: tdur / 1000 };
      last.set(on, piece);
      found.push(piece);
    }
  }
  if (found.length === 0) throw new Error(`no work of the script in ${events.length} events`);
  return found.map(({ took }) => took).sort((a, b) => a - b);
}

/** Records what the page does until the function that it returns is called, which returns the events. */
async function trace(session) {
  const events = [];
  const take = ({ value }) => events.push(...value);
  session.on("Tracing.dataCollected", take);
  await session.send("Tracing.start", { transferMode: "ReportEvents", traceConfig: { recordMode: "recordAsMuchAsPossible", includedCategories: ["devtools.timeline", "v8.execute"] } });
  return async () => {
    const complete = new Promise((resolve) => session.once("Tracing.tracingComplete", resolve));
    await session.send("Tracing.end");
    await complete;
    session.off("Tracing.dataCollected", take);
    return events;
  };
}

const world = await World.make();
try {
  const browser = await world.chromium();
  const tab = await browser.tab();
  await tab.addInitScript(() => {
    globalThis.shift = 0;
    new PerformanceObserver((list) => list.getEntries().forEach((e) => (shift += e.value))).observe({ type: "layout-shift", buffered: true });
  });
  const marks = await Marks.of(tab);
  const { session } = marks;
  for (const kind of ["", "&virtual"]) {
    await tab.goto(`https://www.facebook.com/?feed=${posts}${kind}`);
    await marks.some();
    const traced = await trace(session);
    const took = await tab.evaluate(
      () =>
        new Promise((resolve) => {
          const start = performance.now();
          const length = document.documentElement.scrollHeight - innerHeight;
          // Four screens a second, as somebody who looks for something.
          const step = () => {
            const y = ((performance.now() - start) / 1000) * 4 * innerHeight;
            scrollTo(0, y);
            if (y < length) requestAnimationFrame(step);
            else resolve(performance.now() - start);
          };
          step();
        }),
    );
    const found = pieces(await traced());
    const sum = found.reduce((a, b) => a + b, 0);
    const name = kind ? "feed/virtual" : "feed/plain";
    line(`${name}-batch-p50`, at(found, 0.5) ?? 0, "ms", { bound: 2 });
    line(`${name}-batch-p95`, at(found, 0.95) ?? 0, "ms", { bound: 2 });
    line(`${name}-batch-max`, found.at(-1) ?? 0, "ms", { bound: 2 });
    line(`${name}-of-scrolling`, (100 * sum) / took, "per cent", { bound: 1 });
    line(`${name}-layout-shift`, await tab.evaluate(() => shift), "score");
    const there = await until("marks are there", async () => (await marks.all()).length);
    console.error(`${posts} posts${kind}: scrolled for ${(took / 1000).toFixed(1)} s, ${found.length} pieces of work, ${sum.toFixed(1)} ms in all; ${there} marks at the end`);
  }
} finally {
  await world.close();
}
