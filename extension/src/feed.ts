// Runs on the named social networks and marks authors and links that are listed, as they come into view.
// It adds marks and changes nothing else. What it asks is answered by the core, on this device.

import { api } from "./ext";
import { address, enclosing, entry, isShown, Links, outer, outermost, type Link } from "./links";
import { Mark } from "./mark";
import { ask, listChanged, type Notice } from "./message";
import { networkOf } from "./networks";
import { settings, whenChosen } from "./settings";
import { behind } from "./shortened";
import { readAgain, ready } from "./text";

/** How many addresses go into one question, and how many may wait for one. */
const maxBatch = 100;
const maxWaiting = 1000;

/** How long links gather before they are asked about, and how long it is from one question to the next at least, in ms. */
const pause = 80;
const apart = 400;

/** How many answers are remembered. */
const maxAnswers = 5000;

/** How many marks there may be at a time. */
const maxMarks = 500;

/** How long making marks may take in one go, in ms. */
const slice = 1;

/** Longer addresses are cut down to their beginning, as far as it can name something. */
const maxHref = 1 << 14;

/** How many links of an entry are compared. */
const maxSiblings = 200;

class Feed {
  private readonly links = new Links({
    seen: (link, href) => this.want(link, href),
    changed: (link) => this.unmark(link),
    moved: () => this.keep(),
    settled: (parts) => this.alignIn(parts),
  });
  /** What is known of each address: the notice of a listed one, or null. */
  private readonly answers = new Map<string, Notice | null>();
  /** The links of each address that is to be asked about, and what each of them led to when it was seen. */
  private readonly wanted = new Map<string, Map<Link, string>>();
  private readonly marks = new Map<Link, Mark>();
  private toMark: [Link, Notice][] = [];
  private readonly toAlign = new Set<Mark>();
  private asking = false;
  private failures = 0;
  private running = false;
  private asked = -Infinity;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private idle = 0;
  private frame = 0;
  /** Marks by what tells, when it is laid out anew, that they may not be where they belong. */
  private beside = new WeakMap<Element, Set<Mark>>();
  private readonly resized = new ResizeObserver((entries) => this.laidOut(entries));
  private width = 0;

  start(): void {
    if (this.running) return;
    this.running = true;
    this.links.start();
    this.resized.observe(document.documentElement);
  }

  stop(): void {
    if (!this.running) return;
    this.running = false;
    this.links.stop();
    this.clear();
  }

  /** Asks about everything once more: the list has changed. Marks stay until the answer is there. */
  again(): void {
    if (!this.running) return;
    this.answers.clear();
    this.links.restart();
  }

  private clear(): void {
    clearTimeout(this.timer);
    cancelIdleCallback(this.idle);
    cancelAnimationFrame(this.frame);
    this.timer = undefined;
    this.idle = this.frame = 0;
    this.wanted.clear();
    this.answers.clear();
    this.toMark = [];
    this.toAlign.clear();
    this.resized.disconnect();
    this.beside = new WeakMap();
    for (const mark of this.marks.values()) mark.remove();
    this.marks.clear();
  }

  private want(link: Link, whole: string): boolean {
    const unknown: string[] = [];
    for (const href of addresses(link, whole)) {
      const answer = this.answers.get(href);
      if (answer) {
        this.mark(link, answer);
        return true;
      }
      if (answer === undefined) unknown.push(href);
    }
    if (unknown.length === 0) {
      this.unmark(link);
      return true;
    }
    if (this.wanted.size >= maxWaiting) return false;
    for (const href of unknown) {
      const links = this.wanted.get(href);
      if (links) links.set(link, whole);
      else this.wanted.set(href, new Map([[link, whole]]));
    }
    this.askLater();
    return true;
  }

  private askLater(): void {
    if (this.asking || this.timer !== undefined) return;
    const wait = this.failures > 0 ? Math.min(60_000, 1000 * 2 ** this.failures) : Math.max(pause, this.asked + apart - performance.now());
    this.timer = setTimeout(() => void this.ask(), wait);
  }

  private async ask(): Promise<void> {
    this.asking = true;
    this.asked = performance.now();
    const hrefs: string[] = [];
    for (const href of this.wanted.keys()) if (hrefs.push(href) === maxBatch) break;
    const replies = await ask("feed.check", { hrefs }).catch(() => undefined);
    this.asking = false;
    this.timer = undefined;
    // The extension was replaced: another script of ours will come with the next load.
    if (!api.runtime?.id) return this.stop();
    if (!this.running) return;
    this.failures = replies === undefined ? this.failures + 1 : 0;
    if (replies) this.take(hrefs, replies);
    if (replies === null) for (const href of hrefs) this.wanted.delete(href);
    if (this.wanted.size > 0) this.askLater();
    if (this.wanted.size < maxWaiting / 2) this.links.resume();
  }

  private take(hrefs: string[], replies: (Notice | null)[]): void {
    hrefs.forEach((href, i) => {
      const answer = replies[i] ?? null;
      const links = this.wanted.get(href);
      this.wanted.delete(href);
      this.answers.set(href, answer);
      for (const [link, whole] of links ?? []) {
        if (!isShown(link) || address(link) !== whole) continue;
        if (answer) this.mark(link, answer);
        else if (this.marks.get(link)?.notice.href === href) this.unmark(link);
      }
    });
    for (const href of this.answers.keys()) {
      if (this.answers.size <= maxAnswers) break;
      this.answers.delete(href);
    }
  }

  private mark(link: Link, notice: Notice): void {
    const { subject, category } = this.marks.get(link)?.notice ?? {};
    if (subject === notice.subject && category === notice.category) return;
    this.toMark.push([link, notice]);
    this.workSoon();
  }

  private workSoon(): void {
    if (!this.frame) this.idle ||= requestIdleCallback(() => this.work(), { timeout: 200 });
  }

  /** Puts marks right and makes new ones, as many as there is time for and one at least. */
  private work(): void {
    this.idle = 0;
    const end = performance.now() + slice;
    if (this.toAlign.size > 0) this.align(end);
    else this.makeSome(end);
    if (this.isBusy()) this.workSoon();
  }

  private isBusy(): boolean {
    return this.toMark.length + this.toAlign.size > 0;
  }

  /** First all is looked at, then all is put in: the browser lays the page out once, when it would anyway. */
  private makeSome(end: number): void {
    const made: Mark[] = [];
    do {
      const [next] = this.toMark.splice(0, 1);
      const mark = next && this.make(...next);
      if (mark) made.push(mark);
    } while (this.toMark.length > 0 && !made.at(-1)?.isOnTrial && performance.now() < end);
    for (const mark of made) this.putIn(mark);
    if (made.length > 0) this.restUntilDrawn();
  }

  private putIn(mark: Mark): void {
    mark.stand();
    this.observe(mark.button, mark);
    const row = enclosing(outermost(mark.link));
    if (row) this.observe(row, mark);
  }

  /** To look at the page again before it is drawn would have it laid out twice. */
  private restUntilDrawn(): void {
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      if (this.isBusy()) this.workSoon();
    });
  }

  private make(link: Link, notice: Notice): Mark | undefined {
    if (!isShown(link) || !addresses(link).includes(notice.href) || isEdited(link)) return undefined;
    this.unmark(link);
    // A post leads to its author by a picture, a name and a date: one mark is enough, at the name.
    if (!named(link) && siblings(link).some((other) => address(other) === address(link) && named(other))) return undefined;
    const rival = this.inSameEntry(link, notice);
    if (rival && (named(rival.link) || !named(link))) return undefined;
    if (rival) this.unmark(rival.link);
    const oldest = this.marks.size >= maxMarks ? this.marks.keys().next().value : undefined;
    if (oldest) {
      this.unmark(oldest);
      this.links.again(oldest);
    }
    const mark = new Mark(link, notice, () => this.again());
    this.marks.set(link, mark);
    return mark;
  }

  private observe(element: Element, mark: Mark): void {
    const marks = this.beside.get(element);
    if (marks) marks.add(mark);
    else this.beside.set(element, new Set([mark]));
    this.resized.observe(element);
  }

  private forget(element: Element, mark: Mark): void {
    const marks = this.beside.get(element);
    if (!marks?.delete(mark) || marks.size > 0) return;
    this.beside.delete(element);
    this.resized.unobserve(element);
  }

  private inSameEntry(link: Link, { subject }: Notice): Mark | undefined {
    for (const other of siblings(link)) {
      const mark = this.marks.get(other);
      if (mark?.notice.subject === subject) return mark;
    }
    return undefined;
  }

  private unmark(link: Link): void {
    const mark = this.marks.get(link);
    if (!mark) return;
    mark.remove();
    this.marks.delete(link);
    this.toAlign.delete(mark);
    this.forget(mark.button, mark);
    const row = enclosing(outermost(link));
    if (row) this.forget(row, mark);
    // Another link of the entry may have gone without a mark because of this one.
    for (const other of siblings(link)) if (address(other) === mark.notice.href) this.links.again(other);
  }

  /** Takes marks away whose links are gone, and puts back those that the page has removed, before the page is drawn. */
  private keep(): void {
    for (const [link, mark] of this.marks) {
      if (mark.isThere) {
        if (mark.keep()) {
          this.resized.unobserve(mark.button);
          this.resized.observe(mark.button);
        }
        continue;
      }
      this.unmark(link);
      this.links.again(link); // when its row is put in once more
    }
  }

  /** Puts marks right that are new, or whose row is laid out anew, before the page is drawn. */
  private laidOut(entries: ResizeObserverEntry[]): void {
    const marks = new Set<Mark>();
    for (const { target, contentRect } of entries) {
      for (const mark of this.beside.get(target) ?? []) marks.add(mark);
      // A page that only grows longer moves no link within its row.
      if (target !== document.documentElement || contentRect.width === this.width) continue;
      this.width = contentRect.width;
      this.alignSoon(this.marks.values());
    }
    settle(marks);
  }

  /** Looks soon whether links have moved within their rows, in parts of the page that have changed. */
  private alignIn(parts: Iterable<Node> | undefined): void {
    if (!parts) return this.alignSoon(this.marks.values());
    const inside = new Map<Node | null, Mark[]>();
    for (const mark of this.marks.values()) {
      const marks = inside.get(mark.container);
      if (marks) marks.push(mark);
      else inside.set(mark.container, [mark]);
    }
    for (const part of parts) {
      for (let node: Node | null = part; node; node = outer(node)) this.alignSoon(inside.get(node) ?? []);
    }
  }

  private alignSoon(marks: Iterable<Mark>): void {
    for (const mark of marks) this.toAlign.add(mark);
    if (this.toAlign.size > 0) this.workSoon();
  }

  private align(end: number): void {
    const marks: Mark[] = [];
    for (const mark of this.toAlign) {
      this.toAlign.delete(mark);
      if (marks.push(mark) % 8 === 0 && performance.now() >= end) break;
    }
    settle(marks);
  }
}

/** First looks at all marks, then moves them: the browser lays the page out once. */
function settle(marks: Iterable<Mark>): void {
  const moves = [...marks].map((mark) => mark.settle());
  for (const move of moves) move?.();
}

/** The other links of an entry. */
const siblings = (link: Link): Link[] => [...(link.closest(entry)?.querySelectorAll<Link>("a[*|href]") ?? [])].slice(0, maxSiblings).filter((other) => other !== link);

/** Whether a link has words, as against a picture alone. */
const named = (link: Link): boolean => (link.textContent ?? "").trim() !== "";

const isEdited = (link: Link): boolean => "isContentEditable" in link && link.isContentEditable;

/** What a link leads to: its address, and what a shortened one says that it stands for. */
function addresses(link: Link, href = address(link)): string[] {
  if (!/^[a-z][a-z0-9+.-]*:/.test(href) || /^(javascript|data|blob|about):/.test(href)) return [];
  const shown = behind(link, href);
  const own = href.length <= maxHref ? href : href.replace(/[?#].*/s, "").slice(0, maxHref);
  return shown ? [shown, own] : [own];
}

const feed = new Feed();

async function begin(): Promise<void> {
  const network = networkOf(location.hostname);
  if (!network) return;
  const [{ unmarked }] = await Promise.all([settings(), ready()]);
  if (network.domains.some((domain) => unmarked.includes(domain))) feed.stop();
  else feed.start();
}

api.runtime.onMessage.addListener((message: unknown) => {
  if (message === listChanged) feed.again();
});
whenChosen(async (now, before) => {
  if (now.language !== before.language) {
    await readAgain();
    feed.stop();
  }
  await begin();
});
addEventListener("pageshow", (event) => {
  // The page comes back from memory, and the list may have changed meanwhile.
  if (event.persisted) feed.again();
});
void begin();
