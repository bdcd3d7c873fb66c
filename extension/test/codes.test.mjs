// QR codes as somebody damages or makes them up: what is read is what was written, or nothing, and it has an end.
// `make fuzz` runs this file for as long as SECONDS says.

import assert from "node:assert/strict";
import { test } from "node:test";
import encodeQR from "qr";
import { decodeQR } from "qr/decode.js";
import { dice } from "./fixture/dice.mjs";

const seconds = Number(process.env.SECONDS ?? 0);
const seed = Number(process.env.SEED ?? (seconds ? Date.now() % 2 ** 31 : 1));

/** As qr.ts reads, with its bounds. */
const options = { effort: Infinity, timeLimit: 1000 };

/** What a picture says; undefined where nothing can be read. The library says that by an error. */
function read(picture) {
  try {
    return decodeQR(picture, options);
  } catch (err) {
    assert.ok(err instanceof Error, `it throws ${err}`);
    return undefined;
  }
}

/** A picture of a code: each module so many pixels wide, with a quiet edge. */
function draw(text, scale, ecc) {
  const code = encodeQR(text, "raw", { ecc, border: 4 });
  const side = code.length * scale;
  const data = new Uint8ClampedArray(side * side * 4).fill(255);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      if (code[Math.floor(y / scale)][Math.floor(x / scale)]) data.fill(0, (y * side + x) * 4, (y * side + x) * 4 + 3);
    }
  }
  return { width: side, height: side, data };
}

/** Does to a picture what light, dirt and people do. */
function damage(d, { width, height, data }) {
  const set = (x, y, grey) => x < width && y < height && data.fill(grey, (y * width + x) * 4, (y * width + x) * 4 + 3);
  switch (d.below(6)) {
    case 0: // a spot
      for (let y = d.below(height), size = d.below(width), to = y + size, from = d.below(width); y < to; y++) for (let x = from; x < from + size; x++) set(x, y, d.below(2) * 255);
      break;
    case 1: // noise
      for (let n = d.below(width * height); n > 0; n--) set(d.below(width), d.below(height), d.below(256));
      break;
    case 2: // lines
      for (let y = d.below(height), step = 1 + d.below(9); y < height; y += step) for (let x = 0; x < width; x++) set(x, y, 255);
      break;
    case 3: // a gradient
      for (let i = 0; i < data.length; i++) if (i % 4 < 3) data[i] = (data[i] * ((i / 4) % width)) / width;
      break;
    case 4: // another code over it
      draw("https://parcel-fee.example/", 1 + d.below(3), "low").data.forEach((one, i) => (data[i] = one));
      break;
    default: // cut short, or told to be larger than it is
      return { width: width + d.below(3) - 1, height: d.below(2) ? height : d.below(height), data: d.below(2) ? data : data.subarray(0, d.below(data.length)) };
  }
  return { width, height, data };
}

const texts = ["https://parcel-fee.example/a?b=c", "00020101021238570010A00000072701270006970436011300110000000010208QRIBFTTA53037045802VN6304ABCD", "tel:+84900000001", "Đầu tư sinh lời", "0".repeat(900), "\u0000\u202e<script>"];

test("a code that nobody has damaged says what it was made for", () => {
  for (const text of texts) for (const ecc of ["low", "medium", "quartile", "high"]) assert.equal(read(draw(text, 3, ecc)), text);
});

test("one that is damaged says the same or nothing, and what is no code at all says nothing for ever", (t) => {
  const d = dice(seed);
  const end = Date.now() + (seconds || 1) * 1000;
  let n = 0;
  let same = 0;
  for (; seconds ? Date.now() < end : n < 40; n++) {
    const text = d.of(texts);
    let picture = draw(text, 2 + d.below(3), d.of(["low", "high"]));
    const times = 1 + d.below(3);
    for (let i = 0; i < times; i++) picture = damage(d, picture);
    const began = Date.now();
    const said = read(picture);
    // The time that it is given, and half a minute more for a machine that does much else.
    assert.ok(Date.now() - began < options.timeLimit + 30_000, `seed ${seed}, picture ${n}: it takes ${Date.now() - began} ms`);
    if (said === undefined) continue;
    same += said === text;
    assert.ok(typeof said === "string" && said.length <= 7089, `seed ${seed}, picture ${n}: it says ${JSON.stringify(said).slice(0, 200)}`);
    assert.ok(said === text || said === "https://parcel-fee.example/", `seed ${seed}, picture ${n}: ${JSON.stringify(text)} is read as ${JSON.stringify(said)}`);
  }
  t.diagnostic(`${n} pictures, seed ${seed}, ${same} of them read`);
});

test("pictures that are none", () => {
  for (const [width, height, data] of [[0, 0, []], [1, 1, [0, 0, 0, 255]], [-1, 5, []], [NaN, NaN, []], [1e9, 1e9, new Uint8ClampedArray(4)], [40, 40, new Uint8ClampedArray(6400)], [1600, 1600, new Uint8ClampedArray(1600 * 1600 * 4)]]) {
    assert.equal(read({ width, height, data: Uint8ClampedArray.from(data) }), undefined, `${width} × ${height}`);
  }
});
