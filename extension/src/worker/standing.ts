// The worker's side of what stands over pages (stand.ts). It is in command: a page over which nothing is seen to stand
// when it must, whatever the reason, is taken away. One under a banner may be honest, and have its reasons not to
// answer: it is kept.

import { api } from "../shared/ext";
import type { Standing, State } from "../shared/message";
import { often } from "../shared/often";
import type { Warning } from "../shared/session";

/**
 * How long is waited, in ms: until it stands; from one word of it to the next; and for an answer. A busy machine has
 * its time.
 */
const patience = { first: 6000, next: 8000, answer: 4000 };

/**
 * How many times in turn a script answers that nothing stands there, or none is there at all, before it is believed.
 */
const maxRounds = 3;

/**
 * How many times in turn nothing is seen of a banner before that is an answer, each of some ten seconds: a page asks
 * something with a message of the browser's own, is printed, is looked at in a debugger, or has much to do.
 */
const maxSilences = 8;

interface Watch {
  warning: Warning;
  timer: ReturnType<typeof setTimeout>;
  rounds: number;
  /** Whether it is counted how it has come. */
  counted: boolean;
}

const watches = new Map<string, Watch>();

/**
 * How often each came to stand in a tab: a page that changes its address to and fro, or loads itself anew, has it come
 * and go.
 */
const comings = new Map<string, () => boolean>();

/** What is done where it is not seen; keeps is said of a page that must not be lost by it. */
type Lost = (warning: Warning, fought: boolean, keeps: boolean) => Promise<void>;

const key = ({ tabId, finding }: Warning): string => `${tabId}:${finding.subject}`;

/** Something must stand over the page in a tab soon. */
export function expect(warning: Warning, lost: Lost): void {
  if (!watches.has(key(warning))) arm(warning, patience.first, lost);
}

/** As expect, where the person or the page has just come there. */
export function comes(warning: Warning, lost: Lost): void {
  const name = key(warning);
  expect(warning, lost);
  const watch = watches.get(name);
  if (!watch || watch.counted) return;
  watch.counted = true;
  const tooOften = comings.get(name) ?? often(8, 2000);
  comings.set(name, tooOften);
  if (tooOften()) void lost(warning, true, false).catch(() => undefined);
}

/** A content script has said how it is with what stands there. */
export async function said(warning: Warning, state: State, lost: Lost): Promise<void> {
  arm(warning, patience.next, lost);
  if (state === "lost") await lost(warning, true, false);
}

/** Nothing need stand there any more; or nothing but one. */
export function end(tabId: number, subject?: string): void {
  for (const [name, { warning, timer }] of watches) {
    if (warning.tabId !== tabId || (subject !== undefined && warning.finding.subject !== subject)) continue;
    clearTimeout(timer);
    watches.delete(name);
  }
}

/** As end, for a tab that is gone. */
export function forget(tabId: number): void {
  end(tabId);
  for (const name of comings.keys()) if (name.startsWith(`${tabId}:`)) comings.delete(name);
}

function arm(warning: Warning, wait: number, lost: Lost, rounds = 0): void {
  const before = watches.get(key(warning));
  clearTimeout(before?.timer);
  const timer = setTimeout(() => void late(warning, lost).catch(() => undefined), wait);
  watches.set(key(warning), { warning, timer, rounds, counted: before?.counted ?? false });
}

/** Nothing was heard for too long. */
async function late(warning: Warning, lost: Lost): Promise<void> {
  const { tabId, finding, framed = false } = warning;
  const watch = watches.get(key(warning));
  const tab = await api.tabs.get(tabId).catch(() => undefined);
  // Nobody sees a tab that is behind another. It is looked at when it comes to the front. What is in front in a window
  // comes to be seen by itself, when that window does.
  if (!tab?.active || tab.discarded) return end(tabId, finding.subject);
  if (watches.get(key(warning)) !== watch || !watch) return;
  // The browser lets nothing run in the page as long as nobody sees it.
  if (tab.frozen) return arm(warning, patience.next, lost);
  const state = await standing(tabId, finding.subject);
  if (watches.get(key(warning)) !== watch || !watch) return;
  if (state === "seen" || state === "hidden") return arm(warning, patience.next, lost);
  if (state === "nothing" && watch.rounds >= maxRounds) return end(tabId, finding.subject);
  arm(warning, patience.first, lost, watch.rounds + 1);
  if (state === "nothing" || (framed && watch.rounds < maxSilences - 1)) return;
  await lost(warning, !framed, framed);
}

/**
 * What the script in a tab answers: null where it stands and is not seen; undefined if nothing answers at all, as where
 * the page lets no script run.
 */
async function standing(tabId: number, subject: string): Promise<State | "nothing" | null | undefined> {
  const question: Standing = { standing: subject };
  let timer: ReturnType<typeof setTimeout> | undefined;
  const silence = new Promise<undefined>((resolve) => (timer = setTimeout(resolve, patience.answer)));
  const answer: Promise<State | null | "nothing"> = api.tabs.sendMessage(tabId, question, { frameId: 0 }).then(
    (state: State | null | undefined) => (state === undefined ? "nothing" : state),
    () => "nothing",
  );
  return Promise.race([answer, silence]).finally(() => clearTimeout(timer));
}
