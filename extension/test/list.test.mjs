// A real list, where it lies beside the project: what khien says of each of its lines the core says too.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { decode, encode } from "@msgpack/msgpack";
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

/** The core that the extension carries, run in a page of the extension; requests and replies are encoded here. */
class Core {
  static async start(page) {
    const core = new Core();
    core.page = page;
    await page.evaluate(async () => {
      let memory;
      const view = () => new DataView(memory.buffer);
      const nothing = (count, size) => (view().setUint32(count, 0, true), view().setUint32(size, 0, true), 0);
      const wasi = {
        args_sizes_get: nothing,
        environ_sizes_get: nothing,
        clock_time_get: (id, precision, at) => (view().setBigUint64(at, BigInt(Date.now()) * 1000000n, true), 0),
        random_get: (at, size) => (crypto.getRandomValues(new Uint8Array(memory.buffer, at, size)), 0),
      };
      const module = await WebAssembly.compileStreaming(fetch("core.wasm"));
      const imports = Object.fromEntries(WebAssembly.Module.imports(module).map(({ name }) => [name, wasi[name] ?? (() => 8)]));
      const { exports } = await WebAssembly.instantiate(module, { wasi_snapshot_preview1: imports });
      memory = exports.memory;
      exports._initialize();
      globalThis.exchange = (op, request, attached) => {
        if (attached) {
          const body = Uint8Array.from(atob(attached), (c) => c.charCodeAt(0));
          const at = exports.attach(body.length);
          new Uint8Array(memory.buffer, at, body.length).set(body);
        }
        const sent = Uint8Array.from(atob(request), (c) => c.charCodeAt(0));
        const at = exports.buffer(sent.length); // may move the memory
        new Uint8Array(memory.buffer, at, sent.length).set(sent);
        const reply = BigInt.asUintN(64, exports.call(op, sent.length));
        let text = "";
        for (const byte of new Uint8Array(memory.buffer, Number(reply >> 32n), Number(reply & 0xffffffffn))) text += String.fromCharCode(byte);
        return btoa(text);
      };
    });
    return core;
  }

  async call(op, request, attached = Buffer.of()) {
    const sent = Buffer.from(encode(request)).toString("base64");
    const reply = decode(Buffer.from(await this.page.evaluate((args) => exchange(...args), [op, sent, attached.toString("base64")]), "base64"));
    assert.equal(reply.error, undefined);
    return reply;
  }

  /** What it says of many addresses, each as this browser normalises it. */
  async check(urls) {
    const found = [];
    for (let at = 0; at < urls.length; at += 2000) {
      const hrefs = await this.page.evaluate((urls) => urls.map((url) => new URL(url).href), urls.slice(at, at + 2000));
      found.push(...(await this.call(3, { hrefs, now: Math.floor(Date.now() / 1000) })).findings);
    }
    return found;
  }
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
    const [keys, head, set] = await Promise.all(["keys", "head", "set"].map(carried));
    const sum = createHash("sha256").update(set).digest();
    await core.call(2, { root, keys, head, sum, now: Math.floor(Date.now() / 1000) }, set);
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
