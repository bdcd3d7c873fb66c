// How much of a report's address is sent.

import type { Extent } from "./settings";

/** The address as far as it may go: all of it, without what follows the path, or the website alone. */
export function reduced(href: string, extent: Extent): string {
  const { origin, pathname } = new URL(href);
  return extent === "host" ? `${origin}/` : extent === "path" ? origin + pathname : href.replace(/#.*$/s, "");
}

/** The different addresses that one can be sent as, the longest first. */
export function extents(href: string): [Extent, string][] {
  const all = (["full", "path", "host"] as const).map((extent): [Extent, string] => [extent, reduced(href, extent)]);
  return all.filter(([, address], i) => all.findIndex(([, other]) => other === address) === i);
}
