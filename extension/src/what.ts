// What something that is listed is to a person who meets it: the words of a warning and of a mark go by it.

/** Somebody, such as a profile; a website; or something else on a platform, such as a group, a form or a short link. */
export type What = "account" | "page" | "thing";

const things = /^(?:appstore|google|play|short):|^[a-z]+:(?:community|event|group|invite|item|message|subreddit)\//;

/** What a subject is (package subject). */
export const whatIs = (subject: string): What => (things.test(subject) ? "thing" : /^[a-z]+:/.test(subject) ? "account" : "page");
