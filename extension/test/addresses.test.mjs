// The core and the browser read hostile addresses alike: the same host and the same path, or the
// core refuses. Nothing that the browser opens may be another thing to the core.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { Core } from "./fixture/core.mjs";
import { top } from "./fixture/khien.mjs";
import { scaled } from "./fixture/whole.mjs";
import { World } from "./fixture/world.mjs";

const count = scaled(240_000, 8);

test(`${count} hostile addresses are the same to the core and to Chromium, or refused`, async () => {
  const world = await World.make();
  try {
    const browser = await world.chromium();
    const page = await browser.inside();
    await Core.start(page);
    await page.evaluate(await readFile(path.join(top, "extension/node_modules/@msgpack/msgpack/dist.umd/msgpack.min.js"), "utf8"));
    const said = await page.evaluate(compare, count);
    assert.deepEqual(said.differ, []);
    assert.ok(said.read > count / 3, `only ${said.read} were read by both`);
    assert.ok(said.refused > count / 24, `only ${said.refused} were refused by the browser`);
    assert.ok(said.targets > count / 5, `only ${said.targets} lead elsewhere`);
  } finally {
    await world.close();
  }
});

/** Runs in a page of the extension, where the core is. */
function compare(count) {
  // xorshift32: the same addresses each time.
  let state = 20261123;
  const random = (n) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % n;
  };
  const one = (list) => list[random(list.length)];
  const schemes = ["https://", "http://", "HTTPS://", "https:/", "https:", "http:\\\\", "https:///", "//", "ftp://", "", " https://", "https\t://"];
  const users = ["", "", "", "", "a@", "a:b@", "www.facebook.com@", "a@b@", "%40@", "@"];
  const hosts = [
    "www.facebook.com", "m.facebook.com", "FaceBook.com", "facebook.com.", ".facebook.com", "facebook..com", "t.me", "T.ME", "zalo.me", "www.tiktok.com",
    "scam.example", "a.b.c.d.e.scam.example", "faceb\u043e\u043ek.com", "ｆａｃｅｂｏｏｋ.com", "facebook\u3002com", "face\u00adbook.com", "b\u00fccher.example", "xn--bcher-kva.example",
    "xn--a", "xn--", "127.0.0.1", "127.1", "0x7f.1", "017700000001", "2130706433", "1.2.3.256", "[::1]", "[::ffff:203.0.113.7]", "[2001:DB8::1]", "[::1", "a b", "a%20b", "a%2eexample",
    "scam%00.example", "exa<mple", "exa_mple.example", "-a.example", "a-.example", "ex\u200bample.example", "\u0130stanbul.example", "fa\u00dfbender.example", "",
  ];
  const ports = ["", "", "", ":443", ":80", ":8443", ":", ":0", ":00443", ":65536", ":8x"];
  const parts = [
    "/", "/", "/", "\\", "//", "/./", "/../", "/%2e%2e/", "/.%2E/", "zuck", "An.Invented.Name", "profile.php", "groups", "900000000000001", "@an.invented.name", "joinchat", "%2f", "%252f", "%25", "%",
    "%zz", "%00", "\u0000", "\t", "\n", " ", "\u202e", "\u200b", "t\u00ean", "te\u0302n", "%E2%80%8B", "%ff", "'", "\"", "<", ">", "`", "{", "}", "|", "^", "[", "]", ";", ",", "\ud800", "+", "=", "&", "*", ".",
  ];
  const tails = ["", "", "", "?", "?id=900000000000001", "?q=%2541", "?q=a b", "?\u00fc", "?'\"<>", "#", "#f", "#@name", "?#", "?a=1&a=2", "?u=https://x.example"];
  const text = () => {
    // Two of three begin well, so that what comes behind is read.
    const well = random(3) > 0;
    let made = (well ? "https://" : one(schemes)) + one(users) + one(well ? hosts.slice(0, 12) : hosts) + (well ? "" : one(ports));
    for (let i = random(7); i > 0; i--) made += one(parts);
    return made + one(tails);
  };

  const subjects = (href) => {
    const sent = MessagePack.encode({ href });
    lay(core.buffer(sent.length), sent);
    const reply = BigInt.asUintN(64, core.call(8, sent.length));
    const got = MessagePack.decode(new Uint8Array(core.memory.buffer, Number(reply >> 32n), Number(reply & 0xffffffffn)).slice());
    return got.error ? undefined : got.subjects.filter((one) => !/^[a-z]+:/.test(one));
  };

  // What the browser says, in the words of the core: a second implementation of the canonical form.
  const canonical = (url) => {
    let host = url.hostname.replace(/^\.+|\.+$/g, "").replace(/\.{2,}/g, ".").replaceAll("%2A", "*");
    const mapped = /^\[::ffff:([0-9a-f]+):([0-9a-f]+)\]$/.exec(host);
    if (mapped) {
      const [high, low] = mapped.slice(1).map((part) => parseInt(part, 16));
      host = `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
    }
    let path = url.pathname;
    for (let before; before !== path; ) {
      before = path;
      path = path.replace(/%([0-9a-fA-F]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
    }
    const kept = [];
    let folder = false;
    for (const part of path.split("/")) {
      folder = part === "" || part === "." || part === "..";
      if (part === "..") kept.pop();
      else if (!folder) kept.push(part);
    }
    path = "/" + kept.join("/") + (folder && kept.length > 0 ? "/" : "");
    return host + path.replace(/[\u0000- \u007f-\u00ff#%?]/g, (char) => "%" + char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0"));
  };
  const withoutQuery = (expression) => expression.replace(/\?.*$/, "");
  // A page that is nobody's is the same on all hosts of a platform (docs/subjects.md): its name on one of them comes
  // first, and that by the host that is opened is among the others.
  const oneHost = { "facebook.com": "www.facebook.com", "m.facebook.com": "www.facebook.com" };
  const isRead = (names, url) => {
    const opened = canonical(url);
    const cut = opened.indexOf("/");
    const first = (oneHost[opened.slice(0, cut)] ?? opened.slice(0, cut)) + opened.slice(cut);
    const all = names.map(withoutQuery);
    return all.includes(opened) && (all[0] === opened || all[0] === first);
  };

  const differ = [];
  const say = (...words) => differ.length < 20 && differ.push(words.join(" ¦ "));
  let read = 0;
  let refused = 0;
  let targets = 0;
  for (let i = 0; i < count; i++) {
    const written = text();
    const url = URL.canParse(written) ? new URL(written) : undefined;
    const web = url && /^https?:$/.test(url.protocol);
    // As it is written, it is refused, or it is what the browser makes of it.
    const raw = subjects(written);
    if (raw && (!web || !isRead(raw, url))) say("written", JSON.stringify(written), raw[0], url?.href);
    if (!web) {
      refused++;
    } else {
      // As the browser makes it, it is read.
      const got = subjects(url.href);
      if (got) {
        read++;
        if (!isRead(got, url)) say("normalised", JSON.stringify(written), got[0], canonical(url));
      } else if (/[^.]/.test(url.hostname) && !/\d\.\.+$/.test(url.hostname)) {
        // The exceptions are no names: nothing but dots, and a number in front of an empty label.
        say("refused", JSON.stringify(written), url.href);
      }
    }
    // In another address, it is read as the browser would, or not at all.
    const leads = subjects(`https://l.facebook.com/l.php?u=${encodeURIComponent(written.toWellFormed())}`);
    const first = leads && !leads[0].startsWith("l.facebook.com/") ? withoutQuery(leads[0]) : undefined;
    if (first === undefined) continue;
    targets++;
    const relative = written.startsWith("//") && URL.canParse(written, "https://x.example/");
    const there = relative ? new URL(written, "https://x.example/") : web ? url : undefined;
    // Names that the browser refuses lead nowhere; what it writes in its own way is of no platform.
    if (there && !isRead(leads, there) && !/xn--/.test(there.hostname)) say("in another", JSON.stringify(written), first, canonical(there));
  }
  return { differ, read, refused, targets };
}
