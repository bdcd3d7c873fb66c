// Pictures on their way to the server. One is taken when somebody asks for it, lies on this device until they have seen it and said that it may go, and follows its report:
// it is sent when the report is acknowledged, and until the server has taken it or never will.

import { openDB, type DBSchema, type IDBPDatabase } from "idb";
import { api, own } from "./ext";
import { find, serverOf } from "./report";
import { post, ServerError } from "./server";
import * as session from "./session";
import { durable } from "./store";

/** What the server takes. */
export const maxBytes = 2 << 20;
export const maxPixels = 16 << 20;

interface Picture {
  /** The id of its report. */
  report: string;
  body: Uint8Array<ArrayBuffer>;
  /** A draft is sent by nobody. */
  state: "draft" | "waiting";
  /** Not before this time, in Unix milliseconds. */
  due: number;
  tries: number;
  /** When it was taken, in Unix milliseconds. */
  taken: number;
}

interface Schema extends DBSchema {
  pictures: { key: string; value: Picture };
}

let opening: Promise<IDBPDatabase<Schema>> | undefined;

function database(): Promise<IDBPDatabase<Schema>> {
  opening ??= openDB<Schema>("khien-pictures", 1, {
    upgrade(db) {
      db.createObjectStore("pictures", { keyPath: "report" });
    },
    terminated() {
      opening = undefined;
    },
  }).catch((err: unknown) => {
    opening = undefined;
    throw err;
  });
  return opening;
}

async function put(picture: Picture): Promise<void> {
  const tx = (await database()).transaction("pictures", "readwrite", durable);
  await Promise.all([tx.store.put(picture), tx.done]);
}

/** Takes a picture of what a window shows, for a report, and opens it to be seen. The click on the button of the extension gives the right to. */
export async function take(report: string, windowId: number): Promise<boolean> {
  const image = await api.tabs.captureVisibleTab(windowId, { format: "png" }).catch(() => undefined);
  // Of a private window nothing is put on the disk.
  if (!image || !(await find(report)) || (await session.report(report))) return false;
  const body = Uint8Array.from(atob(image.slice(image.indexOf(",") + 1)), (c) => c.charCodeAt(0));
  await put({ report, body, state: "draft", due: 0, tries: 0, taken: Date.now() });
  await api.tabs.create({ url: own(`redact.html#${report}`) });
  return true;
}

/** What was taken for a report and is not sent yet. */
export async function draft(report: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const picture = await (await database()).get("pictures", report);
  return picture?.state === "draft" ? picture.body : undefined;
}

/** All that are not sent yet, for somebody who saves what is kept of them. */
export async function all(): Promise<{ report: string; picture: string }[]> {
  return (await (await database()).getAll("pictures")).map(({ report, body, state }) => {
    let bytes = "";
    for (const byte of body) bytes += String.fromCharCode(byte);
    return { report, picture: `data:image/${state === "draft" ? "png" : "jpeg"};base64,${btoa(bytes)}` };
  });
}

/** Lets what the person has seen go, in place of what was taken. */
export function approve(report: string, body: Uint8Array<ArrayBuffer>): Promise<void> {
  return put({ report, body, state: "waiting", due: 0, tries: 0, taken: Date.now() });
}

/** Forgets what was taken for a report, or all that was taken. */
export async function drop(report?: string): Promise<void> {
  const db = await database();
  await (report === undefined ? db.clear("pictures") : db.delete("pictures", report));
}

/** How long is tried to send a picture, and a draft is kept that nobody looks at, in milliseconds. */
const patience = 7 * 24 * 60 * 60_000;
const forgotten = 60 * 60_000;

let flushing: Promise<number> | undefined;

/** Sends what may go and whose report has arrived. Returns when to try again, in Unix milliseconds; 0 if there is nothing to try. */
export function flush(): Promise<number> {
  return (flushing ??= drain().finally(() => (flushing = undefined)));
}

async function drain(): Promise<number> {
  let next = 0;
  for (const picture of await (await database()).getAll("pictures")) {
    const due = await step(picture);
    if (due > 0) next = next === 0 ? due : Math.min(next, due);
  }
  return next;
}

async function step(picture: Picture): Promise<number> {
  const entry = await find(picture.report);
  const old = Date.now() - picture.taken > (picture.state === "draft" ? forgotten : patience);
  if (!entry || entry.state === "refused" || old) {
    await drop(picture.report);
    return 0;
  }
  if (picture.state === "draft") return picture.taken + forgotten + 1000;
  if (!entry.receipt) return 0; // the report comes first, and brings us back
  if (picture.due > Date.now()) return picture.due;
  const tried = { ...picture, tries: picture.tries + 1, due: Date.now() + Math.min(30_000 * 2 ** picture.tries, 6 * 60 * 60_000) };
  await put(tried);
  try {
    await post("/v1/pictures", picture.body, { "Content-Type": "image/jpeg", "Khien-Receipt": entry.receipt }, serverOf(entry));
  } catch (err) {
    // The server never takes it: it is no picture to it, or one too many, or the report is gone.
    if (!(err instanceof ServerError) || ![400, 404, 409, 413].includes(err.status)) return tried.due;
  }
  await drop(picture.report);
  return 0;
}
