// Late warnings: "the page you met on Tuesday is now a confirmed scam".
//
// For thirty days the beginnings of the digests of what a person met are kept, on this device only, by
// the day and encrypted with a key that no script can read out. A newer list is compared with all
// of them. What is listed now is confirmed by its bucket, told once, and no longer kept. Nothing of
// a private window is kept, and nothing of what was listed when it was met: that was told at once.
//
// What the encryption is for, and what it is not: docs/late.md.

import { decode, encode } from "@msgpack/msgpack";
import type { DBSchema } from "idb";
import { proven } from "./clock";
import * as core from "./core";
import { durable, opener } from "../shared/database";
import { api, own } from "../shared/ext";
import { newsCame, type News } from "../shared/message";
import { get } from "./server";
import { settings } from "../shared/settings";
import { restore } from "./store";
import { spoken } from "../shared/text";

/** How long anything is kept, in days. */
const keepDays = 30;
/** How many heads are kept of one day; the newest stay. */
const maxHeads = 4000;
/** The size of a head, in bytes (checker.HeadSize). */
const headSize = 16;
/** How many heads the core is asked about at once. */
const batch = 4096;
/** How many hits are confirmed after one update: each is a question to the server. */
const maxHits = 20;
/** What is met is written together, this long after the first of it; in milliseconds. */
const patience = 5000;
/** How many addresses wait to be written at most. */
const maxWaiting = 200;

/** The heads of one day, by their place, one behind the other. */
type Heads = Record<string, Uint8Array>;

interface Sealed {
  iv: Uint8Array<ArrayBuffer>;
  body: ArrayBuffer;
}

interface Schema extends DBSchema {
  keys: { key: "key"; value: CryptoKey };
  /** By the day. */
  days: { key: number; value: Sealed };
  state: { key: "news"; value: Sealed } | { key: "compared"; value: number };
}

const database = opener<Schema>("khien-late", { keys: {}, days: {}, state: {} });

const privately = api.extension?.inIncognitoContext === true;

/**
 * Today: days since 1970, by the clock on the wall, as far as the list in use proves it: one that was far ahead once
 * would empty all of this.
 */
async function today(): Promise<number> {
  const { opened } = await restore();
  return Math.floor((proven(core.now(), opened.issued) - new Date().getTimezoneOffset() * 60) / 86400);
}

/** All that reads and writes goes one after the other. */
let last: Promise<unknown> = Promise.resolve();

function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const next = last.then(work, work);
  last = next.catch(() => undefined);
  return next;
}

const hrefs = new Set<string>();
const texts = new Set<string>();
/** Subjects that somebody is warned about now. */
const warnings = new Set<string>();
let timer: ReturnType<typeof setTimeout> | undefined;

/** Takes note of a page that was opened and is not listed. Costs nothing now: it is looked at later. */
export function page(href: string): void {
  note(hrefs, href);
}

/** Takes note of what was asked about. */
export function asked(text: string): void {
  note(texts, text);
}

/** Takes note of a subject that somebody is warned about now: the same is not told once more, late. */
export function warned(subject: string): void {
  note(warnings, subject);
}

function note(where: Set<string>, what: string): void {
  if (privately || where.size >= maxWaiting) return;
  where.add(what);
  timer ??= setTimeout(() => {
    timer = undefined;
    void inTurn(write).catch(() => undefined);
  }, patience);
}

/** Writes what waits. What cannot be read names nothing, and is not kept. */
async function write(): Promise<void> {
  const waiting = [...[...hrefs].map((href) => ({ href })), ...[...texts].map((selected) => ({ selected }))];
  hrefs.clear();
  texts.clear();
  await forgetWarned();
  if (waiting.length === 0 || !(await settings()).late) return;
  await restore();
  const fresh: [place: string, head: Uint8Array][] = [];
  for (const one of waiting) {
    const { heads, places } = await core.meet(one).catch(() => ({ heads: new Uint8Array(), places: null }));
    for (const [i, place] of (places ?? []).entries()) fresh.push([place, heads.slice(i * headSize, (i + 1) * headSize)]);
  }
  if (fresh.length === 0) return;
  const day = await today();
  await forgetBefore(day - keepDays + 1);
  await put(day, joined((await heads(day)) ?? {}, fresh));
}

/** Adds heads that are not there, and leaves out the oldest of what is too much. */
function joined(kept: Heads, fresh: [place: string, head: Uint8Array][]): Heads {
  const all = new Map<string, [place: string, head: Uint8Array]>();
  for (const one of [...entries(kept), ...fresh]) {
    const name = one[1].join();
    all.delete(name);
    all.set(name, one);
  }
  return grouped([...all.values()].slice(-maxHeads));
}

function* entries(kept: Heads): Generator<[place: string, head: Uint8Array]> {
  for (const [place, heads] of Object.entries(kept)) {
    for (let at = 0; at + headSize <= heads.length; at += headSize) yield [place, heads.slice(at, at + headSize)];
  }
}

function grouped(all: [place: string, head: Uint8Array][]): Heads {
  const made: Heads = {};
  for (const [place] of all) made[place] ??= concat(all.filter(([other]) => other === place).map(([, head]) => head));
  return made;
}

function concat(parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.length * headSize);
  for (const [i, part] of parts.entries()) whole.set(part, i * headSize);
  return whole;
}

/** Compares everything with the list in use, once for each list, and returns whether there is something to tell. */
function compare(): Promise<boolean> {
  return inTurn(async () => {
    if (privately || !(await settings()).late) return false;
    const { opened } = await restore();
    const db = await database();
    await forgetBefore((await today()) - keepDays + 1);
    await forgetWarned();
    if ((await db.get("state", "compared")) === opened.sequence) return false;
    const { found, done } = await confirmed(await hits());
    const news = await readNews();
    if (found.length > 0) await putNews([...news, ...found]);
    // What could not be confirmed stays, and is compared again after the next check for a newer list.
    if (done) await db.put("state", opened.sequence, "compared");
    return found.length > 0;
  });
}

interface Hit {
  /** The last day on which it was met. */
  day: number;
  place: string;
  head: Uint8Array;
  bucket: string;
}

/** What of all days is listed now, each once. */
async function hits(): Promise<Hit[]> {
  const found = new Map<string, Hit>();
  for (const day of (await (await database()).getAllKeys("days")).sort((a, b) => b - a)) {
    const all = [...entries((await heads(day)) ?? {})];
    for (let at = 0; at < all.length; at += batch) {
      const some = all.slice(at, at + batch);
      const { listed, buckets } = await core.recall(concat(some.map(([, head]) => head)));
      for (const [n, i] of (listed ?? []).entries()) {
        const [place, head] = some[i] ?? ["", new Uint8Array()];
        const bucket = buckets?.[n] ?? "";
        if (bucket && !found.has(head.join())) found.set(head.join(), { day, place, head, bucket });
      }
    }
  }
  return [...found.values()];
}

const maxBucket = 1 << 20;

/** Asks for the bucket of each hit, as for a visit: the question names only the bucket. A chance hit is forgotten. */
async function confirmed(all: Hit[]): Promise<{ found: News[]; done: boolean }> {
  const found: News[] = [];
  const answered: Hit[] = [];
  for (const hit of all.slice(0, maxHits)) {
    try {
      const finding = await core.remember(hit.head, (await get(hit.bucket, maxBucket)).body);
      answered.push(hit);
      if (finding.verdict !== "listed" || !finding.confirmed) continue;
      const reason = finding.reason ?? {};
      found.push({
        id: crypto.randomUUID(),
        day: hit.day,
        place: hit.place,
        category: finding.category,
        reason: spoken(reason),
        source: finding.source,
        reference: finding.reference,
        since: finding.first_seen,
        seen: false,
      });
    } catch {
      // Nobody answers, or wrongly: later.
    }
  }
  await forget(answered.map(({ head }) => head.join()));
  return { found, done: answered.length === all.length };
}

/** Told once: what was told is not kept any more. */
async function forget(names: string[]): Promise<void> {
  if (names.length === 0) return;
  const gone = new Set(names);
  for (const day of await (await database()).getAllKeys("days")) {
    const kept = [...entries((await heads(day)) ?? {})];
    const left = kept.filter(([, head]) => !gone.has(head.join()));
    if (left.length < kept.length) await put(day, grouped(left));
  }
}

/** What was kept of something before it was listed, and what somebody is warned about now. */
async function forgetWarned(): Promise<void> {
  const subjects = [...warnings];
  warnings.clear();
  const digests = await Promise.all(subjects.map((subject) => crypto.subtle.digest("SHA-256", new TextEncoder().encode(subject))));
  await forget(digests.map((digest) => new Uint8Array(digest, 0, headSize).join()));
}

async function forgetBefore(day: number): Promise<void> {
  const db = await database();
  await db.delete("days", IDBKeyRange.upperBound(day, true));
  const news = await readNews();
  const left = news.filter((one) => one.day >= day - keepDays);
  if (left.length < news.length) await putNews(left);
}

/** All that there is to tell, the newest first. */
export function news(): Promise<News[]> {
  if (privately) return Promise.resolve([]);
  return inTurn(async () => (await readNews()).sort((a, b) => b.day - a.day));
}

/** Remembers that a person saw all of it. */
export function saw(): Promise<void> {
  return inTurn(async () => {
    const all = await readNews();
    if (all.some(({ seen }) => !seen)) await putNews(all.map((one) => ({ ...one, seen: true })));
  });
}

/** Takes one of them away, for good. */
export function dismiss(id: string): Promise<void> {
  return inTurn(async () => putNews((await readNews()).filter((one) => one.id !== id)));
}

/** Whether something is kept, and how much: for the options. */
export function kept(): Promise<{ days: number; things: number }> {
  if (privately) return Promise.resolve({ days: 0, things: 0 });
  return inTurn(async () => {
    const days = await (await database()).getAllKeys("days");
    let things = 0;
    for (const day of days) things += [...entries((await heads(day)) ?? {})].length;
    return { days: days.length, things };
  });
}

/** Forgets everything, and the key with it. */
export function clear(): Promise<void> {
  for (const one of [hrefs, texts, warnings]) one.clear();
  if (privately) return Promise.resolve();
  return inTurn(async () => {
    const tx = (await database()).transaction(["keys", "days", "state"], "readwrite", durable);
    await Promise.all([tx.objectStore("keys").clear(), tx.objectStore("days").clear(), tx.objectStore("state").clear(), tx.done]);
  });
}

/**
 * Compares everything with a newer list, and tells what has come up: in a tab that is not brought to the front, unless
 * one is there.
 */
export async function catchUp(): Promise<void> {
  if (!(await compare())) return;
  const told = await api.runtime.sendMessage(newsCame).catch(() => false);
  if (told !== true) await api.tabs.create({ url: own("late.html"), active: false });
}

/** How many news nobody has seen yet. */
export async function unseen(): Promise<number> {
  return (await news().catch(() => [])).filter(({ seen }) => !seen).length;
}

async function heads(day: number): Promise<Heads | undefined> {
  return opened<Heads>(await (await database()).get("days", day));
}

async function put(day: number, heads: Heads): Promise<void> {
  const sealed = await seal(heads);
  await (await database()).put("days", sealed, day);
}

async function readNews(): Promise<News[]> {
  return (await opened<News[]>((await (await database()).get("state", "news")) as Sealed | undefined)) ?? [];
}

async function putNews(news: News[]): Promise<void> {
  const sealed = await seal(news);
  await (await database()).put("state", sealed, "news");
}

/** The key: made once, in the browser's keeping, and never to be read out by any script. */
async function key(): Promise<CryptoKey> {
  const db = await database();
  const kept = await db.get("keys", "key");
  if (kept) return kept;
  const made = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
  await db.put("keys", made, "key");
  return made;
}

/** Encrypts a value. Its size is rounded up to a power of two, so that it tells little of how much was met. */
async function seal(value: unknown): Promise<Sealed> {
  const plain = encode(value);
  const padded = new Uint8Array(Math.max(1024, 2 ** Math.ceil(Math.log2(plain.length + 4))));
  new DataView(padded.buffer).setUint32(0, plain.length);
  padded.set(plain, 4);
  const iv = crypto.getRandomValues(new Uint8Array(12));
  return { iv, body: await crypto.subtle.encrypt({ name: "AES-GCM", iv }, await key(), padded) };
}

/** Decrypts a value; what cannot be is as if it were not there. */
async function opened<T>(sealed: Sealed | undefined): Promise<T | undefined> {
  if (!sealed) return undefined;
  try {
    const padded = await crypto.subtle.decrypt({ name: "AES-GCM", iv: sealed.iv }, await key(), sealed.body);
    return decode(new Uint8Array(padded, 4, new DataView(padded).getUint32(0))) as T;
  } catch {
    return undefined;
  }
}
