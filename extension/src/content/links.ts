// Which links of a page have come into view. The page is searched in short slices of idle
// time, each link is watched until it is seen once, and everything that waits is bounded:
// a page may have a hundred thousand links, take them away and put others in their place.

import { networkOf } from "../shared/networks";
import { Writings } from "./written";

/**
 * What leads to an address, or tells one in another way that is the network's own (written.ts): as a rule a link, found
 * by its href alone, since class names of a network change with every build of it. In a drawing the address may be an
 * xlink:href.
 */
export type Link = HTMLElement | SVGElement;

const network = networkOf(location.hostname);
const writings = new Writings(network?.platform);
const links = `a[*|href], area[href], ${writings.selector}`;

/** The address that a link leads to; empty if it leads to none, or to the page that it is in. */
export function address(link: Link): string {
  return leadsTo(link) || writings.read(link);
}

function leadsTo(link: Link & { href?: string | SVGAnimatedString }): string {
  const { href } = link;
  if (href === undefined) return "";
  const written = typeof href === "string" ? (link.getAttribute("href") ?? "") : href.baseVal;
  const first = written.trimStart()[0];
  // Facebook hides where the time of a post leads, until it is pointed at. Only the clients of Telegram name somebody
  // behind a "#".
  if (first === undefined || first === "?" || (first === "#" && network?.platform !== "telegram")) return "";
  if (/^\s*javascript:/i.test(written)) return "";
  if (typeof href === "string") return href;
  return URL.canParse(written, link.baseURI) ? new URL(written, link.baseURI).href : written;
}

/** One entry of a feed, where it is said: a post, a message, a row. */
export const entry = 'article, [role="article"], [role="listitem"], [role="row"], [role="option"], [aria-posinset], li';

/** How long one slice may take, and for how long changes of the page gather before they are looked at, in ms. */
const slice = 1;
const pause = 150;

/** How many parts of a page are watched at once; the browser looks at each of them in every frame that scrolls. */
const maxWatched = 4000;

/** How many open shadow roots, and documents of frames that are part of the page, are searched and followed at once. */
const maxTrees = 500;

/** How many elements that may yet get a shadow root are looked at again, and how often, in ms. */
const maxBare = 500;
const bareAgain = 1000;

/** How many links come into view with their entry; further ones each by themselves. */
const maxTogether = 20;

/** How many parts of a page wait to be searched; with more the whole page is. */
const maxParts = 500;

export interface Receiver {
  /** A link has come into view. False if it cannot be taken now: it is offered again after resume. */
  seen(link: Link, href: string): boolean;
  /** A link leads elsewhere now: its row was used again. */
  changed(link: Link): void;
  /** Something was put in or taken out. */
  moved(): void;
  /**
   * What was put into these parts of the page, or taken out, has come to rest; undefined if there are too many to tell.
   */
  settled(parts: Iterable<Node> | undefined): void;
}

export class Links {
  /** Under which address each link was seen. */
  private known = new WeakMap<Link, string>();
  /** The links that come into view with an entry, or with themselves. */
  private readonly watched = new Map<Element, Set<Link>>();
  private readonly boxless = new WeakSet<Element>();
  private readonly refused = new Set<Link>();
  private readonly parts = new Set<ParentNode>();
  private part: ParentNode | undefined;
  /** Of the part that is searched: first its links, then all that is in it, for what may hold a tree of its own. */
  private found: NodeListOf<Element> | undefined;
  private inner = false;
  private readonly trees = new Set<Tree>();
  private readonly frames = new WeakSet<Element>();
  private readonly bare = new Set<Element>();
  private baring: ReturnType<typeof setTimeout> | undefined;
  private next = 0;
  private waiting = 0;
  private gathering: ReturnType<typeof setTimeout> | undefined;
  private readonly changed = new Set<Node>();
  private readonly mutations = new MutationObserver((records) => this.mutated(records));
  private readonly views = new IntersectionObserver((entries) => this.viewed(entries), { rootMargin: "50% 0px" });

  constructor(private readonly receiver: Receiver) {}

  start(): void {
    this.enter(document);
    this.schedule();
  }

  stop(): void {
    this.mutations.disconnect();
    this.views.disconnect();
    cancelIdleCallback(this.waiting);
    clearTimeout(this.gathering);
    clearTimeout(this.baring);
    this.gathering = this.baring = undefined;
    this.waiting = this.next = 0;
    this.watched.clear();
    this.refused.clear();
    this.parts.clear();
    this.changed.clear();
    this.trees.clear();
    this.bare.clear();
    this.found = this.part = undefined;
    this.inner = false;
    this.known = new WeakMap();
  }

  /** Looks at all links once more, as if none had been seen. */
  restart(): void {
    this.stop();
    this.start();
  }

  /** Offers again what was refused. */
  resume(): void {
    const refused = [...this.refused];
    this.refused.clear();
    for (const link of refused) this.watch(link);
    this.schedule();
  }

  /** Looks at one link once more. */
  again(link: Link): void {
    this.known.delete(link);
    if (link.isConnected) this.watch(link);
  }

  private mutated(records: MutationRecord[]): void {
    let moved = false;
    for (const { type, target, attributeName, addedNodes, removedNodes } of records) {
      if (type === "attributes") {
        if (attributeName !== null && isElement(target)) this.rewritten(target as Link);
        continue;
      }
      if (writings.worded !== "") {
        const told = (isElement(target) ? target : target.parentElement)?.closest<Link>(writings.worded);
        if (told) this.rewritten(told);
        if (type === "characterData") continue;
      }
      const own = isOwnAlone(addedNodes) && isOwnAlone(removedNodes);
      // A mark that was put in moves nothing, but the page may have taken one away.
      moved ||= !own || removedNodes.length > 0;
      if (own) continue;
      if (this.changed.size <= maxParts) this.changed.add(target);
      for (const node of addedNodes) if (isElement(node)) this.search(node);
    }
    if (moved) this.receiver.moved();
    if (this.changed.size + this.parts.size > 0) this.scheduleLater();
  }

  /** What an element leads to may be another address now. */
  private rewritten(link: Link): void {
    const before = this.known.get(link);
    const now = isLink(link) ? address(link) : "";
    if (before === now) return;
    if (before !== undefined) this.receiver.changed(link);
    this.known.delete(link);
    if (now !== "") this.search(link);
  }

  private search(part: ParentNode): void {
    if (this.parts.size >= maxParts) {
      this.parts.clear();
      for (const tree of this.trees) this.parts.add(tree);
    } else this.parts.add(part);
  }

  /** Searches a tree, and follows what changes in it. */
  private enter(tree: Tree): void {
    if (this.trees.has(tree)) return;
    if (this.trees.size >= maxTrees) return;
    this.trees.add(tree);
    this.mutations.observe(tree, { childList: true, subtree: true, characterData: writings.worded !== "", attributeFilter: ["href", ...writings.attributes] });
    this.search(tree);
  }

  /** Goes into what an element holds, or will hold once the page has loaded it or put something in. */
  private lookInto(element: Element): void {
    const { shadowRoot } = element;
    if (shadowRoot) this.enter(shadowRoot);
    else if (isFrame(element)) this.lookIntoFrame(element);
    else if (this.bare.size < maxBare && isBare(element)) {
      this.bare.add(element);
      this.baring ??= setTimeout(() => this.lookAtBare(), bareAgain);
    }
  }

  /** Nothing tells that an element has got a shadow root. */
  private lookAtBare(): void {
    this.baring = undefined;
    for (const element of this.bare) {
      const { shadowRoot, isConnected } = element;
      if (isConnected && !shadowRoot && isBare(element)) continue;
      this.bare.delete(element);
      if (isConnected && shadowRoot) this.enter(shadowRoot);
    }
    if (this.bare.size > 0) this.baring = setTimeout(() => this.lookAtBare(), bareAgain);
    if (this.parts.size > 0) this.schedule();
  }

  /** Lets go of trees that have left the page. A frame that goes elsewhere leaves a whole document behind. */
  private forgetGone(): void {
    const before = this.trees.size;
    for (const tree of this.trees) if (!isShown(tree)) this.trees.delete(tree);
    if (this.trees.size < before) for (const part of this.watched.keys()) if (!isShown(part)) this.unwatch(part);
  }

  private lookIntoFrame(frame: Frame): void {
    if (!this.frames.has(frame)) {
      this.frames.add(frame);
      frame.addEventListener("load", () => {
        if (!this.trees.has(document)) return; // stopped
        this.receiver.moved();
        this.forgetGone();
        this.lookIntoFrame(frame);
        this.schedule();
      });
    }
    // What a frame shows of another site is no part of the page.
    if (frame.contentDocument) this.enter(frame.contentDocument);
  }

  private scheduleLater(): void {
    this.gathering ??= setTimeout(() => {
      this.gathering = undefined;
      this.schedule();
    }, pause);
  }

  private schedule(): void {
    this.waiting ||= requestIdleCallback(() => this.work(), { timeout: 500 });
  }

  private work(): void {
    this.waiting = 0;
    const end = performance.now() + slice;
    if (this.changed.size > 0) {
      for (const part of this.watched.keys()) if (!part.isConnected) this.unwatch(part);
      this.forgetGone();
      this.receiver.settled(this.changed.size > maxParts ? undefined : this.changed);
      this.changed.clear();
    }
    for (let count = 1; this.refused.size === 0; count++) {
      const element = this.nextElement();
      if (!element) return;
      if (this.inner) this.lookInto(element);
      else if (isLink(element)) this.look(element);
      if (count % 8 === 0 && performance.now() >= end) break;
    }
    if (this.refused.size === 0) this.schedule();
  }

  private nextElement(): Element | undefined {
    for (;;) {
      const element = this.found?.[this.next++];
      if (element) return element;
      this.next = 0;
      if (this.part && !this.inner) {
        this.inner = true;
        this.found = this.part.querySelectorAll("*");
        if (isElement(this.part)) return this.part;
        continue;
      }
      this.found = this.part = undefined;
      this.inner = false;
      const [part] = this.parts;
      if (!part) return undefined;
      this.parts.delete(part);
      if (!part.isConnected) continue;
      this.part = part;
      this.found = part.querySelectorAll(links);
      if (isLink(part)) return part;
    }
  }

  private look(link: Link): void {
    if (!link.isConnected || this.known.get(link) === address(link)) return;
    // Changes of an attribute with a namespace are told of the element alone.
    if (link.hasAttributeNS(xlink, "href")) this.mutations.observe(link, { attributes: true });
    if (this.watched.size < maxWatched) this.watch(link);
    // So many that are out of view: the rest is not watched but taken as it comes.
    else this.give(link);
  }

  private watch(link: Link): void {
    const around = link.closest(entry);
    this.watchBy(around && !this.boxless.has(around) && (this.watched.get(around)?.size ?? 0) < maxTogether ? around : link, link);
  }

  private watchBy(part: Element, link: Link): void {
    const together = this.watched.get(part);
    if (together) {
      together.add(link);
      return;
    }
    this.watched.set(part, new Set([link]));
    this.views.observe(part);
  }

  private unwatch(part: Element): void {
    this.watched.delete(part);
    this.views.unobserve(part);
  }

  private viewed(entries: IntersectionObserverEntry[]): void {
    for (const { target, isIntersecting, boundingClientRect } of entries) {
      const together = this.watched.get(target);
      if (!together) continue;
      if (!isIntersecting) {
        if (isNowhere(boundingClientRect)) this.watchInside(target, together);
        continue;
      }
      this.unwatch(target);
      for (const link of together) if (link.isConnected) this.give(link);
    }
  }

  /** An element that takes no part in the layout never comes into view: what it holds is watched instead. */
  private watchInside(part: Element, together: Set<Link>): void {
    if (getComputedStyle(part).display !== "contents") return;
    this.unwatch(part);
    this.boxless.add(part);
    for (const link of together) this.watchBy(part === link || this.boxless.has(link) ? (part.firstElementChild ?? enclosing(part) ?? part) : link, link);
  }

  private give(link: Link): void {
    const href = address(link);
    if (this.known.get(link) === href) return;
    if (this.receiver.seen(link, href)) this.known.set(link, href);
    else this.refused.add(link);
  }
}

/** Whether all nodes are marks of ours, which have no links and move nothing. */
function isOwnAlone(nodes: NodeList): boolean {
  for (const node of nodes) if (!(isElement(node) && node.localName === "khien-mark")) return false;
  return true;
}

type Tree = Document | ShadowRoot;
type Frame = HTMLIFrameElement | HTMLFrameElement;

// Elements of a frame are none of the classes of this window.
const isElement = (node: Node): node is Element => node.nodeType === Node.ELEMENT_NODE;
const isLink = (node: Node): node is Link => isElement(node) && node.matches(links);

const isNowhere = ({ x, y, width, height }: DOMRectReadOnly): boolean => x === 0 && y === 0 && width === 0 && height === 0;

/**
 * Whether a page may yet put something into an element in a way that nothing tells: it is to be defined, or a named
 * place with nothing in it.
 */
function isBare(element: Element): boolean {
  const { localName } = element;
  if (localName.includes("-")) return !localName.startsWith("khien-") && element.matches(":not(:defined)");
  return places.has(localName) && element.id !== "" && element.firstElementChild === null;
}

const places = new Set(["article", "aside", "div", "main", "section"]);

const isFrame = (element: Element): element is Frame => (element.localName === "iframe" || element.localName === "frame") && "contentDocument" in element;

/** Whether something stands in a page that is shown: a document stays whole when its frame has left it. */
export const isShown = (node: Node): boolean => node.isConnected && (node.ownerDocument ?? (node as Document)).defaultView !== null;

/** What a node stands in, also across the edge of a shadow tree. */
export const outer = (node: Node): Node | null => node.parentNode ?? (node as Partial<ShadowRoot>).host ?? null;

/** The element around another, also across the edge of a shadow tree. */
export const enclosing = (element: Element): Element | null => element.parentElement ?? (element.parentNode as Partial<ShadowRoot> | null)?.host ?? null;

/** A link, or the whole drawing that it is in: within, nothing is laid out as in the rest of a page. */
export function outermost(link: Link): Element {
  let element: Element = link;
  while (element.namespaceURI === svg && element.parentElement?.namespaceURI === svg) element = element.parentElement;
  return element;
}

const svg = "http://www.w3.org/2000/svg";
const xlink = "http://www.w3.org/1999/xlink";
