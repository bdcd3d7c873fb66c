// A real list, where it lies beside the project: what khien says of each of its lines the core says too.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
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
  for (const list of ["platforms", "banks", "state", "sites", "shared"]) {
    const lines = (await readFile(path.join(top, "server/publish/protected", `${list}.txt`), "utf8")).split("\n");
    names.push(...lines.filter((line) => line && !line.startsWith("#")));
  }
  return names;
}

test("every line of a real list warns in Chromium, and no well-known site does", { skip: text ? false : "the list is not here" }, async () => {
  const lines = text.trim().split("\n");
  const world = await World.make({ format: "urls", list: text });
  try {
    const said = await world.khien.check(lines);
    assert.deepEqual(said.filter((one) => one.verdict !== "listed").map((one) => one.input), []);
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
