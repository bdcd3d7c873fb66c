// What something that is listed is to a person who meets it: the words of a warning and of a mark go by it.

import { things } from "./platforms_gen";

/** Somebody, such as a profile; a website; or something else on a platform, such as a group, a form or a short link. */
export type What = "account" | "page" | "thing";

/** An account on a social network, as against a page; see package subject. An IPv6 host begins with a bracket. */
export const isAccount = (subject: string): boolean => /^[a-z]+:/.test(subject);

/** What a subject is (package subject). */
export const whatIs = (subject: string): What =>
  things.some((thing) => subject.startsWith(thing)) ? "thing" : isAccount(subject) ? "account" : "page";
