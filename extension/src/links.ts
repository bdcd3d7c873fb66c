// Which links of a page have come into view. The page is searched in short slices of idle
// time, each link is watched until it is seen once, and everything that waits is bounded:
// a page may have a hundred thousand links, take them away and put others in their place.

/** A link, found by its href alone: class names of a network change with every build of it. */
export type Link = HTMLAnchorElement | HTMLAreaElement;

const links = "a[href], area[href]";

/** One entry of a feed: a post, a message, a row. */
export const entry = 'article, [role="article"], [role="listitem"], [role="row"], [role="option"], li';

/** How long one slice may take, in ms. */
const slice = 1;

/** How many links are watched at once; the browser looks at each of them in every frame that scrolls. */
const maxWatched = 4000;

/** How many parts of a page wait to be searched; with more the whole page is. */
const maxParts = 500;

export interface Receiver {
  /** A link has come into view. False if it cannot be taken now: it is offered again after resume. */
  seen(link: Link): boolean;
  /** A link leads elsewhere now: its row was used again. */
  changed(link: Link): void;
  /** Something was put in or taken out. */
  moved(): void;
  /** What was put in and taken out has come to rest. */
  settled(): void;
}

export class Links {
  /** Under which address each link was seen. */
  private known = new WeakMap<Link, string>();
  private readonly watched = new Set<Link>();
  private readonly refused = new Set<Link>();
  private readonly parts = new Set<Element>();
  private found: NodeListOf<Link> | undefined;
  private next = 0;
  private waiting = 0;
  private dirty = false;
  private readonly mutations = new MutationObserver((records) => this.mutated(records));
  private readonly views = new IntersectionObserver((entries) => this.viewed(entries), { rootMargin: "50% 0px" });

  constructor(private readonly receiver: Receiver) {}

  start(): void {
    this.mutations.observe(document, { childList: true, subtree: true, attributes: true, attributeFilter: ["href"] });
    this.search(document.documentElement);
  }

  stop(): void {
    this.mutations.disconnect();
    this.views.disconnect();
    cancelIdleCallback(this.waiting);
    this.waiting = this.next = 0;
    this.watched.clear();
    this.refused.clear();
    this.parts.clear();
    this.found = undefined;
    this.known = new WeakMap();
  }

  /** Looks at all links once more, as if none had been seen. */
  restart(): void {
    this.stop();
    this.start();
  }

  /** Offers again what was refused. */
  resume(): void {
    for (const link of this.refused) this.views.observe(link);
    this.refused.clear();
    this.schedule();
  }

  /** Looks at one link once more. */
  again(link: Link): void {
    this.known.delete(link);
    if (link.isConnected) this.watch(link);
  }

  private mutated(records: MutationRecord[]): void {
    let [moved, settling] = [false, false];
    for (const { type, target, addedNodes, removedNodes } of records) {
      if (type === "attributes") {
        if (!isLink(target)) continue;
        this.receiver.changed(target);
        this.search(target);
        continue;
      }
      moved = true;
      if ([...addedNodes, ...removedNodes].every(isOwn)) continue;
      settling = true;
      for (const node of addedNodes) if (node instanceof Element) this.search(node);
    }
    if (moved) this.receiver.moved();
    if (!settling) return;
    this.dirty = true;
    this.schedule();
  }

  private search(part: Element): void {
    if (this.parts.size >= maxParts) {
      this.parts.clear();
      this.parts.add(document.documentElement);
    } else this.parts.add(part);
    this.schedule();
  }

  private schedule(): void {
    this.waiting ||= requestIdleCallback(() => this.work(), { timeout: 500 });
  }

  private work(): void {
    this.waiting = 0;
    const end = performance.now() + slice;
    if (this.dirty) {
      this.dirty = false;
      for (const link of this.watched) if (!link.isConnected) this.unwatch(link);
      this.receiver.settled();
    }
    for (let count = 1; this.refused.size === 0; count++) {
      const link = this.nextLink();
      if (!link) return;
      this.look(link);
      if (count % 8 === 0 && performance.now() >= end) break;
    }
    if (this.refused.size === 0) this.schedule();
  }

  private nextLink(): Link | undefined {
    for (;;) {
      const link = this.found?.[this.next++];
      if (link) return link;
      const [part] = this.parts;
      this.found = undefined;
      if (!part) return undefined;
      this.parts.delete(part);
      if (!part.isConnected) continue;
      if (isLink(part)) return part;
      this.found = part.querySelectorAll<Link>(links);
      this.next = 0;
    }
  }

  private look(link: Link): void {
    if (!link.isConnected || this.known.get(link) === link.href) return;
    if (this.watched.size < maxWatched) this.watch(link);
    // So many that are out of view: the rest is not watched but taken as it comes.
    else this.give(link);
  }

  private watch(link: Link): void {
    this.watched.add(link);
    this.views.unobserve(link); // or a link that is watched already would not be told of
    this.views.observe(link);
  }

  private unwatch(link: Link): void {
    this.watched.delete(link);
    this.views.unobserve(link);
  }

  private viewed(entries: IntersectionObserverEntry[]): void {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting || !isLink(target)) continue;
      this.unwatch(target);
      this.give(target);
    }
  }

  private give(link: Link): void {
    if (this.known.get(link) === link.href) return;
    if (this.receiver.seen(link)) this.known.set(link, link.href);
    else this.refused.add(link);
  }
}

/** Whether a node is a mark of ours, which has no links and moves nothing. */
const isOwn = (node: Node): boolean => node instanceof Element && node.localName === "khien-mark";

const isLink = (node: Node): node is Link => node instanceof HTMLAnchorElement || node instanceof HTMLAreaElement;
