// Measures in Node what is published for browsers in JavaScript: one JSON object each, for scripts/bench.

import { createRequire } from "node:module";

const Detector = createRequire(import.meta.url)("eth-phishing-detect/src/detector.js");

const n = Number(process.argv[2] ?? 1_000_000);
const hosts = Array.from({ length: n }, (_, i) => `site-${i}.example`);
const json = JSON.stringify(hosts);

function timed(f) {
  const start = performance.now();
  const made = f();
  return [performance.now() - start, made];
}

function each(f) {
  for (let i = 0; i < 1000; i++) f(i);
  for (let count = 1000; ; count *= 2) {
    const [took] = timed(() => {
      for (let i = 0; i < count; i++) f(i);
    });
    if (took >= 300) return (took * 1e6) / count;
  }
}

function heap() {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

const line = (name, value, unit) => console.log(JSON.stringify({ name, n, value, unit }));
line("peer/json-list-bits-per-entry", (json.length * 8) / n, "bits");
let before = heap();
const [load, set] = timed(() => new Set(JSON.parse(json)));
line("peer/json-set-load", load, "ms");
line("peer/json-set-memory", heap() - before, "bytes");
line("peer/json-set-lookup-hit", each((i) => set.has(hosts[(i * 7919) % n])), "ns");

// MetaMask's eth-phishing-detect goes through its list one name after the other: a hundredth of it will do.
const part = hosts.slice(0, n / 100);
before = heap();
const [start, detector] = timed(() => new Detector({ blacklist: part, whitelist: [], fuzzylist: [], tolerance: 0 }));
line(`peer/eth-phishing-detect-load (${part.length} names)`, start, "ms");
line(`peer/eth-phishing-detect-memory (${part.length} names)`, heap() - before, "bytes");
const asks = 200;
const [took] = timed(() => {
  for (let i = 0; i < asks; i++) detector.check(`unlisted-${i}.example`);
});
line(`peer/eth-phishing-detect-lookup-miss (${part.length} names)`, (took * 1e6) / asks, "ns");
