// Gets a newer list, a few hundred bytes at a time: the head, then one delta, then
// the store. Everything is verified by the core; whatever goes wrong leaves the list
// in use as it is, and its name in the status.

import { due as clipped, type Heard } from "./clock";
import * as core from "./core";
import type { PlanReply } from "../shared/protocol";
import { get, ServerError, type Answer } from "./server";
import type { Home } from "../shared/settings";
import * as store from "./store";

const minute = 60;

/** How long to wait where the list does not say: 5 minutes, and up to one more; in seconds. */
const usual = { wait: 5 * minute, spread: minute };

/** A list that nobody has confirmed for this long, in seconds, is shown as out of date. */
export const patience = 24 * 60 * minute;

/** A head is at most this long, in bytes (package release). */
const maxHead = 4096;

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

/**
 * Takes the newest list of another server into use, and the server with it, if all of it leads back to that server's
 * root key.
 */
export async function moveTo(home: Home): Promise<void> {
  while (running) await running;
  const moving = move(home);
  runningFor = "a person";
  running = moving.then(
    () => true,
    () => false,
  ).finally(() => (running = undefined));
  return moving;
}

async function move(home: Home): Promise<void> {
  if (store.isStandard(home)) {
    // The list of the build is there at once; what has come since then follows.
    await store.move(home);
    await attempt(true);
    return;
  }
  const { release, etag, heard } = await wholeRelease(home);
  await store.move(home, release, etag);
  await store.setStatus({ checked: core.now(), error: "", failures: 0, next: core.now() + usual.wait, heard });
}

/** All that a server publishes now, as far as it leads back to its root key. */
async function wholeRelease({ server, root }: Home): Promise<{ release: core.Release; etag: string; heard: Heard | undefined }> {
  const head = await get("/v1/head", maxHead, "", server);
  const blob = async (path: string, limit: number) => (await get(path, limit, "", server)).body;
  await store.restore(); // the core plans nothing before it is open
  const { path, limit } = await core.plan(head.body, new Uint8Array(), root);
  const keys = await blob(path, limit);
  const plan = await core.plan(head.body, keys, root);
  const [supplement, set] = await Promise.all([blob(plan.supplement_path, plan.supplement_size), blob(plan.set_path, plan.set_size)]);
  return { release: { root, keys, head: head.body, set, guide: supplement }, etag: head.etag, heard: serverTime(head) };
}

/**
 * When a newer list is to be asked for next, in Unix seconds: no list asks for more than two days (package release),
 * and no server for more than one.
 */
export async function due(): Promise<number> {
  return clipped((await store.status()).next, core.now(), 2 * 24 * 60 * minute);
}

const serverTime = ({ date }: Answer): Heard | undefined => (date > 0 ? { here: core.now(), there: date } : undefined);

async function attempt(forced: boolean): Promise<boolean> {
  const last = await store.status();
  if (!forced && last.failures > 0 && core.now() < (await due())) return false;
  let { heard } = last;
  const hear = (answer: Answer) => (heard = serverTime(answer));
  try {
    const changed = await advance(hear);
    const { opened } = await store.restore();
    const { wait, spread } = opened.wait > 0 ? opened : usual;
    // Not all devices at once, nor always in the same order.
    const next = core.now() + wait + Math.round(Math.random() * spread);
    await store.setStatus({ checked: core.now(), error: "", failures: 0, next, heard });
    return changed;
  } catch (err) {
    const failures = last.failures + 1;
    // 5, 10, 20 ... minutes, at most six hours, and never all devices at once.
    const wait = Math.min(usual.wait * 2 ** Math.min(failures - 1, 7), 6 * 60 * minute) * (1 + Math.random() / 4);
    const asked = err instanceof ServerError ? Math.min(err.wait, 24 * 60 * minute) : 0;
    const next = core.now() + Math.round(Math.max(wait, asked));
    await store.setStatus({ checked: last.checked, error: named(err), failures, next, heard }).catch(() => undefined);
    return false;
  }
}

function named(err: unknown): string {
  if (err instanceof core.CoreError || err instanceof UpdateError || err instanceof ServerError) return err.code;
  return "storage";
}

async function advance(hear: (answer: Answer) => void): Promise<boolean> {
  const current = await store.restore();
  if (!current.slot && !store.isStandard(current.home)) {
    // What was stored is damaged, and the list of the build is of another server: begin anew.
    const { release, etag } = await wholeRelease(current.home);
    await store.move(current.home, release, etag);
    return true;
  }
  const head = await get("/v1/head", maxHead, current.etag);
  hear(head);
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

  // The supplement first: what is made of the set is opened as soon as it is stored.
  const supplement = await supplementOf(plan);
  const set = await fetched(plan, head, keys);
  await store.replace({ keys, head: head.body, set, guide: supplement }, head.etag);
  return true;
}

/** The supplement that head announces: fetched, where it is not the one in use. */
async function supplementOf(plan: PlanReply): Promise<Uint8Array> {
  if (plan.supplement_path === "") return store.supplementInUse();
  const { body } = await get(plan.supplement_path, plan.supplement_size);
  if (body.length < plan.supplement_size) throw new UpdateError("truncated");
  await core.prove(body, plan.supplement);
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
    }
  }
  const body = await get(plan.set_path, plan.set_size);
  return core.apply(head.body, keys, "set", body.body, plan.set);
}
