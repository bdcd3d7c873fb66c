// Two names of one account that a link gives at once. A link of LinkedIn's feed has the name of a member and the code
// of it, one in a message the code alone; once the page has said that both are of one account, a link with either is
// looked up under both.

import type { Link } from "./links";
import type { Platform } from "../shared/networks";
import { isSpelledOut } from "./group";

const maxPairs = 500;
const maxLinks = 500;

/** Of an address on LinkedIn: what a member goes by in it, a name or a code. */
const member = /^https:\/\/www\.linkedin\.com\/in\/([^/?#]+)/;
const code = /[?&]miniProfileUrn=urn(?:%3A|:)li(?:%3A|:)fsd?_(?:miniP|p)rofile(?:%3A|:)(ACo[\w-]{10,80})(?=&|#|$)/i;
const isCode = /^ACo[\w-]{10,80}$/;

export class Pairs {
  /** The other name of each; empty where the page has said two. */
  private readonly others = new Map<string, string>();
  /** Links by a code whose name is not known yet. */
  private readonly waiting = new Map<string, Set<Link>>();

  constructor(private readonly platform: Platform | undefined) {}

  /** Takes in what a link says; returns those that now have another name. */
  learn(link: Link, href: string): Iterable<Link> {
    if (this.platform !== "linkedin") return [];
    const name = member.exec(href)?.[1];
    if (!name) return [];
    if (isCode.test(name)) return this.wait(name, link);
    const other = code.exec(href)?.[1];
    // What a person passes on, or has written into an article, says nothing.
    if (!other || isSpelledOut(link) || link.closest('[contenteditable="true"]') || location.pathname.startsWith("/pulse/")) return [];
    if (this.others.size >= 2 * maxPairs) this.others.clear();
    const before = this.others.get(other);
    if (before === name || before === "") return [];
    this.others.set(other, before === undefined ? name : "");
    const known = this.others.get(name);
    this.others.set(name, known === undefined || known === other ? other : "");
    const links = this.waiting.get(other) ?? [];
    this.waiting.delete(other);
    return links;
  }

  private wait(name: string, link: Link): Iterable<Link> {
    if (this.others.has(name)) return [];
    if (this.waiting.size >= maxLinks) this.waiting.clear();
    const links = this.waiting.get(name);
    if (links) links.add(link);
    else this.waiting.set(name, new Set([link]));
    return [];
  }

  /** The address of the same account under its other name; undefined if none is known. */
  also(href: string): string | undefined {
    const name = this.platform === "linkedin" ? member.exec(href)?.[1] : undefined;
    const other = name && this.others.get(name);
    return other ? `https://www.linkedin.com/in/${other}/` : undefined;
  }
}
