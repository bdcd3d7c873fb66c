// What pages of the extension and content scripts ask the worker: name -> [request, reply].

import type { Advice, HelpFor, Kept } from "./advice";
import type { Names } from "./evidence";
import { api } from "./ext";
import type { News } from "./met";
import type { Extent, Settings } from "./settings";
import type { Entry, Home } from "./store";
import type { Words } from "./text";
import type { Case } from "./told";

/** All that a warning says. */
export interface Notice {
  subject: string;
  /** Of the subject, as a person knows it. */
  name: string;
  href: string;
  /** Slug of package category. */
  category: string;
  /** When the list that holds the subject was made, in Unix seconds. */
  issued: number;
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
  /** Names are what the document says beside the address, once it is read (evidence/). */
  "overlay.look": [{ href: string; names: Names[] }, Notice | null];
  "overlay.details": [{ subject: string }, Detailed | null];
  "overlay.leave": [{ subject: string; close: boolean }, null];
  "overlay.mistake": [{ subject: string }, "queued" | "failed"];
  "overlay.pass": [{ subject: string }, boolean];
}

/** From the content script that marks authors and links. */
export interface FromFeed {
  /** At most 200 addresses; the answer is null as a whole where nothing is to be marked. */
  "feed.check": [{ hrefs: string[] }, (Notice | null)[] | null];
  "feed.details": [{ href: string }, Detailed | null];
  "feed.mistake": [{ href: string }, "queued" | "failed"];
}

/** From the banner over a page that holds a listed one in a frame. */
export interface FromBanner {
  "banner.look": [null, Notice | null];
  "banner.details": [{ subject: string }, Detailed | null];
  "banner.leave": [null, null];
  "banner.mistake": [{ subject: string }, "queued" | "failed"];
  "banner.close": [{ subject: string }, null];
}

/** The list in use, for the popup. */
export interface Protection {
  issued: number;
  count: number;
  sequence: number;
  checked: number;
  error: string;
  /** Why it should be looked at: the list has expired, or nobody has confirmed it for a day. */
  state: "fresh" | "outdated" | "expired" | "off";
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
  /** In place of a page: a text that was selected, to be checked. */
  text: string;
}

/** What is known about one thing that a text names. */
export interface Known {
  /** As a person knows it. */
  shown: string;
  state: "listed" | "caution" | "unlisted" | "unknown";
  category: string;
  resembles: string;
  real: string;
}

/** From a page of the extension. */
export interface FromPages {
  "warning.look": [{ id: string }, Notice | null];
  "warning.details": [{ id: string }, Detailed | null];
  /** Whether the page is to go back by itself, by one step. */
  "warning.leave": [{ id: string; close: boolean }, boolean];
  "warning.mistake": [{ id: string }, "queued" | "failed"];
  /** For a page that the browser has opened by itself: the name of its warning, or the address if there is nothing to warn about. */
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

/** From a page or a content script: nothing in it is secret, and nothing is changed by it. */
export interface FromAnywhere {
  /** Of the language that was chosen; null for the browser's. */
  words: [null, Words | null];
  /** What to do after the harm, and whom to call, in the person's country. */
  help: [{ about: Case }, HelpFor];
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
  /** Moves to another server once its list is verified; with null back to the standard one. Replies with what is wrong, or "". */
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

export type Asks = FromOverlay & FromFeed & FromBanner & FromPages & FromAnywhere & FromOptions & FromLate;

/** Who answers each question: the body, and what the browser vouches for about the sender. */
export type Handlers<Asks, Rest extends unknown[] = []> = {
  [N in keyof Asks]: Asks[N] extends [infer Body, infer Reply] ? (body: Body, ...rest: Rest) => Promise<Reply> : never;
};

export interface Message {
  ask: string;
  body: unknown;
}

/** What the worker says to content scripts: the address of the tab has changed, look again. */
export const lookAgain = "look again";

/** What the worker asks the content script of a network: which names its document gives, as in overlay.look, and what the account calls itself. */
export const whoseIsIt = "whose is it";

export interface Whose {
  names: Names[];
  called: string;
}

/** And: there is another list, whatever was known of a link may have changed. */
export const listChanged = "list changed";

/** And: what the frames of the page hold has changed. */
export const lookAtFrames = "look at frames";

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

/** Rejects when the page comes back from the browser's memory: what was on its way when it was put there is never answered. */
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
