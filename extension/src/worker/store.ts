// What must survive the death of the worker and of the browser: the list in use
// and the reports that wait.
//
// The list lies in one of two slots. A new one goes into the other slot, is read
// back, opened from what was read, and only then does the pointer move. A kill at
// any moment leaves the old list or the new one. Beneath both lies the list that
// the extension was built with.

import type { DBSchema } from "idb";
import type { Heard } from "./clock";
import * as core from "./core";
import type { Release } from "./core";
import * as config from "./config";
import { durable, opener } from "../shared/database";
import type { Entry } from "../shared/entry";
import { own } from "../shared/ext";
import type { OpenReply } from "../shared/protocol";
import type { Home } from "../shared/settings";

type Slot = "A" | "B";

/** The one that the build names. */
export const standard: Home = { server: config.server, root: config.root };

interface Pointer {
  slot: Slot;
  /** The newest release that was ever opened here; an older one is never taken again. */
  sequence: number;
  /** The server's name for the head in the slot. */
  etag: string;
  /** Another server than the standard one, if a person has chosen it. */
  home?: Home;
}

/** How the last attempts to get a newer list went. */
export interface Status {
  /** When the server last answered with something that verifies, in Unix seconds; 0 is never. */
  checked: number;
  /** Name of the error of the last attempt, or empty. */
  error: string;
  failures: number;
  /** When the next attempt is due, in Unix seconds. After a failure none is made by itself before. */
  next: number;
  /** The time, as the server said it last. */
  heard?: Heard | undefined;
}

/** A list that was stored before there were other servers is of the standard one. */
type Stored = Omit<Release, "root"> & Partial<Pick<Release, "root">>;

interface Schema extends DBSchema {
  slots: { key: Slot; value: Stored };
  state: { key: "pointer" | "status"; value: Pointer | Status };
  reports: { key: string; value: Entry };
}

export const database = opener<Schema>("khien", { slots: {}, state: {}, reports: { keyPath: "id" } });

/** The list in use, and what the update needs to know about it. */
export interface Current {
  keys: Uint8Array;
  opened: OpenReply;
  etag: string;
  /** No release before this one may be taken. */
  floor: number;
  /** Where it lies; undefined for the list that the extension came with. */
  slot: Slot | undefined;
  /** Where the next one comes from. */
  home: Home;
}

let current: Promise<Current> | undefined;

/** Opens the best list there is: the slot in use, the other slot, the one from the build; the newest first. */
export function restore(): Promise<Current> {
  current ??= best().catch((err: unknown) => {
    current = undefined;
    throw err;
  });
  return current;
}

async function best(): Promise<Current> {
  core.start(); // while the store is read
  const pointer = await read<Pointer>("pointer");
  const home = pointer?.home ?? standard;
  // What the extension came with is a floor for lists of the same server only.
  const least = pointer?.home ? 0 : config.bundledSequence;
  const stored: Slot[] = !pointer || pointer.sequence < least ? [] : pointer.slot === "A" ? ["A", "B"] : ["B", "A"];
  const floor = Math.max(pointer?.sequence ?? 0, least);
  for (const slot of stored) {
    try {
      const again = () => inSlot(slot);
      const release = await again();
      if (release.root !== home.root) continue;
      const opened = await core.open(release, again);
      // The other slot holds what was in use before, or what was never finished.
      const etag = slot === pointer?.slot ? pointer.etag : "";
      if (opened.sequence >= least) return { keys: release.keys, opened, etag, floor, slot, home };
    } catch {
      // Damaged, or empty: the next best.
    }
  }
  const release = await built();
  const opened = await core.open(release, built);
  return { keys: release.keys, opened, etag: "", floor, slot: undefined, home };
}

/** Where lists come from and reports go. */
export async function home(): Promise<Home> {
  return (await read<Pointer>("pointer"))?.home ?? standard;
}

/** Whether that is the server that the build names. */
export const isStandard = ({ server, root }: Home): boolean => server === standard.server && root === standard.root;

/** The supplement of the list in use, as it was stored. */
export async function supplementInUse(): Promise<Uint8Array> {
  const { slot } = await restore();
  return (await (slot ? inSlot(slot) : built())).guide;
}

async function inSlot(slot: Slot): Promise<Release> {
  const release = await (await database()).get("slots", slot);
  if (!release) throw new Error("the slot is empty");
  return { root: standard.root, ...release };
}

async function built(): Promise<Release> {
  const file = async (name: string) => new Uint8Array(await (await fetch(own(`bundled/${name}`))).arrayBuffer());
  const [keys, head, set, guide] = await Promise.all([file("keys"), file("head"), file("set"), file("guide")]);
  return { root: standard.root, keys, head, set, guide };
}

/** Puts a release whose set the core has just made into use: all of it, or nothing of it. */
export async function replace(release: Omit<Release, "root">, etag: string): Promise<Current> {
  const before = await restore();
  return put({ root: before.home.root, ...release }, etag, before, before.home, core.openMade);
}

/**
 * Puts a release of another server into use, and the server with it; the standard one needs no release, it came with
 * the build.
 */
export async function move(home: Home, release?: Release, etag = ""): Promise<void> {
  const before = await restore();
  try {
    if (release) {
      await put(release, etag, before, home, core.open);
      return;
    }
    const forget = (await database()).transaction("state", "readwrite", durable);
    await Promise.all([forget.store.delete("pointer"), forget.done]);
    current = undefined;
  } catch (err) {
    // The core may have opened what could not be stored.
    current = undefined;
    throw err;
  } finally {
    await restore();
  }
}

async function put(release: Release, etag: string, before: Current, home: Home, open: typeof core.open): Promise<Current> {
  const db = await database();
  const slot: Slot = before.slot === "A" ? "B" : "A";
  const write = db.transaction("slots", "readwrite", durable);
  await Promise.all([write.store.put(release, slot), write.done]);
  const again = () => inSlot(slot);
  const opened = await open(await again(), again);
  const pointer: Pointer = { slot, sequence: opened.sequence, etag, ...(isStandard(home) ? {} : { home }) };
  const flip = db.transaction("state", "readwrite", durable);
  await Promise.all([flip.store.put(pointer, "pointer"), flip.done]);
  const next: Current = { keys: release.keys, opened, etag, floor: opened.sequence, slot, home };
  current = Promise.resolve(next);
  return next;
}

const fresh: Status = { checked: 0, error: "", failures: 0, next: 0 };

export async function status(): Promise<Status> {
  return (await read<Status>("status")) ?? fresh;
}

export async function setStatus(status: Status): Promise<void> {
  await (await database()).put("state", status, "status");
}

/** Forgets all that is kept here; what is in use from now on is the list from the build. */
export async function erase(): Promise<void> {
  const tx = (await database()).transaction(["slots", "state", "reports"], "readwrite", durable);
  await Promise.all([...[...tx.objectStoreNames].map((name) => tx.objectStore(name).clear()), tx.done]);
  current = undefined;
  await restore();
}

/** A browser that keeps no database for us still protects with the list from the build. */
async function read<T extends Pointer | Status>(key: "pointer" | "status"): Promise<T | undefined> {
  try {
    return (await (await database()).get("state", key)) as T | undefined;
  } catch {
    return undefined;
  }
}
