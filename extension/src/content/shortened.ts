// A link through a shortener of the network itself leads nobody knows where; but X writes
// the address that t.co stands for into the link, and nobody else can write there.

import type { Link } from "./links";

const shortener = /^https?:\/\/t\.co\//;

const written = /^(?:https?:\/\/)?((?:[\p{L}\d-]{1,63}\.)+\p{L}[\p{L}\d-]{1,62})(\/\S*)?$/u;

/**
 * The address that a shortened link says it stands for; undefined if it says none. Where X has cut it off, the
 * beginning.
 */
export function behind(link: Link, href: string): string | undefined {
  if (!shortener.test(href)) return undefined;
  for (const text of [link.getAttribute("data-expanded-url") ?? "", "title" in link ? link.title : "", link.textContent ?? "", link.ariaLabel?.split(" ", 1)[0] ?? ""]) {
    if (text.length > 4000) continue;
    const found = written.exec(text.trim());
    if (!found) continue;
    const [, host = "", path = "/"] = found;
    const whole = path.endsWith("…") ? path.slice(0, path.lastIndexOf("/") + 1) : path;
    const address = `https://${host}${whole}`;
    if (URL.canParse(address)) return new URL(address).href;
  }
  return undefined;
}
