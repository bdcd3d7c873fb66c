// What lasts as long as the browser runs and is never on disk: the warnings that
// are open, and what a person has decided about them. It survives the worker.

import { api } from "./ext";
import type { Finding } from "./protocol";

/** What a warning is about. */
export interface Warning {
  tabId: number;
  href: string;
  finding: Finding;
  /** The address of the page that shows the account, where it is another than href: whose it is was in the document. */
  page?: string;
  /** Whether the person had just left the same subject: the way back leads here again. */
  again: boolean;
}

/** What was asked for in a menu: a report of a page or a link, or a check of a selected text. */
export interface Request {
  href: string;
  title: string;
  text: string;
}

const area = api.storage.session;

async function read<T>(key: string): Promise<T | undefined> {
  return (await area.get(key))[key] as T | undefined;
}

/** 32 hex digits that nobody can guess. */
export function random(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
}

/** Remembers what a warning page is about. The page's address holds the name alone, so that it can lie about nothing. */
export async function addWarning(warning: Warning): Promise<string> {
  const id = random();
  await area.set({ [`warning:${warning.tabId}:${id}`]: warning });
  return id;
}

/** What the warning page in this tab is about; undefined if it was opened by anything but us. */
export function warning(tabId: number, id: string): Promise<Warning | undefined> {
  return read<Warning>(`warning:${tabId}:${id}`);
}

/** Remembers which account is covered in a tab, so that only that one can be let through. */
export async function setCovered(warning: Warning | undefined, tabId: number): Promise<void> {
  if (warning) await area.set({ [`covered:${tabId}`]: warning });
  else await area.remove(`covered:${tabId}`);
}

export function covered(tabId: number): Promise<Warning | undefined> {
  return read<Warning>(`covered:${tabId}`);
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

export function clearFramed(tabId: number): Promise<void> {
  const done = turn.then(() => area.remove(`framed:${tabId}`));
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
  await area.set({ begun: true });
  return before !== true;
}

/** Lets one subject through in one tab until the browser closes. */
export async function pass(tabId: number, subject: string): Promise<void> {
  await area.set({ [`pass:${tabId}:${subject}`]: true });
}

/** Lets a subject through in every tab, because the bucket of this release does not hold it: a chance hit. */
export async function clear(bucket: string, subject: string): Promise<void> {
  await area.set({ [`clear:${bucket}:${subject}`]: true });
}

/** Why a listed subject is let through, if it is. */
export async function letThrough(tabId: number, finding: Finding): Promise<"passed" | "cleared" | undefined> {
  const passed = `pass:${tabId}:${finding.subject}`;
  const cleared = `clear:${finding.bucket}:${finding.subject}`;
  const found = await area.get([passed, cleared]);
  return found[cleared] ? "cleared" : found[passed] ? "passed" : undefined;
}

export async function addRequest(request: Request): Promise<string> {
  const id = random();
  await area.set({ [`request:${id}`]: request });
  return id;
}

export function request(id: string): Promise<Request | undefined> {
  return read<Request>(`request:${id}`);
}

/** Forgets all about a tab that is gone. */
export async function forget(tabId: number): Promise<void> {
  const keys = Object.keys(await area.get(null));
  await area.remove(keys.filter((key) => key.split(":")[1] === String(tabId)));
}
