// What lasts as long as the browser runs and is never on disk: the warnings that
// are open, and what a person has decided about them. It survives the worker.

import { api } from "./ext";
import type { Notice, Question } from "./message";
import type { Finding } from "./protocol";
import type { Entry } from "./entry";
import { spoken } from "./text";
import { isAccount } from "./what";

/** What a warning is about. */
export interface Warning {
  tabId: number;
  href: string;
  finding: Finding;
  /** The address of the page that shows the account, where it is another than href: whose it is was in the document. */
  page?: string;
  /** Whether the page did not let the warning stand over it. */
  fought?: boolean;
  /** Whether nothing of it came into the tab: the page before stands one step back, and did not lead here by itself. */
  near?: boolean;
  /** Whether the page that it stood over is one step back. */
  over?: boolean;
  /** Whether it is about a frame: the page around, under a banner, may be an honest one that somebody uses. */
  framed?: boolean;
  /** How often the way back has led here again. */
  returned?: number;
  /** When the list that holds the subject was made, in Unix seconds. */
  issued?: number;
}

/** The words and dates of a warning, as far as they are known on the device. */
export function notice({ href, finding, issued = 0, fought = false }: Warning, details: Notice["details"] = "pending"): Notice {
  const reason = finding.reason ?? {};
  return {
    subject: finding.subject,
    name: isAccount(finding.subject) ? finding.shown : finding.subject.replace(/\/$/, ""),
    href,
    within: finding.within,
    category: finding.category,
    issued,
    fought,
    details: finding.confirmed ? "confirmed" : details,
    since: finding.first_seen,
    reference: finding.reference,
    source: finding.source,
    reason: spoken(reason),
  };
}

/** The report of a page or a link that was asked for in a menu. */
export interface Request {
  href: string;
  title: string;
}

const area = api.storage.session;

async function read<T>(key: string): Promise<T | undefined> {
  return (await area.get(key))[key] as T | undefined;
}

/** 32 hex digits that nobody can guess. */
export function random(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
}

/**
 * Remembers what a warning page is about. The page's address holds the name alone, so that it can lie about nothing.
 */
export async function addWarning(warning: Warning, id = random()): Promise<string> {
  await setWarning(id, warning);
  return id;
}

/** Corrects what is remembered of a warning page. */
export async function setWarning(id: string, warning: Warning): Promise<void> {
  await area.set({ [`warning:${warning.tabId}:${id}`]: warning });
}

/** What the warning page in this tab is about; undefined if it was opened by anything but us. */
export function warning(tabId: number, id: string): Promise<Warning | undefined> {
  return read<Warning>(`warning:${tabId}:${id}`);
}

/** As warning, for the page itself: it finds out at the same time in which tab it is, and waits for no worker. */
export async function warningHere(id: string): Promise<Warning | undefined> {
  const [tab, all] = await Promise.all([api.tabs.getCurrent(), area.get(null)]);
  return all[`warning:${tab?.id}:${id}`] as Warning | undefined;
}

/** Remembers which listed account the page in a tab shows, by its address or by another name that it says. */
export async function setAccount(tabId: number, warning: Warning | undefined): Promise<void> {
  if (warning) await area.set({ [`account:${tabId}`]: warning });
  else await area.remove(`account:${tabId}`);
}

export function account(tabId: number): Promise<Warning | undefined> {
  return read<Warning>(`account:${tabId}`);
}

/** Remembers the address of a page that passes itself off as somebody well known by what it calls itself. */
export async function setBorrowing(tabId: number, href: string | undefined): Promise<void> {
  if (href !== undefined) await area.set({ [`borrows:${tabId}`]: href });
  else await area.remove(`borrows:${tabId}`);
}

export function borrowing(tabId: number): Promise<string | undefined> {
  return read<string>(`borrows:${tabId}`);
}

/** Remembers the listed page whose script has opened a tab. */
export async function setOpener(tabId: number, href: string): Promise<void> {
  await area.set({ [`opener:${tabId}`]: href });
}

export function opener(tabId: number): Promise<string | undefined> {
  return read<string>(`opener:${tabId}`);
}

/** What the frames of the page in a tab hold, by the number of the frame. */
export async function framed(tabId: number): Promise<Record<number, Warning>> {
  return (await read<Record<number, Warning>>(`framed:${tabId}`)) ?? {};
}

let turn: Promise<unknown> = Promise.resolve();

export function setFramed(tabId: number, frameId: number, warning: Warning | undefined): Promise<void> {
  const done = turn.then(async () => {
    const { [frameId]: _, ...others } = await framed(tabId);
    await area.set({ [`framed:${tabId}`]: warning ? { ...others, [frameId]: warning } : others });
  });
  turn = done.catch(() => undefined);
  return done;
}

/** Forgets what the page that a tab has left held, and called itself. */
export function left(tabId: number): Promise<void> {
  const done = turn.then(() => area.remove([`framed:${tabId}`, `borrows:${tabId}`]));
  turn = done.catch(() => undefined);
  return done;
}

/** Says no more about a subject in the frames of a tab until the browser closes. */
export async function hush(tabId: number, subject: string): Promise<void> {
  await area.set({ [`hush:${tabId}:${subject}`]: true });
}

export async function hushed(tabId: number, subject: string): Promise<boolean> {
  return (await read<boolean>(`hush:${tabId}:${subject}`)) === true;
}

/** True once for each start of the extension: it is what a new session does not know yet. */
export async function begins(): Promise<boolean> {
  const before = await read<boolean>("begun");
  if (before) return false;
  await area.set({ begun: true });
  return true;
}

/** The names of what is let through; read once for each life of the worker, which alone writes them. */
let through: Promise<Set<string>> | undefined;

function letAll(): Promise<Set<string>> {
  through ??= area.get(null).then(
    (all) => new Set(Object.keys(all).filter((key) => /^(pass|clear):/.test(key))),
    (err: unknown) => {
      through = undefined;
      throw err;
    },
  );
  return through;
}

async function letOne(key: string): Promise<void> {
  await area.set({ [key]: true });
  (await letAll()).add(key);
}

/** Lets one subject through in one tab until the browser closes. */
export function pass(tabId: number, subject: string): Promise<void> {
  return letOne(`pass:${tabId}:${subject}`);
}

/** Lets a subject through in every tab, because the bucket of this release does not hold it: a chance hit. */
export function clear(bucket: string, subject: string): Promise<void> {
  return letOne(`clear:${bucket}:${subject}`);
}

/** Why a listed subject is let through, if it is. */
export async function letThrough(tabId: number, finding: Finding): Promise<"passed" | "cleared" | undefined> {
  const all = await letAll();
  return all.has(`clear:${finding.bucket}:${finding.subject}`) ? "cleared" : all.has(`pass:${tabId}:${finding.subject}`) ? "passed" : undefined;
}

export async function addRequest(request: Request): Promise<string> {
  const id = random();
  await area.set({ [`request:${id}`]: request });
  return id;
}

export function request(id: string): Promise<Request | undefined> {
  return read<Request>(`request:${id}`);
}

/** Remembers what was asked until the page that answers has opened, or the tab is closed. */
export async function addQuestion(id: string, question: Question): Promise<void> {
  await area.set({ [`question:${question.tabId}:${id}`]: question });
}

/** Gives a question out once: from then on it is in the page that answers and nowhere else, and gone with it. */
export async function takeQuestion(id: string): Promise<Question | undefined> {
  const all = Object.entries(await area.get(null));
  const [key, question] = all.find(([name]) => name.startsWith("question:") && name.endsWith(`:${id}`)) ?? [];
  if (key) await area.remove(key);
  return question as Question | undefined;
}

/** Remembers a report from a private window. */
export async function setReport(entry: Entry): Promise<void> {
  await area.set({ [`report:${entry.id}`]: entry });
}

export async function dropReport(id: string): Promise<void> {
  await area.remove(`report:${id}`);
}

export function report(id: string): Promise<Entry | undefined> {
  return read<Entry>(`report:${id}`);
}

export async function reports(): Promise<Entry[]> {
  return Object.entries(await area.get(null)).flatMap(([key, value]) => (key.startsWith("report:") ? [value as Entry] : []));
}

/** Forgets all about a tab that is gone. */
export async function forget(tabId: number): Promise<void> {
  const keys = Object.keys(await area.get(null)).filter((key) => key.split(":")[1] === String(tabId));
  await area.remove(keys);
  const all = await letAll();
  for (const key of keys) all.delete(key);
}

/** Forgets everything. */
export async function erase(): Promise<void> {
  await area.clear();
  (await letAll()).clear();
}
