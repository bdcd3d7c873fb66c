// Reports on their way to the server. One is on the disk before anything is said
// about it, waits five seconds for a change of mind, and is then sent until the
// server acknowledges it, always under the same id, so that it counts once. One from
// a private window is never on the disk: it waits in memory, until the browser closes.

import { decode } from "@msgpack/msgpack";
import * as clock from "./clock";
import { most } from "./config";
import * as core from "./core";
import { durable } from "../shared/database";
import type { Entry, Transition, Work } from "../shared/entry";
import { reduced } from "../shared/extent";
import * as session from "../shared/session";
import { post, ServerError, type Answer } from "./server";
import { database, home, isStandard, standard, status } from "./store";
import * as pow from "./pow";
import { bytes } from "./pow";

/** How long a report can be taken back, in milliseconds. */
export const grace = 5000;

/** How long the receipt of a report is kept, in seconds. */
const memory = 90 * 24 * 60 * 60;

/** What became of a report, as wire.Receipt has it. */
export interface Receipt {
  receipt: string;
  state: string;
  time: number;
  reason?: string;
  subject?: string;
  reasons?: { lang: string; text: string }[] | null;
  steps?: Transition[] | null;
}

/** What an answer says, with bounds: it is shown to a person. */
export function outcomeOf({ state, reason, reasons, steps }: Receipt): Pick<Entry, "outcome" | "reasons" | "steps"> {
  const texts = (reasons ?? []).slice(0, 20).map(({ lang, text }) => [String(lang), String(text).slice(0, 500)] as const);
  if (reason && !texts.some(([lang]) => lang === "en")) texts.push(["en", String(reason).slice(0, 500)]);
  return {
    outcome: String(state).slice(0, 20),
    reasons: Object.fromEntries(texts),
    steps: (steps ?? []).slice(0, 10).map(({ state, time }) => ({ state: String(state).slice(0, 20), time: Number(time) })),
  };
}

export type Draft = Pick<Entry, "kind" | "href" | "subject" | "title" | "language" | "extent" | "links">;

/**
 * Queues a report, durably unless it is from a private window. It is sent after the grace period, or at once if it
 * needs none.
 */
export async function add(draft: Draft, privately: boolean, wait = grace): Promise<Entry> {
  const entry: Entry = {
    ...draft,
    title: clip(draft.title, most.title),
    id: session.random(),
    time: core.now(),
    category: "",
    note: "",
    state: "waiting",
    revision: 0,
    due: Date.now() + wait,
    tries: 0,
    receipt: "",
    outcome: "",
    ...(await whither()),
  };
  if (privately) await session.setReport(entry);
  else await change(entry.id, (store) => store.put(entry));
  return entry;
}

/** A report goes where its writer meant it to go, also after a move to another server. */
async function whither(): Promise<Pick<Entry, "server">> {
  const chosen = await home();
  return isStandard(chosen) ? {} : { server: chosen.server };
}

/** The server that a report is for. */
export const serverOf = (entry: Entry): string => entry.server ?? standard.server;

/** Takes a report back if it has not been sent yet, and tells whether it did. */
export async function undo(id: string): Promise<boolean> {
  if (sending.has(id)) return false;
  return change(id, async (store) => {
    const entry = await store.get(id);
    if (!entry || entry.state !== "waiting" || entry.tries > 0 || entry.receipt) return false;
    await store.delete(id);
    return true;
  });
}

/** Adds where the links of the page lead, unless the report is gone or on its way. */
export async function lead(id: string, links: string[]): Promise<void> {
  await alter(id, (now) => (now.state === "waiting" && now.tries === 0 ? { ...now, links } : now));
}

/** Adds the kind of scam and a note; the report goes out again under its id. */
export async function describe(id: string, category: string, note: string): Promise<Entry | undefined> {
  return change(id, async (store) => {
    const entry = await store.get(id);
    if (!entry || entry.state === "refused") return entry;
    const due = entry.state === "sent" ? Date.now() : entry.due;
    const next: Entry = { ...entry, category, note: clip(note, most.note), revision: entry.revision + 1, state: "waiting", due };
    await store.put(next);
    return next;
  });
}

export async function find(id: string): Promise<Entry | undefined> {
  return (await session.report(id)) ?? (await database()).get("reports", id);
}

/**
 * The newest report about an address, if there is one; also one that did not name all of it. What was reported in
 * private is known there alone.
 */
export async function about(href: string, privately: boolean): Promise<Entry | undefined> {
  const all = [...(await kept()), ...(privately ? await session.reports() : [])];
  return all.filter((entry) => entry.kind === "scam" && entry.href === reduced(href, entry.extent ?? "full")).sort((a, b) => b.time - a.time)[0];
}

/** All reports that are kept on this device. */
export async function kept(): Promise<Entry[]> {
  return (await database()).getAll("reports");
}

/** And those in memory. */
const everything = async (): Promise<Entry[]> => [...(await kept()), ...(await session.reports())];

const sending = new Set<string>();
let flushing: Promise<void> | undefined;

/**
 * Sends what is due; with the server known to be there, also what is waiting to be tried
 * again. Returns when the next report is due, in Unix milliseconds; 0 if none waits.
 */
export async function flush(reachable: boolean): Promise<number> {
  flushing ??= drain(reachable).finally(() => (flushing = undefined));
  await flushing;
  const waiting = (await everything()).filter((entry) => entry.state === "waiting");
  return waiting.reduce((next, entry) => (next === 0 ? due(entry) : Math.min(next, due(entry))), 0);
}

/** When a report is due, in Unix milliseconds: none is put off for more than a day. */
const due = (entry: Entry): number => clock.due(entry.due, Date.now(), 25 * 60 * 60_000);

async function drain(reachable: boolean): Promise<void> {
  for (const entry of await everything()) {
    if (entry.state === "waiting") {
      if (due(entry) <= Date.now() || (reachable && entry.tries > 0)) await send(entry);
    } else if (entry.time < core.now() - memory && clock.isConfirmed(core.now(), (await status()).heard)) await change(entry.id, (store) => store.delete(entry.id));
  }
}

async function send(entry: Entry): Promise<void> {
  sending.add(entry.id);
  try {
    // From here on a worker that dies has perhaps sent it: it can no longer be taken back.
    const tried = await alter(entry.id, (now) => ({ ...now, tries: now.tries + 1, due: Date.now() + pause(now.tries) }));
    if (!tried) return;
    const { kind, href, subject, title, language, time, category, note, links = [] } = tried;
    const body = await core.report({ id: bytes(tried.id), kind, href, subject, title, language, time, category, note, links });
    const receipt = decode((await worked(tried, new Uint8Array(body))).body) as Receipt;
    await alter(entry.id, (now) => ({
      ...now,
      state: now.revision === tried.revision ? "sent" : "waiting",
      due: now.revision === tried.revision ? now.due : Date.now(),
      tries: now.revision === tried.revision ? now.tries : 0,
      receipt: String(receipt.receipt),
      ...outcomeOf(receipt),
      work: undefined,
    }));
  } catch (err) {
    // What the server or the core will never take is not sent for ever; everything else is tried again.
    const final = err instanceof core.CoreError ? err.code !== "died" : err instanceof ServerError && refusal(err.status);
    const wait = err instanceof ServerError ? Math.min(err.wait, 24 * 60 * 60) * 1000 : 0;
    if (wait > 0) await alter(entry.id, (now) => ({ ...now, due: Math.max(now.due, Date.now() + wait) }));
    if (final) await alter(entry.id, (now) => ({ ...now, state: now.receipt ? "sent" : "refused" }));
  } finally {
    sending.delete(entry.id);
  }
}

/** Sends a report, with a proof of work if the server wants one. */
async function worked(entry: Entry, body: Uint8Array<ArrayBuffer>): Promise<Answer> {
  const keep = (found: Work | undefined) => alter(entry.id, (now) => ({ ...now, work: found }));
  let proof = entry.work;
  for (let tries = 0; ; tries++) {
    if (pow.fresh(proof)) proof = await pow.search(proof, entry.id, keep);
    try {
      return await post("/v1/reports", body, pow.fresh(proof) ? pow.proof(proof, entry.id) : {}, serverOf(entry));
    } catch (err) {
      proof = err instanceof ServerError && err.status === 429 ? pow.read(err.challenge) : undefined;
      if (!proof || tries === 2) throw err;
      await keep(proof);
    }
  }
}

const refusal = (status: number): boolean => [400, 409, 413, 415, 422].includes(status);

/** 15 seconds, 30, 60 ... at most six hours, in milliseconds. */
const pause = (tries: number): number => Math.min(15_000 * 2 ** Math.min(tries, 11), 6 * 60 * 60_000) * (1 + Math.random() / 4);

/** Changes an entry if it is still there. */
export async function alter(id: string, next: (now: Entry) => Entry): Promise<Entry | undefined> {
  return change(id, async (store) => {
    const entry = await store.get(id);
    if (!entry) return undefined;
    const changed = next(entry);
    await store.put(changed);
    return changed;
  });
}

interface Reports {
  get(id: string): Promise<Entry | undefined>;
  put(entry: Entry): Promise<unknown>;
  delete(id: string): Promise<unknown>;
}

const inMemory: Reports = { get: session.report, put: session.setReport, delete: session.dropReport };
let turn: Promise<unknown> = Promise.resolve();

/** One durable change of the queue, on the disk when it is done; or in memory, where the report is there. */
async function change<T>(id: string, act: (store: Reports) => Promise<T>): Promise<T> {
  if (await session.report(id)) {
    const done = turn.then(() => act(inMemory));
    turn = done.catch(() => undefined);
    return done;
  }
  const tx = (await database()).transaction("reports", "readwrite", durable);
  const [result] = await Promise.all([act(tx.store), tx.done]);
  return result;
}

/** Cuts text to at most size bytes of UTF-8, between characters. */
function clip(text: string, size: number): string {
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(size));
  return text.slice(0, read);
}
