// Tries MetaMask's eth-phishing-detect with the names and hosts of "bench trial FILE", and prints how many honest hosts
// and how many impostors it takes for one of the names, and how long it takes for a host; once more with the long names
// alone, as its own are. Its list is that of Khiên's official book, its tolerance the one that it comes with.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const Detector = require("eth-phishing-detect/src/detector.js");
const { tolerance } = require("eth-phishing-detect/src/config.json");

const trial = JSON.parse(readFileSync(process.argv[2], "utf8"));

function tryWith(fuzzylist, peer) {
  const detector = new Detector({ blacklist: [], whitelist: trial.official, fuzzylist, tolerance });
  const count = (hosts) => hosts.filter((host) => detector.check(host).result).length;
  const start = performance.now();
  const [alarms, found] = [count(trial.honest), count(trial.impostors)];
  const micros = ((performance.now() - start) * 1000) / (trial.honest.length + trial.impostors.length);
  return { peer, alarms, found, micros };
}

const long = trial.names.filter((host) => host.lastIndexOf(".") >= 8);
console.log(JSON.stringify([tryWith(trial.names, "eth-phishing-detect, the same names"), tryWith(long, "eth-phishing-detect, those of 8 letters and more")]));
