// Measures how long the popup takes from the click on the toolbar button to its verdict, with the worker running and with
// it stopped: lines for scripts/bench, one JSON object each.
//
//	node bench/popup.mjs [entries] [rounds]

import { World } from "../test/fixture/world.mjs";

const n = Number(process.argv[2] ?? 100_000);
const rounds = Number(process.argv[3] ?? 30);

const line = (name, value, bound) => console.log(JSON.stringify({ name: `${name}@chromium`, n, value, unit: "ms", bound }));
const at = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];

const world = await World.make({ format: "urls", list: Array.from({ length: n }, (_, i) => `site-${i}.example`).join("\n") });
try {
  const browser = await world.chromium();
  const tab = await browser.tab();
  await tab.goto("https://unlisted.example/");
  for (const stopped of [false, true]) {
    const opened = [];
    for (let round = 0; round < rounds; round++) {
      if (stopped) await browser.killWorker();
      const popup = await browser.popup(tab);
      opened.push(await popup.opened());
      await popup.close();
    }
    opened.sort((a, b) => a - b);
    const name = stopped ? "popup/open-cold" : "popup/open";
    line(`${name}-p50`, at(opened, 0.5), stopped ? 200 : 100);
    line(`${name}-p95`, at(opened, 0.95), stopped ? 300 : 100);
  }
} finally {
  await world.close();
}
