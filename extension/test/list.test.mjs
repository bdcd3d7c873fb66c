// A real list, where it lies beside the project: what khien says of each of its lines the core says too.

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { Core } from "./fixture/core.mjs";
import { top } from "./fixture/khien.mjs";
import { World } from "./fixture/world.mjs";

const file = path.join(top, "../shared/data/vn-scam-hosts.txt");
const text = await readFile(file, "utf8").catch(() => undefined);

/** Names that nobody may be warned about; the publisher's own lists. */
async function wellKnown() {
  const names = [];
  const rules = path.join(top, "shared/subject/platforms");
  for (const file of (await readdir(rules)).filter((file) => file.endsWith(".rules"))) {
    names.push(...((await readFile(path.join(rules, file), "utf8")).match(/^owns (.*)$/m)?.[1].split(" ") ?? []));
  }
  for (const list of ["platforms", "banks", "state", "sites", "shared"]) {
    const lines = (await readFile(path.join(top, "server/publish/protected", `${list}.txt`), "utf8")).split("\n");
    names.push(...lines.flatMap((line) => line.split("#")[0].split(/\s+/)).filter((name) => name.includes(".")));
  }
  return names;
}

test("every line of a real list warns in Chromium, and no well-known site does", { skip: text ? false : "the list is not here" }, async () => {
  const all = text.trim().split("\n").filter((line) => !/^(www\.)?unaux\.com$/.test(line)); // free space as a whole, which nobody may list
  const world = await World.make({ format: "urls", list: all.join("\n") });
  try {
    const answers = await world.khien.check(all);
    const said = answers.filter((one) => one.verdict === "listed");
    assert.ok(answers.length === all.length && said.length > all.length * 0.998, `${all.length - said.length} wait for a second person`);
    const lines = said.map((one) => one.input);
    const browser = await world.chromium();
    const core = await Core.start(await browser.inside());
    const carried = (name) => readFile(path.join(world.extension, "chromium/bundled", name));
    const root = (await readFile(path.join(world.khien.dir, "keys/root.pub"), "utf8")).trim();
    const [keys, head, set, guide] = await Promise.all(["keys", "head", "set", "guide"].map(carried));
    await core.open(root, { keys, head, set, guide });
    const found = await core.check(lines.map((line) => "http://" + line));
    const differ = lines.filter((line, i) => found[i].verdict !== "listed" || found[i].subject !== said[i].subject);
    assert.deepEqual(differ, []);
    const names = await wellKnown();
    assert.ok(names.length > 900);
    const known = await core.check(names.flatMap((name) => [`https://${name}/`, `https://www.${name}/`]));
    assert.deepEqual(known.filter((one) => one.verdict === "listed").map((one) => one.subject), []);
  } finally {
    await world.close();
  }
});
