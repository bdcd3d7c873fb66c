// How much of a report's address is sent.

import type { Extent } from "./settings";

/** The address as far as it may go: all of it, without what follows the path, or the website alone. */
export function reduced(href: string, extent: Extent): string {
  const { origin, pathname } = new URL(href);
  return extent === "host" ? `${origin}/` : extent === "path" ? origin + pathname : href.replace(/#.*$/s, "");
}

/**
 * Of the addresses that can be sent, the one that a person has chosen; where there is no more to it, leaving something
 * out changes nothing.
 */
export function within(all: [Extent, string][], chosen: Extent): [Extent, string] {
  const found = all.find(([extent]) => extent === chosen) ?? all.at(-1);
  if (!found) throw new Error("no address can be sent");
  return found;
}

/** The different addresses that one can be sent as, the longest first. */
export function extents(href: string): [Extent, string][] {
  const all = (["full", "path", "host"] as const).map((extent): [Extent, string] => [extent, reduced(href, extent)]);
  return all.filter(([, address], i) => all.findIndex(([, other]) => other === address) === i);
}
