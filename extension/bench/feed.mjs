// Measures what the marks cost the page that a person scrolls: lines for scripts/bench, one JSON object each.
// A feed of 500 posts is scrolled to its end while the browser's own profiler looks at the page.
//
//	node bench/feed.mjs

import { World } from "../test/fixture/world.mjs";
import { Marks } from "../test/fixture/marks.mjs";
import { until } from "../test/fixture/until.mjs";

const posts = 500;
const line = (name, value, unit, more = {}) => console.log(JSON.stringify({ name: `${name}@chromium`, n: posts, value, unit, ...more }));
const at = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];

/** Microseconds between two looks of the profiler. */
const interval = 50;

/** The pieces of work of one script, each in ms: looks that follow each other without a gap. */
function pieces({ nodes, samples, timeDeltas }, file) {
  const parents = new Map(nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node.id])));
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const ours = new Map();
  const isOurs = (id) => {
    if (id === undefined) return false;
    if (!ours.has(id)) ours.set(id, byId.get(id).callFrame.url.endsWith(file) || isOurs(parents.get(id)));
    return ours.get(id);
  };
  const found = [];
  let piece = 0;
  samples.forEach((id, i) => {
    // The time until the next look belongs to this one.
    const took = Math.max(0, timeDeltas[i + 1] ?? interval);
    if (isOurs(id)) piece += took;
    else if (piece > 0) found.push(piece / 1000), (piece = 0);
  });
  if (piece > 0) found.push(piece / 1000);
  return found.sort((a, b) => a - b);
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
  await session.send("Profiler.enable");
  await session.send("Profiler.setSamplingInterval", { interval });
  for (const kind of ["", "&virtual"]) {
    await tab.goto(`https://www.facebook.com/?feed=${posts}${kind}`);
    await marks.some();
    await session.send("Profiler.start");
    const took = await tab.evaluate(async () => {
      const start = performance.now();
      // Four screens a second, as somebody who looks for something.
      for (;;) {
        await new Promise(requestAnimationFrame);
        const y = ((performance.now() - start) / 1000) * 4 * innerHeight;
        scrollTo(0, y);
        if (y >= document.documentElement.scrollHeight - innerHeight) return performance.now() - start;
      }
    });
    const { profile } = await session.send("Profiler.stop");
    const found = pieces(profile, "/feed.js");
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
