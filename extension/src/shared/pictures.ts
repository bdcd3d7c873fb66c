// Pictures for reports, on this device: one is taken by the worker, seen and cut by the person on a page of ours, and
// sent by the worker.

import type { DBSchema } from "idb";
import { durable, opener } from "./database";
import type { Work } from "./entry";

/** What the server takes. */
export const maxBytes = 2 << 20;
export const maxPixels = 16 << 20;

export interface Picture {
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
  /** What the server asked for before it takes it. */
  work?: Work | undefined;
}

interface Schema extends DBSchema {
  pictures: { key: string; value: Picture };
}

const database = opener<Schema>("khien-pictures", { pictures: { keyPath: "report" } });

export async function put(picture: Picture): Promise<void> {
  const tx = (await database()).transaction("pictures", "readwrite", durable);
  await Promise.all([tx.store.put(picture), tx.done]);
}

/** What was taken for a report and is not sent yet. */
export async function draft(report: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const picture = await (await database()).get("pictures", report);
  return picture?.state === "draft" ? picture.body : undefined;
}

/** All that are not sent yet. */
export async function all(): Promise<Picture[]> {
  return (await database()).getAll("pictures");
}

/** The same for somebody who saves what is kept of them. */
export async function toSave(): Promise<{ report: string; picture: string }[]> {
  return (await all()).map(({ report, body, state }) => {
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
