// A report, as it waits on the disk of this device, or in memory.

import type { Extent } from "./settings";

/** A proof of work that is under way. */
export interface Work {
  /** From the server, in hex. */
  challenge: string;
  /** How many zero bits it wants. */
  zeros: number;
  /** The number that was found, or the next to try. */
  number: number;
  found: boolean;
  /** When the challenge came, in Unix milliseconds. */
  since: number;
}

/** A report on its way. */
export interface Entry {
  /** 32 hex digits, the report's name for the server too, on every try. */
  id: string;
  kind: "scam" | "mistake";
  /** As far as the person let it go. */
  href: string;
  /** How far that is; all of it if it does not say. */
  extent?: Extent;
  subject: string;
  title: string;
  language: string;
  time: number;
  category: string;
  note: string;
  state: "waiting" | "sent" | "refused";
  /** Counts the changes of category and note, so that a change during a sending is sent too. */
  revision: number;
  /** Not before this time, in Unix milliseconds. */
  due: number;
  tries: number;
  /** Where it goes, if that was another server than the standard one when it was made. */
  server?: string;
  /** From the server, once it has the report. */
  receipt: string;
  /** What the server said became of it: a state of wire.Receipt. */
  outcome: string;
  /** What links on the page lead to, if the person has left that on. */
  links?: string[];
  /** A proof of work that the server has asked for. */
  work?: Work | undefined;
  /** When it was last asked what became of it, in Unix milliseconds. */
  asked?: number;
  /** The way to the outcome, the oldest first. */
  steps?: Transition[];
  /** Why it was decided so, by language. */
  reasons?: Record<string, string>;
}

/** When a report came to a state, in Unix seconds. */
export interface Transition {
  state: string;
  time: number;
}
