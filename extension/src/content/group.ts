// Which links stand together for one name: the picture, the name and the time of a post lead to its author, and one
// mark is enough. Where the page says what an entry is, that counts; else how the links stand in it.

import { enclosing, type Link } from "./links";
import { hasWords } from "./room";

/** How far up from a link others stand that belong to it, and how many links one entry has at most. */
const maxSteps = 12;
const maxLinks = 20;

/** Whether two links to the same account, in the same entry or in none, stand for one name. */
export function together(a: Link, b: Link, around: Element | null): boolean {
  if (around) return true;
  const [first, second] = a.compareDocumentPosition(b) & Node.DOCUMENT_POSITION_FOLLOWING ? [a, b] : [b, a];
  const shared = sharedBy(first, second);
  if (!shared) return false;
  const { whole, parts } = shared;
  const [hasFirst, hasSecond] = [hasWords(first), hasWords(second)];
  if (hasFirst && hasSecond) return !isSomethingBetween(first, second, whole);
  // A picture belongs to the name beside it, but not to the name in the next entry of its kind, where both say
  // something.
  return parts.some((part) => !hasWords(part)) || kindOf(parts[0]) !== kindOf(parts[1]);
}

/** The smallest element that holds both, and what of it each is in; undefined if that is more than one entry. */
function sharedBy(first: Link, second: Link): { whole: Element; parts: [Element, Element] } | undefined {
  const [a, whole] = climb(first, (around) => around.contains(second));
  if (!whole || whole.getElementsByTagName("a").length > maxLinks) return undefined;
  const [b, again] = climb(second, (around) => around === whole);
  return again && { whole, parts: [a, b] };
}

function climb(from: Element, until: (around: Element) => boolean): [Element, Element | undefined] {
  let inner = from;
  for (let step = 0; step < maxSteps; step++) {
    const around = enclosing(inner);
    if (!around || around === from.ownerDocument.body) break;
    if (until(around)) return [inner, around];
    inner = around;
  }
  return [inner, undefined];
}

const kindOf = (element: Element): string => `${element.localName}.${element.getAttribute("class") ?? ""}`;

/** Whether there are words between two links: letters or digits, as against a dot or a badge. */
function isSomethingBetween(first: Link, second: Link, whole: Element): boolean {
  const range = whole.ownerDocument.createRange();
  range.setStartAfter(first);
  range.setEndBefore(second);
  return /[\p{L}\p{N}]/u.test(range.toString());
}

/** Which of the links of one name has the mark: words before a picture, and both before a time. */
export function rank(link: Link, hasLines: boolean): number {
  if (link.querySelector("time")) return 2;
  return hasLines ? 0 : 1;
}

const spelled = /^(?:https?:\/\/|www\.)\S+$|^(?:[\p{L}\d-]+\.)+\p{L}{2,}\/\S*$/iu;

/**
 * Whether the words of a link are an address: somebody has passed it on, and it is no time or tab of the page's own.
 */
export const isSpelledOut = (link: Link): boolean => spelled.test((link.textContent ?? "").trim().slice(0, 2000));
