// Runs scripts/bench, built for wasm, on the engine of Chromium: node bench/wasm.mjs FILE ARGUMENT...

import { readFile } from "node:fs/promises";
import { ConsoleStdout, File, OpenFile, WASI } from "@bjorn3/browser_wasi_shim";

const [file, ...args] = process.argv.slice(2);
const out = ConsoleStdout.lineBuffered((line) => console.log(line));
const err = ConsoleStdout.lineBuffered((line) => console.error(line));
const wasi = new WASI(["bench", ...args], [], [new OpenFile(new File([])), out, err], { debug: false });
const { instance } = await WebAssembly.instantiate(await readFile(file), { wasi_snapshot_preview1: wasi.wasiImport });
process.exitCode = wasi.start(instance);
