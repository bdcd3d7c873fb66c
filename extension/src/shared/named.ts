// What a document says of whose page it is, as a content script finds it and the worker takes it.

/** Addresses that all name the same account, or the page itself. */
export type Names = string[];

/** How many groups of names a document gives at most, and how many stand in one. */
export const maxGroups = 200;
export const maxNames = 8;
