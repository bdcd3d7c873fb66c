// The calls between the browser and the core; wasm/protocol.go is the same in Go.

/** Raised with each change that an older core would misread. */
export const version = 8;

/** What can be asked. */
export const enum Op {
  hello = 1,
  open = 2,
  check = 3,
  resolve = 4,
  plan = 5,
  apply = 6,
  report = 7,
  subjects = 8,
  resemble = 9,
  text = 10,
  supplement = 11,
  work = 12,
  meet = 13,
  recall = 14,
  remember = 15,
}

/** Instead of any reply. */
export interface Failure {
  error: { code: string; text: string };
}

export interface HelloReply {
  version: number;
}

/** About the set that is attached, or the one that the core made last. */
export interface OpenRequest {
  root: string;
  keys: Uint8Array;
  head: Uint8Array;
  /** SHA-256 of the set. */
  sum: Uint8Array;
  now: number;
  supplement: Uint8Array;
}

export interface OpenReply {
  sequence: number;
  issued: number;
  expires: number;
  count: number;
  /** Seconds to the next check for a newer head, and up to how many more at random. */
  wait: number;
  spread: number;
}

export interface CheckRequest {
  /** At most 2,000. */
  hrefs: string[];
  now: number;
  /** Of names. */
  language: string;
}

export interface CheckReply {
  /** A byte for each address, in their order. */
  verdicts: Uint8Array;
  /** One for each byte that is not unlisted. */
  findings: Partial<Finding>[] | null;
}

/** The byte of what is unlisted. */
export const unlisted = 1;

/** A reply leaves out what is empty. */
export interface Finding {
  verdict: "unknown" | "unlisted" | "listed" | "caution";
  subject: string;
  /** The subject, to a person. */
  shown: string;
  category: string;
  bucket: string;
  /** The address is of something in the subject, such as a post, and not about it; only check tells. */
  within: boolean;
  stale: boolean;
  cause: string;
  confirmed: boolean;
  first_seen: number;
  reference: string;
  source: string;
  reason: Record<string, string> | null;
  /** Of a caution: the address of the real one without its scheme, its name, and by which rule (docs/official.md). */
  resembles: string;
  real: string;
  rule: string;
  /** Whose official page it is; only resemble tells. */
  owner: string;
}

export interface ResolveRequest {
  subject: string;
  bucket: Uint8Array;
  now: number;
  language: string;
}

export interface ResolveReply {
  finding: Partial<Finding>;
}

export interface PlanRequest {
  /** Of another server, of which nothing is there yet; empty for the one that is open. */
  root: string;
  head: Uint8Array;
  /** Empty for the key list in use. */
  keys: Uint8Array;
  now: number;
}

export interface PlanReply {
  need: "nothing" | "keys" | "delta" | "set";
  path: string;
  limit: number;
  sequence: number;
  /** SHA-256 of the set that it leads to. */
  set: Uint8Array;
  set_path: string;
  set_size: number;
  /** Where its supplement is; empty if it is the one that is open. */
  supplement_path: string;
  supplement_size: number;
  /** SHA-256. */
  supplement: Uint8Array;
}

/** About the delta or set that is attached. */
export interface ApplyRequest {
  head: Uint8Array;
  keys: Uint8Array;
  kind: "delta" | "set";
  now: number;
}

export interface ApplyReply {
  /** Bytes of the set that was made. */
  size: number;
}

export interface ReportRequest {
  id: Uint8Array;
  kind: "scam" | "mistake";
  href: string;
  /** Instead of an href: what a mistake is about. */
  subject: string;
  title: string;
  language: string;
  time: number;
  category: string;
  note: string;
  /** That were found on the page, as the browser writes them. */
  links: string[];
}

export interface ReportReply {
  body: Uint8Array;
  subjects: string[] | null;
}

export interface SubjectsRequest {
  href: string;
}

export interface SubjectsReply {
  subjects: string[] | null;
}

/** About a page and the title that it goes by. */
export interface ResembleRequest {
  href: string;
  name: string;
  /** Other addresses of the same account, as the platform gives them. */
  also: string[];
}

export interface ResembleReply {
  finding: Partial<Finding>;
}

/** About a text that a person has selected or pasted. */
export interface TextRequest {
  selected: string;
  now: number;
  language: string;
  /** The languages of the person and of the place, as BCP 47 tags: how numbers are written there. */
  speaks: string[];
}

/**
 * What is known about each thing that the text names. A finding without a subject is about what could not be checked,
 * and has the cause.
 */
export interface TextReply {
  findings: Partial<Finding>[] | null;
}

/** How many numbers one call may try: a few milliseconds. */
export const maxTries = 4096;

/** About a proof of work for a challenge of the server's. */
export interface WorkRequest {
  challenge: Uint8Array;
  id: Uint8Array;
  /** The first number to try. */
  from: number;
  /** How many; at most maxTries. */
  tries: number;
  zeros: number;
}

/** The number that was found, or the one to go on from. */
export interface WorkReply {
  number: number;
  found: boolean;
}

/** About an address or, where that is empty, a text. */
export interface MeetRequest {
  href: string;
  selected: string;
  now: number;
  /** As of a TextRequest. */
  speaks: string[];
}

/** What is to be kept, to be recalled later. */
export interface MeetReply {
  /** The beginnings of digests, of 16 bytes each. */
  heads: Uint8Array;
  /** Where each belongs, in the same order: "web", "facebook", "phone". */
  places: string[] | null;
}

/** Asks which of what was met is listed now: at most 4,096. */
export interface RecallRequest {
  heads: Uint8Array;
  now: number;
}

export interface RecallReply {
  /** By their place among the heads. */
  listed: number[] | null;
  /** The path that tells more about each. */
  buckets: string[] | null;
}

/** About one of them, and the body of its path. The reply is a ResolveReply. */
export interface RememberRequest {
  head: Uint8Array;
  bucket: Uint8Array;
  now: number;
  language: string;
}
