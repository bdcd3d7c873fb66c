// The core: Go, compiled to WebAssembly, loaded once for the whole extension.
//
// A call that arrives while the core is starting waits for it. If the Go runtime
// dies, which a panic does not do, the next call starts a new one and opens again
// what was open, so that the death of the runtime is a delay and not a gap.

import { ConsoleStdout, File, OpenFile, WASI } from "@bjorn3/browser_wasi_shim";
import { decode, encode } from "@msgpack/msgpack";
import { own } from "../shared/ext";
import {
  Op,
  maxTries,
  unlisted,
  version,
  type ApplyReply,
  type ApplyRequest,
  type CheckReply,
  type CheckRequest,
  type Failure,
  type Finding,
  type HelloReply,
  type MeetReply,
  type MeetRequest,
  type OpenReply,
  type OpenRequest,
  type PlanReply,
  type PlanRequest,
  type RecallReply,
  type RecallRequest,
  type RememberRequest,
  type ReportReply,
  type ResembleReply,
  type ResembleRequest,
  type ReportRequest,
  type ResolveReply,
  type ResolveRequest,
  type SubjectsReply,
  type SubjectsRequest,
  type TextReply,
  type TextRequest,
  type WorkReply,
  type WorkRequest,
} from "../shared/protocol";
import { speaks } from "./place";
import { language, ready } from "../shared/text";
import type { Card, Help, Body } from "../shared/supplement";

/** What is published together: a list, the supplement, the head that signs both, and the keys that sign the head. */
export interface Release {
  /** The verifier key that it must lead back to (golang.org/x/mod/sumdb/note). */
  root: string;
  keys: Uint8Array;
  head: Uint8Array;
  set: Uint8Array;
  /** The supplement, by the name that it has in the slots of every version. */
  guide: Uint8Array;
}

/** The core refused. Code is one of the names in protocol.ts, or "died" if its runtime did, twice. */
export class CoreError extends Error {
  constructor(
    readonly code: string,
    text: string,
  ) {
    super(text);
  }
}

interface Exports {
  memory: WebAssembly.Memory;
  buffer(size: number): number;
  attach(size: number): number;
  call(op: number, size: number): bigint;
  made(): bigint;
}

let compiled: Promise<WebAssembly.Module> | undefined;
let booting: Promise<Exports> | undefined;
let live: Exports | undefined;
/** Fetches again what is open, for a runtime that has died: it is not kept in memory twice. */
let source: (() => Promise<Release>) | undefined;

/** Unix seconds, as everything in the protocol counts time. */
export const now = (): number => Math.floor(Date.now() / 1000);

/**
 * Verifies release and answers from it from now on; again gets it once more. On failure the one before stays open.
 * The SHA-256 of the set is the browser's own: it takes 3 ms for 3 MB and not 15, and not on this thread.
 */
export async function open(release: Release, again: () => Promise<Release>): Promise<OpenReply> {
  const [sum] = await Promise.all([digest(release.set), running()]);
  const opened = await call<OpenRequest, OpenReply>(Op.open, opening(release, sum), release.set);
  source = again;
  return opened;
}

/** As open, for the release whose set the core has just made: it need not go there once more. */
export async function openMade(release: Release, again: () => Promise<Release>): Promise<OpenReply> {
  const opened = await call<OpenRequest, OpenReply>(Op.open, opening(release, await digest(release.set)));
  source = again;
  return opened;
}

const opening = ({ root, keys, head, guide }: Release, sum: Uint8Array): OpenRequest => ({ root, keys, head, sum, now: now(), supplement: guide });

async function digest(body: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", body as Uint8Array<ArrayBuffer>));
}

/** Begins to start the core, without waiting for it. */
export function start(): void {
  running().catch(() => undefined);
}

/** A finding that says nothing: what a reply leaves out is as it is here. */
export const nothing: Finding = {
  verdict: "unknown",
  subject: "",
  shown: "",
  category: "",
  bucket: "",
  within: false,
  stale: false,
  cause: "",
  confirmed: false,
  first_seen: 0,
  reference: "",
  source: "",
  reason: null,
  resembles: "",
  real: "",
  rule: "",
  owner: "",
};

/** What is known about each address, in their order. */
export async function check(urls: string[]): Promise<Finding[]> {
  const hrefs = urls.map((url) => (URL.canParse(url) ? new URL(url).href : url));
  const { verdicts, findings } = await call<CheckRequest, CheckReply>(Op.check, { hrefs, now: now(), language: language() });
  let next = 0;
  // Where a byte or a finding is missing, nothing is known.
  return hrefs.map((_, i) => (verdicts[i] === unlisted ? { ...nothing, verdict: "unlisted" } : { ...nothing, ...findings?.[next++] }));
}

/** What an address names, the accounts first; nothing for one that cannot be read. */
export async function subjects(url: string): Promise<string[]> {
  const href = URL.canParse(url) ? new URL(url).href : url;
  const reply = await call<SubjectsRequest, SubjectsReply>(Op.subjects, { href }).catch((err: unknown) => {
    if (err instanceof CoreError && err.code !== "died") return { subjects: null };
    throw err;
  });
  return reply.subjects ?? [];
}

/** Confirms a finding by the bucket that it names, and tells the reason; or that it was a chance hit. */
export async function resolve(subject: string, bucket: Uint8Array): Promise<Finding> {
  return { ...nothing, ...(await call<ResolveRequest, ResolveReply>(Op.resolve, { subject, bucket, now: now(), language: language() })).finding };
}

/** A text as it is read: an address that stands alone as the browser writes it. */
function written(text: string): string {
  const alone = text.trim();
  return /^https?:\/\/\S+$/i.test(alone) && URL.canParse(alone) ? new URL(alone).href : alone;
}

/**
 * What is known about each thing that a text names: a link, a number, an account, a wallet. A finding without a subject
 * says why something could not be checked: the text names nothing, or too much.
 */
export async function look(text: string): Promise<Finding[]> {
  const selected = written(text);
  const { findings } = await call<TextRequest, TextReply>(Op.text, { selected, now: now(), language: language(), speaks: await speaks() });
  return (findings ?? []).map((told) => ({ ...nothing, ...told }));
}

/**
 * Whom a page passes itself off as, by its host or account and by the title that it goes by; "unlisted" if it is nobody
 * well known.
 */
export async function resemble(href: string, name: string, also: string[]): Promise<Finding> {
  return { ...nothing, ...(await call<ResembleRequest, ResembleReply>(Op.resemble, { href, name, also })).finding };
}

/** The supplement of the release that is open, with nothing left out. */
export interface Supplement {
  help: Help[];
  cards: Card[];
  hot: string[];
}

/**
 * What travels signed beside the list: what to do after the harm, advice cards, and the hosts that were listed last.
 */
export async function supplement(): Promise<Supplement> {
  const { help, cards, hot } = await call<object, Body>(Op.supplement, {});
  return { help: help ?? [], cards: cards ?? [], hot: hot ?? [] };
}

/** What is to be kept of an address that was met, or of a text that was asked about: nothing of what is listed. */
export async function meet(met: { href: string } | { selected: string }): Promise<MeetReply> {
  const about = "selected" in met ? { selected: written(met.selected) } : met;
  return call<MeetRequest, MeetReply>(Op.meet, { href: "", selected: "", ...about, now: now(), speaks: "selected" in met ? await speaks() : [] });
}

/** Which of what was kept is listed now; at most 4,096 at once. */
export function recall(heads: Uint8Array): Promise<RecallReply> {
  return call<RecallRequest, RecallReply>(Op.recall, { heads, now: now() });
}

/** Confirms one of them by its bucket and tells the reason, as resolve does. */
export async function remember(head: Uint8Array, bucket: Uint8Array): Promise<Finding> {
  return { ...nothing, ...(await call<RememberRequest, ResolveReply>(Op.remember, { head, bucket, now: now(), language: language() })).finding };
}

/**
 * What to fetch to get from the open release, or from none of those of another root, to the one that head announces.
 */
export function plan(head: Uint8Array, keys: Uint8Array, root = ""): Promise<PlanReply> {
  return call<PlanRequest, PlanReply>(Op.plan, { root, head, keys, now: now() });
}

/**
 * The set that head announces, made from a fetched body; sum is its signed SHA-256. What is open stays open, and
 * what was made can be opened by openMade.
 */
export async function apply(head: Uint8Array, keys: Uint8Array, kind: "delta" | "set", body: Uint8Array, sum: Uint8Array): Promise<Uint8Array> {
  await call<ApplyRequest, ApplyReply>(Op.apply, { head, keys, kind, now: now() }, body);
  const { memory, made } = await running();
  const set = copied(memory, made());
  await prove(set, sum);
  return set;
}

/** Throws if the SHA-256 of body is another than the signed one. */
export async function prove(body: Uint8Array, sum: Uint8Array): Promise<void> {
  const got = await digest(body);
  if (!got.every((byte, i) => byte === sum[i])) throw new CoreError("digest", "the digest differs");
}

/**
 * Tries some numbers for a proof of work from one on, and tells which was found or where to go on. It takes a few
 * milliseconds; whoever needs more calls again, so that a page that is opened meanwhile does not wait.
 */
export function work(challenge: Uint8Array, id: Uint8Array, zeros: number, from: number): Promise<WorkReply> {
  return call<WorkRequest, WorkReply>(Op.work, { challenge, id, from, tries: maxTries, zeros });
}

/** The body of a report, as the server takes it. */
export async function report(fields: ReportRequest): Promise<Uint8Array> {
  return (await call<ReportRequest, ReportReply>(Op.report, fields)).body;
}

async function call<Q, R>(op: Op, request: Q, body?: Uint8Array): Promise<R> {
  for (let tries = 1; ; tries++) {
    const exports = await running();
    try {
      return exchange<Q, R>(exports, op, request, body);
    } catch (err) {
      if (err instanceof CoreError) throw err;
      if (live === exports) live = undefined;
      if (tries === 2) throw new CoreError("died", "the runtime of the core died");
    }
  }
}

async function running(): Promise<Exports> {
  if (live) return live;
  booting ??= boot().finally(() => (booting = undefined));
  return (live = await booting);
}

async function boot(): Promise<Exports> {
  compiled ??= compile();
  const [module] = await Promise.all([compiled, ready()]).catch((err: unknown) => {
    compiled = undefined;
    throw err;
  });
  // Whatever Go would print ends here: it could name an address.
  const silent = () => new ConsoleStdout(() => undefined);
  const wasi = new WASI([], [], [new OpenFile(new File([])), silent(), silent()], { debug: false });
  const instance = await WebAssembly.instantiate(module, { wasi_snapshot_preview1: wasi.wasiImport });
  wasi.initialize(instance as Parameters<WASI["initialize"]>[0]);
  const exports = instance.exports as unknown as Exports;
  const hello = exchange<object, HelloReply>(exports, Op.hello, {});
  if (hello.version !== version) throw new CoreError("version", `the core speaks version ${hello.version}`);
  if (source) {
    const release = await source();
    exchange<OpenRequest, OpenReply>(exports, Op.open, opening(release, await digest(release.set)), release.set);
  }
  return exports;
}

/** Not as it streams in: Chromium then decodes it on this thread, while the first event waits. */
async function compile(): Promise<WebAssembly.Module> {
  return WebAssembly.compile(await (await fetch(own("core.wasm"))).arrayBuffer());
}

function exchange<Q, R>(core: Exports, op: Op, request: Q, body?: Uint8Array): R {
  if (body && body.length > 0) {
    const at = core.attach(body.length);
    new Uint8Array(core.memory.buffer, at, body.length).set(body);
  }
  const sent = encode(request);
  const at = core.buffer(sent.length);
  new Uint8Array(core.memory.buffer, at, sent.length).set(sent);
  const answer = decode(copied(core.memory, core.call(op, sent.length))) as R | Failure;
  if (answer && typeof answer === "object" && "error" in answer) throw new CoreError(answer.error.code, answer.error.text);
  return answer as R;
}

/** What lies at a place that the core has named; it uses the memory again. */
function copied(memory: WebAssembly.Memory, place: bigint): Uint8Array {
  const named = BigInt.asUintN(64, place);
  const start = Number(named >> 32n);
  return new Uint8Array(memory.buffer.slice(start, start + Number(named & 0xffffffffn)));
}
