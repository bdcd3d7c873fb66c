// What pages of the extension and content scripts ask the worker: name -> [request, reply].

import { api } from "./ext";
import type { Names } from "./named";
import type { Finding } from "./protocol";
import type { Entry } from "./entry";
import type { Extent, Home, Settings } from "./settings";
import type { Harm } from "./supplement";

/** All that a warning says. */
export interface Notice {
  subject: string;
  /** Of the subject, as a person knows it. */
  name: string;
  href: string;
  /** Whether the address is of something in the subject, such as a post, and not about it. */
  within: boolean;
  /** Slug of package category. */
  category: string;
  /** When the list that holds the subject was made, in Unix seconds. */
  issued: number;
  /** Whether the page that is warned about did not let the warning stand over it. */
  fought: boolean;
  /** Whether the reason was fetched and proved; "pending" at first. */
  details: "pending" | "confirmed" | "offline";
  /** Unix seconds; 0 if unknown. */
  since: number;
  reference: string;
  source: string;
  /** In the reader's language, or the nearest; may be empty. */
  reason: string;
}

/** Whether a notice still holds, with its details; "withdrawn" if the list hit by chance. */
export type Detailed = Notice | "withdrawn";

/** From a content script. What it says about itself is believed only as far as the browser vouches for it. */
export interface FromOverlay {
  /** Names are what the document says beside the address, once it is read (content/evidence/). */
  "overlay.look": [{ href: string; names: Names[] }, Notice | null];
  "overlay.details": [{ subject: string }, Detailed | null];
  "overlay.leave": [{ subject: string; close: boolean }, null];
  /** Opens the page of the warning in the tab, on which alone a person may go on or object. */
  "overlay.warn": [{ subject: string }, null];
}

/** From the content script that marks authors and links. */
export interface FromFeed {
  /** At most 200 addresses; the answer is null as a whole where nothing is to be marked. */
  "feed.check": [{ hrefs: string[] }, (Notice | null)[] | null];
  /** Opens a page of ours that says why. */
  "feed.why": [{ href: string }, null];
}

/** From the banner over a page that holds a listed one in a frame. */
export interface FromBanner {
  "banner.look": [null, Notice | null];
  "banner.details": [{ subject: string }, Detailed | null];
  "banner.leave": [null, null];
  /** Opens a page of ours that says why, on which alone a person may object or have the banner closed. */
  "banner.why": [{ subject: string }, null];
}

/**
 * How it is with what stands over a page: seen by the person; in a tab that nobody sees; or the page takes it away
 * whenever it is put back.
 */
export type State = "seen" | "hidden" | "lost";

/** From what stands over a page, cover or banner. */
export interface FromStand {
  "stand.is": [{ subject: string; state: State }, null];
}

/** Whether the protection needs looking at. */
export type Health = "fresh" | "outdated" | "expired" | "clock" | "off";

/** The list in use, for the popup. */
export interface Protection {
  issued: number;
  count: number;
  sequence: number;
  checked: number;
  error: string;
  /**
   * Why it should be looked at: the list has expired, nobody has confirmed it for a day, or this device's clock is
   * wrong.
   */
  state: Health;
  /** Where the clock is wrong: what it says, and about what it should say, in Unix seconds. */
  clock?: { says: number; is: number };
}

export interface Page {
  href: string;
  title: string;
  state: "listed" | "passed" | "framed" | "caution" | "unlisted" | "unknown" | "other";
  category: string;
  /** Of a caution: the real one's host, and its name if that is known. */
  resembles: string;
  real: string;
  /** Whose official page it is; empty if it is nobody's who is well known. */
  owner: string;
  /** Of what is listed. */
  why: Notice | null;
  report: Entry | null;
}

/** What a person asks about in a menu, or at what we have put into a page. */
export interface Question {
  kind: "selection" | "link" | "picture" | "mark" | "frame";
  /** The text; the address of the link, the picture or what is marked; what is listed in a frame. */
  about: string;
  /** Where it was asked: -1 for no tab that there is, and for its window. */
  tabId: number;
  frameId: number;
  windowId: number;
  /** Whether that is a private window. */
  isPrivate: boolean;
}

/**
 * What was read for a question, null for a picture without a code; and what is known of each thing in it, null if that
 * failed.
 */
export interface Answer {
  read: string | null;
  found: Finding[] | null;
}

/** What is known about one thing that a text names. */
export interface Known {
  /** As a person knows it. */
  shown: string;
  state: "listed" | "caution" | "unlisted" | "unknown";
  category: string;
  resembles: string;
  real: string;
  /** Why something could not be checked: "nothing" for a text that names nothing, "too_long"; nothing is shown then. */
  cause: string;
}

/** A card in the reader's language. */
export interface Advice {
  id: string;
  title: string;
  text: string;
  /** A data: address, or empty. */
  picture: string;
  /** What the picture shows. */
  alt: string;
  /** https, or empty. */
  link: string;
}

/** What to do, and whom to call, in the reader's language. */
export interface HelpFor {
  /** Such as "VN"; empty if there is nothing for that country in particular. */
  country: string;
  /** The day on which the hotlines were looked up, such as "2026-11-24"; empty without any. */
  checked: string;
  steps: string[];
  hotlines: { kind: "phone" | "sms" | "web"; value: string; name: string; what: string; source: string }[];
}

/** From a page of the extension. */
export interface FromPages {
  "warning.look": [{ id: string }, Notice | null];
  "warning.details": [{ id: string }, Detailed | null];
  /** By how many steps the page is to go back by itself. */
  "warning.leave": [{ id: string; close: boolean }, number];
  "warning.mistake": [{ id: string }, "queued" | "failed"];
  /**
   * For a page that the browser has opened by itself: the name of its warning, or the address if there is nothing to
   * warn about.
   */
  "warning.claim": [{ href: string }, { id: string } | { href: string } | null];
  /** Lets the page through and returns its address. */
  "warning.pass": [{ id: string }, string | null];
  /** Whether access to all sites is granted, and to how many hosts the browser's own rules apply. */
  "access.state": [null, { granted: boolean; hosts: number }];
  /** Address and title are what the browser tells the popup about the tab; empty if it tells nothing. */
  "popup.page": [{ tabId: number; address: string; title: string } | { request: string }, Page];
  "popup.protection": [null, Protection];
  "popup.refresh": [null, Protection];
  "popup.ask": [{ text: string }, Known[]];
  /** What of a page is marked, each thing once. */
  "popup.marked": [{ tabId: number }, Notice[]];
  "answer.look": [Question, Answer];
  /** Why something is listed that was found, proved. */
  "answer.details": [{ finding: Finding; tabId: number }, Detailed];
  "answer.mistake": [{ subject: string; isPrivate: boolean }, "queued" | "failed"];
  /** Says no more about a subject in the frames of a tab. */
  "answer.hush": [{ tabId: number; subject: string }, null];
  /** The countries for which there are hotlines. */
  "advice.countries": [null, string[]];
  /** A card: after a warning of a category, or with "" the one of this week. */
  "advice.card": [{ href: string; category: string }, Advice | null];
  "advice.dismiss": [{ id: string }, null];
  /** The reason of what is listed, proved. */
  "popup.details": [{ href: string }, Detailed | null];
  /** What goes along is what the settings say at that moment; where the links lead only if the tab is named. */
  "popup.report": [{ href: string; title: string; tabId: number | null }, Entry];
  "popup.undo": [{ id: string }, boolean];
  /** What a report can send of an address, the longest first. */
  "popup.extents": [{ href: string }, [Extent, string][]];
  "popup.describe": [{ id: string; category: string; note: string }, Entry | null];
  "popup.entry": [{ id: string; follow: boolean }, Entry | null];
  /** Takes a picture of what a window shows for a report, and opens it in a tab. */
  "picture.take": [{ id: string; windowId: number }, boolean];
  /** A picture may go. */
  "picture.go": [null, null];
}

/** The messages of one language, in the browser's format. */
export type Words = Record<string, { message: string; placeholders?: Record<string, { content: string }> }>;

/** From a page or a content script: nothing in it is secret, and nothing is changed by it. */
export interface FromAnywhere {
  /** Of the language that was chosen; null for the browser's. */
  words: [null, Words | null];
  /** What to do after the harm, and whom to call, in the person's country. */
  help: [{ about: Harm }, HelpFor];
}

/** What the extension can say about itself, without anything that a person did. */
export interface Diagnostics {
  version: string;
  browser: string;
  language: string;
  list: Protection;
  /** What the person has allowed, by the names of the browser. */
  permissions: string[];
  origins: string[];
  /** How many single sites they have allowed besides; which is theirs to know. */
  otherOrigins: number;
  /** Whether lists come from another server than the one that this build names. */
  ownServer: boolean;
  /** How many reports are kept, by their state. */
  reports: Record<string, number>;
}

/** What is kept about cards. */
export interface Kept {
  /** Names of cards that a person does not want to see again. */
  dismissed: string[];
  /** Names of cards that the popup has shown, the last one first. */
  seen: string[];
  /** When it showed the first of them, in Unix seconds. */
  since: number;
}

/** What a person met, and what is known about it now. */
export interface News {
  id: string;
  /** The last day on which it was met: days since 1970, by the clock on the wall. */
  day: number;
  /** Where it belongs: "web", a network such as "facebook", or "phone", "bank", "wallet", "email". */
  place: string;
  category: string;
  reason: string;
  source: string;
  reference: string;
  /** Unix seconds; 0 if unknown. */
  since: number;
  /** Whether it was on the screen. */
  seen: boolean;
}

/** All that is kept of a person, to be saved by them. */
export interface Saved {
  settings: Settings;
  /** Null for the one that the build names. */
  server: Home | null;
  reports: Entry[];
  /** Those that are not sent yet, each as a data: address. */
  pictures: { report: string; picture: string }[];
  late: { kept: { days: number; things: number }; news: News[] };
  /** Which advice cards were shown and dismissed. */
  advice: Kept;
}

/** From the options. */
export interface FromOptions {
  "options.reports": [null, Entry[]];
  "options.export": [null, Saved];
  "options.erase": [null, null];
  "options.diagnostics": [null, Diagnostics];
  "options.server": [null, { server: string; standard: boolean }];
  /**
   * Moves to another server once its list is verified; with null back to the standard one. Replies with what is wrong,
   * or "".
   */
  "options.move": [Home | null, string];
}

/** About late warnings (met.ts). */
export interface FromLate {
  "late.news": [null, News[]];
  /** All news were on the screen. */
  "late.saw": [null, null];
  "late.dismiss": [{ id: string }, null];
  /** How much is kept. */
  "late.kept": [null, { days: number; things: number }];
  /** Forgets all that is kept. */
  "late.clear": [null, null];
}

export type Asks = FromOverlay & FromFeed & FromBanner & FromStand & FromPages & FromAnywhere & FromOptions & FromLate;

/** Who answers each question: the body, and what the browser vouches for about the sender. */
export type Handlers<Asks, Rest extends unknown[] = []> = {
  [N in keyof Asks]: Asks[N] extends [infer Body, infer Reply] ? (body: Body, ...rest: Rest) => Promise<Reply> : never;
};

export interface Message {
  ask: string;
  body: unknown;
}

/** Bounds of what a message holds: characters, values, and values in values. */
const most = {
  page: { text: 16 << 20, values: 20_000, depth: 8 },
  script: { text: 4 << 20, values: 20_000, depth: 5 },
};

/** Whether something is a question; in its body, a script has nothing but texts, and what is true or false. */
export function isMessage(message: unknown, fromPage: boolean): message is Message {
  if (typeof message !== "object" || message === null || !Object.hasOwn(message, "ask") || !Object.hasOwn(message, "body")) return false;
  const { ask, body } = message as Message;
  if (typeof ask !== "string") return false;
  const left = { ...most[fromPage ? "page" : "script"] };
  const fits = (value: unknown, depth: number): boolean => {
    if (--left.values < 0 || depth > left.depth) return false;
    if (typeof value === "string") return (left.text -= value.length) >= 0;
    if (typeof value === "object" && value !== null) return Object.entries(value).every(([name, one]) => (left.text -= name.length) >= 0 && fits(one, depth + 1));
    return value === null || typeof value === "boolean" || (fromPage && (value === undefined || Number.isFinite(value)));
  };
  return fits(body, 0);
}

/** What the worker says to content scripts: the address of the tab has changed, look again. */
export const lookAgain = "look again";

/**
 * What the worker asks the content script of a network: which names its document gives, as in overlay.look, and what
 * the account calls itself.
 */
export const whoseIsIt = "whose is it";

export interface Whose {
  names: Names[];
  called: string;
}

/** And: there is another list, whatever was known of a link may have changed. */
export const listChanged = "list changed";

/** What the worker asks the content script of a network: the addresses of what it has marked, each thing once. */
export const whatIsMarked = "what is marked";

/** And: what the frames of the page hold has changed. */
export const lookAtFrames = "look at frames";

/** And: is what stands over the page about this subject seen? The answer is a State, or null. */
export interface Standing {
  standing: string;
}

export const isStanding = (message: unknown): message is Standing => typeof (message as Partial<Standing> | null)?.standing === "string";

/** And to a page of ours that tells late warnings: there is another. */
export const newsCame = "news came";

/** Asks the worker. Rejects if it fails or is not there. */
export async function ask<N extends keyof Asks>(name: N, body: Asks[N][0]): Promise<Asks[N][1]> {
  const message: Message = { ask: name, body };
  const answered = new AbortController();
  try {
    const reply: { ok: Asks[N][1] } | undefined = await Promise.race([api.runtime.sendMessage(message), comesBack(answered.signal)]);
    if (!reply || !("ok" in reply)) throw new Error("the worker could not answer");
    return reply.ok;
  } finally {
    answered.abort();
  }
}

/**
 * Rejects when the page comes back from the browser's memory: what was on its way when it was put there is never
 * answered.
 */
function comesBack(answered: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    addEventListener("pageshow", ({ persisted }) => persisted && reject(new Error("the page was away")), { signal: answered });
  });
}

/**
 * Makes a question that is asked one at a time, and once more if it was wanted meanwhile: two messages under way may be
 * answered in another order, and the older answer would count.
 */
export function inTurn(question: () => Promise<void>): () => Promise<void> {
  let wanted = false;
  let asking: Promise<void> | undefined;
  const repeat = async () => {
    try {
      while (wanted) {
        wanted = false;
        await question();
      }
    } finally {
      asking = undefined;
    }
  };
  return () => {
    wanted = true;
    return (asking ??= repeat());
  };
}
