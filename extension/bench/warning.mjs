// Measures how long a person waits for the warning where an address is typed, and with the browser's own rules: from
// the start of a navigation to its first paint. After a link and without rules, pages.mjs does. Lines for
// scripts/bench, one JSON object each.
//
//	node bench/warning.mjs [entries [rounds]]

import { until } from "../test/fixture/until.mjs";
import { World } from "../test/fixture/world.mjs";

const n = Number(process.argv[2] ?? 100_000);
const rounds = Number(process.argv[3] ?? 30);

const words = (text) => console.error(text);

const world = await World.make({ format: "urls", list: Array.from({ length: n }, (_, i) => `site-${i}.example`).join("\n") });
try {
  const plain = await world.chromium();
  const ruled = await world.chromiumWithAccess();
  const inside = await ruled.inside();
  const host = await until("the rules are there", () =>
    inside.evaluate(async () => (await chrome.declarativeNetRequest.getDynamicRules())[0]?.condition.requestDomains[0]));
  await inside.close();

  /** Somebody clicks on a link: a page of the web leads there. */
  const link = async (browser, tab, href) =>
    tab.evaluate((href) => {
      const start = performance.timeOrigin + performance.now();
      location.assign(href);
      return start;
    }, href);
  /** An address is typed, or comes from another program: the browser leads there. */
  const opened = async (browser, tab, href, ours) => {
    const shown = tab.url();
    return ours.evaluate(async ([shown, href]) => {
      const all = await chrome.tabs.query({});
      const frames = await Promise.all(all.map(async ({ id }) => ({ id, frame: await chrome.webNavigation.getFrame({ tabId: id, frameId: 0 }) })));
      const start = performance.timeOrigin + performance.now();
      await chrome.tabs.update(frames.find(({ frame }) => frame?.url === shown).id, { url: href });
      return start;
    }, [shown, href]);
  };

  for (const [name, browser, way, cold] of [
    ["opened", plain, opened, false],
    ["rules-link", ruled, link, false],
    ["rules-opened", ruled, opened, false],
    ["rules-link-cold", ruled, link, true],
  ]) {
    const ours = await browser.inside();
    const times = [];
    for (let round = 0; round < rounds; round++) {
      const tab = await browser.tab();
      await tab.goto(`https://unlisted-${round}.example/`);
      await tab.click("h1");
      if (cold) await browser.killWorker();
      const start = await way(browser, tab, `https://${host}/`, ours);
      await browser.warned(tab);
      const painted = await until("the warning is painted", () =>
        tab.evaluate(() => performance.timeOrigin + (performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? NaN)));
      times.push(painted - start);
      await tab.close();
    }
    await ours.close();
    times.sort((a, b) => a - b);
    for (const [share, label] of [[0.5, "p50"], [0.95, "p95"]]) {
      const value = times[Math.min(times.length - 1, Math.floor(times.length * share))];
      console.log(JSON.stringify({ name: `warning/${name}-${label}@chromium`, n, value, unit: "ms" }));
    }
    words(`${name}: done`);
  }
} finally {
  await world.close();
}
