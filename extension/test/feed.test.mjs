// A person scrolls through feeds and chats: authors and links that are listed are marked, and nothing else changes.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Marks } from "./fixture/marks.mjs";
import { Surface } from "./fixture/surface.mjs";
import { until } from "./fixture/until.mjs";
import { listed, World } from "./fixture/world.mjs";

let world, browser;

before(async () => {
  world = await World.make({
    list: `${listed}https://www.linkedin.com/in/invented-recruiter,job,Asks for a fee before the first day.,Đòi phí trước ngày đầu.
https://www.threads.com/@invented.lender,loan,Asks for money before it lends any.,Đòi tiền trước khi cho vay.
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

const feeds = {
  "https://www.facebook.com/?feed=12": "Facebook account inventedgiftcentre",
  "https://www.messenger.com/?feed=12": "Facebook account no. 900000000000001",
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
