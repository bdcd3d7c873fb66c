// Gets a newer list, a few hundred bytes at a time: the head, then one delta, then
// the store. Everything is verified by the core; whatever goes wrong leaves the list
// in use as it is, and its name in the status.

import * as core from "./core";
import type { PlanReply } from "./protocol";
import { get, ServerError, type Answer } from "./server";
import * as store from "./store";

const minute = 60;

/** How long to wait where the list does not say: 5 minutes, and up to one more; in seconds. */
const usual = { wait: 5 * minute, spread: minute };

/** A list that nobody has confirmed for this long, in seconds, is shown as out of date. */
export const patience = 24 * 60 * minute;

/** Bounds of what is published, in bytes (package release). */
const maxHead = 4096;
const maxKeys = 4096;
const maxSet = 64 << 20;
const maxGuide = 512 << 10;

/** A refusal that is ours and not the core's or the server's. */
export class UpdateError extends Error {
  constructor(readonly code: string) {
    super(code);
  }
}

let running: Promise<boolean> | undefined;
let runningFor: "itself" | "a person" = "itself";

/**
 * Takes a newer list into use if there is one and tells whether it did. By itself it comes no sooner than the last
 * failures allow; a person who asks meanwhile is not given the answer of an attempt that failed or only waited.
 */
export async function update(asked: "by itself" | "by a person"): Promise<boolean> {
  const person = asked === "by a person";
  while (person && running && runningFor === "itself") if (await running) return true;
  if (!running) {
    runningFor = person ? "a person" : "itself";
    running = attempt(person).finally(() => (running = undefined));
  }
  return running;
}

/** Takes the newest list of another server into use, and the server with it, if all of it leads back to that server's root key. */
export async function moveTo(home: store.Home): Promise<void> {
  while (running) await running;
  const moving = move(home);
  runningFor = "a person";
  running = moving.then(
    () => true,
    () => false,
  ).finally(() => (running = undefined));
  return moving;
}

async function move(home: store.Home): Promise<void> {
  if (store.isStandard(home)) {
    // The list of the build is there at once; what has come since then follows.
    await store.move(home);
    await attempt(true);
    return;
  }
  const { release, etag } = await wholeRelease(home);
  await store.move(home, release, etag);
  await store.setStatus({ checked: core.now(), error: "", failures: 0, next: core.now() + usual.wait });
}

/** All that a server publishes now. Nothing of it is believed before the core has opened it. */
async function wholeRelease({ server, root }: store.Home): Promise<{ release: core.Release; etag: string }> {
  const head = await get("/v1/head", maxHead, "", server);
  const text = new TextDecoder().decode(head.body);
  const blob = async (name: string, most: number) => {
    const line = new RegExp(`^${name} ([0-9a-f]{64})(?: (\\d+))?`, "m").exec(text);
    if (!line) throw new UpdateError("format");
    return (await get(`/v1/blob/${line[1]}`, Math.min(Number(line[2] ?? most), most), "", server)).body;
  };
  const [keys, guide, set] = await Promise.all([blob("keys", maxKeys), blob("guide", maxGuide), blob("set", maxSet)]);
  return { release: { root, keys, head: head.body, set, guide }, etag: head.etag };
}

/** When a newer list is to be asked for next, in Unix seconds. */
export async function due(): Promise<number> {
  return (await store.status()).next;
}

async function attempt(forced: boolean): Promise<boolean> {
  const last = await store.status();
  if (!forced && last.failures > 0 && core.now() < last.next) return false;
  try {
    const changed = await advance();
    const { opened } = await store.restore();
    const { wait, spread } = opened.wait > 0 ? opened : usual;
    // Not all devices at once, nor always in the same order.
    const next = core.now() + wait + Math.round(Math.random() * spread);
    await store.setStatus({ checked: core.now(), error: "", failures: 0, next });
    return changed;
  } catch (err) {
    const failures = last.failures + 1;
    // 5, 10, 20 ... minutes, at most six hours, and never all devices at once.
    const wait = Math.min(usual.wait * 2 ** Math.min(failures - 1, 7), 6 * 60 * minute) * (1 + Math.random() / 4);
    const asked = err instanceof ServerError ? Math.min(err.wait, 24 * 60 * minute) : 0;
    const next = core.now() + Math.round(Math.max(wait, asked));
    await store.setStatus({ checked: last.checked, error: named(err), failures, next }).catch(() => undefined);
    return false;
  }
}

function named(err: unknown): string {
  if (err instanceof core.CoreError || err instanceof UpdateError || err instanceof ServerError) return err.code;
  return "storage";
}

async function advance(): Promise<boolean> {
  const current = await store.restore();
  if (!current.slot && !store.isStandard(current.home)) {
    // What was stored is damaged, and the list of the build is of another server: begin anew.
    const { release, etag } = await wholeRelease(current.home);
    await store.move(current.home, release, etag);
    return true;
  }
  const head = await get("/v1/head", maxHead, current.etag);
  if (head.status === 304) return false;

  let keys = current.keys;
  let plan = await core.plan(head.body, new Uint8Array());
  if (plan.need === "keys") {
    keys = (await get(plan.path, plan.limit)).body;
    plan = await core.plan(head.body, keys);
  }
  if (plan.need === "nothing") {
    current.etag = head.etag;
    return false;
  }
  if (plan.sequence < current.floor) throw new UpdateError("older");

  // The guide first: what is made of the set is opened as soon as it is stored.
  const guide = await guideOf(plan);
  const set = await fetched(plan, head, keys);
  await store.replace({ keys, head: head.body, set, guide }, head.etag);
  return true;
}

/** The guide that head announces: fetched, where it is not the one in use. */
async function guideOf(plan: PlanReply): Promise<Uint8Array> {
  if (plan.guide_path === "") return store.guideInUse();
  const { body } = await get(plan.guide_path, plan.guide_size);
  if (body.length < plan.guide_size) throw new UpdateError("truncated");
  await core.prove(body, plan.guide);
  return body;
}

/** The set that head announces. A delta that fails costs one small download; then comes the whole set. */
async function fetched(plan: PlanReply, head: Answer, keys: Uint8Array): Promise<Uint8Array> {
  if (plan.need === "delta") {
    try {
      const delta = await get(plan.path, plan.limit);
      return await core.apply(head.body, keys, "delta", delta.body, plan.set);
    } catch (err) {
      if (err instanceof ServerError && err.code === "offline") throw err;
      plan = whole(plan, head.body);
    }
  }
  const body = await get(plan.path, plan.limit);
  return core.apply(head.body, keys, "set", body.body, plan.set);
}

/** The plan for the whole set, from a head that the core has verified (its format: package release). */
function whole(plan: PlanReply, head: Uint8Array): PlanReply {
  const line = /^set ([0-9a-f]{64}) (\d+) \d+$/m.exec(new TextDecoder().decode(head));
  if (!line) throw new UpdateError("format");
  return { ...plan, need: "set", path: `/v1/blob/${line[1]}`, limit: Number(line[2]) };
}
