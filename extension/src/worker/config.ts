// What the bundler writes into a build.

declare const KHIEN_SERVER: string;
declare const KHIEN_ROOT: string;
declare const KHIEN_SEQUENCE: number;
declare const KHIEN_REPORT: { title: number; note: number };

/** Where lists come from and reports go: an origin, without a slash at the end. */
export const server = KHIEN_SERVER;

/** The verifier key that every list must lead back to (golang.org/x/mod/sumdb/note). */
export const root = KHIEN_ROOT;

/** The release that the extension came with. */
export const bundledSequence = KHIEN_SEQUENCE;

/** How long the title and the note of a report may be, in bytes of UTF-8 (package report). */
export const most = KHIEN_REPORT;
