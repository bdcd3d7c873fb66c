// Nobody alone: what one person wants to publish stands on every page of the console, goes out at once when another
// confirms it with a passkey, and else after a day, unless somebody stops it. Told in order.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { Office } from "./fixture/console.mjs";
import { Khien } from "./fixture/khien.mjs";
import { until } from "./fixture/until.mjs";

let khien, office, an, mai, linh, lan;

/** Imports a list on the command line. */
async function imported(...lines) {
  const file = path.join(khien.dir, "list.txt");
  await writeFile(file, lines.join("\n") + "\n");
  await khien.cli("import", "urls", file, "--source", "one person");
}

async function verdict(address) {
  return (await khien.check([address]))[0].verdict;
}

/** What the command line says, whether it succeeds or not. */
async function publish(...args) {
  return JSON.parse(await khien.cli("publish", ...args));
}

async function confirm(person) {
  await person.page.waitForSelector("form[data-confirm] .primary:not([disabled])");
  await Promise.all([person.page.waitForEvent("load"), person.page.click("form[data-confirm] .primary")]);
}

async function rules() {
  return (await fetch(`http://127.0.0.1:${khien.port}/rules?lang=en`)).text();
}

async function invited(name, role) {
  return (await khien.cli("admin", "invite", name, "--role", role, "--console-origin", khien.console)).trim();
}

async function serve() {
  await khien.start("--console", "127.0.0.1:0");
}

before(async () => {
  khien = await Khien.make();
  await khien.list("urls", "http://first.example/\n");
  await serve();
  office = await Office.open(khien);
  an = await office.person({ name: "an" });
  mai = await office.person({ name: "mai" });
  linh = await office.person({ name: "linh" });
  lan = await office.person({ name: "lan", language: "vi" });
  await an.enrol(await invited("an", "admin"));
  await mai.enrol(await invited("mai", "maintainer"));
  await lan.enrol(await invited("lan", "auditor"));
  await khien.later(73);
});

after(async () => {
  await office?.close();
  await khien?.close();
});

test("as long as one person decides, it says so, and they publish at once", async () => {
  await imported("http://alone.example/");
  assert.equal((await publish()).published, true);
  assert.equal(await verdict("http://alone.example/"), "listed");
  assert.match(await rules(), /run by one person/);
});

test("a second one who decides ends that, for good", async () => {
  await an.go("/people");
  await an.page.fill("#name", "linh");
  await an.page.check("input[value=approver]");
  await an.page.click("text=Invite …");
  await confirm(an);
  await mai.go("/people");
  await mai.page.click("form[action='/people/confirm'] button");
  await confirm(mai);
  await linh.enrol(await mai.page.inputValue("#link"));
  await khien.later(73);
  await imported("http://by-one.example/");
  await assert.rejects(khien.cli("publish", "--alone", "--why", "the others sleep"), /--alone is for an installation that one person runs/);
  const { published, proposed } = await publish();
  assert.equal(published, false);
  assert.ok(proposed.due > new Date(Date.now() + 23 * 3600_000).toISOString(), proposed.due);
  assert.equal(await verdict("http://by-one.example/"), "unlisted");
  await until("its public pages say so no more", async () => !/run by one person/.test(await rules()));
});

test("whoever is in sees it on every page, by day and by night, and stops it with a reason", async () => {
  for (const at of ["/queue", "/takedowns", "/people", "/me", "/nothing-here"]) {
    await lan.go(at);
    await lan.shows(/Có một bản phát hành được đề xuất[^]*thêm 1[^]*by-one\.example[^]*trừ khi có người dừng lại/, ".banner");
  }
  for (const scheme of ["light", "dark"]) {
    await lan.page.emulateMedia({ colorScheme: scheme });
    assert.deepEqual(await lan.barriers(), []);
  }
  await lan.page.setViewportSize({ width: 360, height: 740 });
  assert.equal(await lan.overflows(), false);
  await lan.page.click(".banner a");
  await lan.shows(/by-one\.example/, "main .plus");
  assert.equal(await lan.page.locator("form[data-confirm]").count(), 0, "an auditor is asked to confirm");
  await lan.page.fill("#stop-why", "cửa hàng thật");
  await lan.press("Enter");
  await lan.shows(/Đã dừng/, ".told");
  assert.equal(await lan.page.locator(".banner").count(), 0);
});

test("who was stopped does not slip it through: it takes two from then on", async () => {
  const { proposed } = await publish();
  assert.equal(proposed.due, undefined);
  await khien.later(24 * 30);
  assert.equal((await publish()).published, false);
  await mai.go("/publish");
  await mai.shows(/lan stopped the last one[^]*cửa hàng thật/);
  // Nobody in particular has proposed it: mai is the first, and not the second.
  await mai.shows(/on the command line, by nobody in particular/);
  await confirm(mai);
  await mai.shows(/You have proposed it/);
  assert.equal(await mai.page.locator("form[data-confirm]").count(), 0, "mai is asked twice");
  assert.equal(await verdict("http://by-one.example/"), "unlisted");
  await linh.go("/publish");
  await linh.shows(/mai has proposed it; you make it two/);
  await linh.finger(false);
  await linh.page.click("form[data-confirm] .primary");
  await linh.shows(/That did not work/, "[data-state]");
  await linh.finger(true);
  await linh.page.click("form[data-confirm] .primary");
  await until("it is published", () => /^\/releases\/\d+$/.test(linh.path()));
  assert.equal(await verdict("http://by-one.example/"), "listed");
});

test("what nobody stops goes out after its day, as it was proposed, and what came later waits", async () => {
  await imported("http://in-time.example/", "http://uj.edu.pl/");
  await mai.go("/publish");
  await mai.shows(/1 waits for two people: it reaches far/);
  await confirm(mai);
  await imported("http://too-late.example/");
  await khien.later(25);
  await until("the server publishes it", async () => (await verdict("http://in-time.example/")) === "listed");
  assert.equal(await verdict("http://too-late.example/"), "unlisted");
  assert.equal(await verdict("http://uj.edu.pl/"), "unlisted");
  await mai.go("/queue");
  assert.equal(await mai.page.locator(".banner").count(), 0);
});

test("who has proposed something takes it back, and proposes it anew with all of its time", async () => {
  await mai.go("/publish");
  await mai.shows(/too-late\.example/);
  await confirm(mai);
  await mai.page.fill("#stop-why", "not yet");
  await Promise.all([mai.page.waitForEvent("load"), mai.page.click(".banner button")]);
  await mai.shows(/You have taken it back/, ".told");
  await mai.go("/publish");
  await mai.shows(/after a day, unless somebody stops it/);
  assert.deepEqual([an, mai, linh, lan].flatMap((one) => one.accidents), []);
});
