// Runs on the named social networks and marks authors and links that are listed, as they come into view.
// It adds marks and changes nothing else. What it asks is answered by the core, on this device.

import { api } from "../shared/ext";
import { isSpelledOut, rank, together } from "./group";
import { address, enclosing, entry, isShown, Links, outer, outermost, type Link } from "./links";
import { Mark } from "./mark";
import { ask, listChanged, whatIsMarked, type Notice } from "../shared/message";
import { networkOf } from "../shared/networks";
import { Pairs } from "./pairs";
import { hasWords, seen } from "./room";
import { settings, whenChosen } from "../shared/settings";
import { behind } from "./shortened";
import { readAgain, ready } from "../shared/text";
import { isAccount } from "../shared/what";

/** How many addresses go into one question, and how many may wait for one. */
const maxBatch = 100;
const maxWaiting = 1000;

/**
 * How long links gather before they are asked about, and how long it is from one question to the next at least, in ms.
 */
const pause = 80;
const apart = 400;

/** How many answers are remembered. */
const maxAnswers = 5000;

/** How many marks there may be at a time. */
const maxMarks = 500;

/** How many of them the popup is told. */
const maxTold = 50;

/** How long making marks may take in one go, in ms. */
const slice = 1;

/** Longer addresses are cut down to their beginning, as far as it can name something. */
const maxHref = 1 << 14;

/** How many links that cannot be seen yet are looked at again, and how often, in ms. */
const maxUnseen = 300;
const unseenAgain = 1000;

const network = networkOf(location.hostname);

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
  /**
   * The links that are about something listed, with or without a mark; and by subject and by the entry that they are
   * in.
   */
  private readonly listed = new Map<Link, { notice: Notice; around: Element | null }>();
  private readonly about = new Map<string, Map<Element | null, Set<Link>>>();
  /** Links that have no mark because of another's. */
  private readonly silenced = new Map<Link, Set<Link>>();
  private readonly unseen = new Set<Link>();
  private looking: ReturnType<typeof setTimeout> | undefined;
  private readonly pairs = new Pairs(network?.platform);
  private toMark: Link[] = [];
  private toUncover: Mark[] = [];
  private readonly toAlign = new Set<Mark>();
  private asking = false;
  /** Counts the lists: an answer by the one before counts no more. */
  private lists = 0;
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
    this.lists++;
    this.answers.clear();
    this.links.restart();
  }

  /** The addresses of what is marked, each thing once, the latest first. */
  marked(): string[] {
    const found = new Map([...this.marks.values()].reverse().map(({ notice }) => [notice.subject, notice.href]));
    return [...found.values()].slice(0, maxTold);
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
    this.toUncover = [];
    this.toAlign.clear();
    clearTimeout(this.looking);
    this.looking = undefined;
    this.unseen.clear();
    this.listed.clear();
    this.about.clear();
    this.silenced.clear();
    this.resized.disconnect();
    this.beside = new WeakMap();
    for (const mark of this.marks.values()) mark.remove();
    this.marks.clear();
  }

  private want(link: Link, whole: string): boolean {
    const unknown: string[] = [];
    if (whole.length <= maxHref) for (const other of this.pairs.learn(link, whole)) this.links.again(other);
    for (const href of this.addresses(link, whole)) {
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
    const list = this.lists;
    const replies = await ask("feed.check", { hrefs }).catch(() => undefined);
    this.asking = false;
    this.timer = undefined;
    // The extension was replaced: another script of ours will come with the next load.
    if (!api.runtime?.id) return this.stop();
    if (!this.running) return;
    this.failures = replies === undefined ? this.failures + 1 : 0;
    if (replies && list === this.lists) this.take(hrefs, replies);
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
        // A link may also be listed without a mark: hidden, or behind another.
        if (!answer && this.listed.get(link)?.notice.href === href) this.unmark(link);
        if (answer && isShown(link) && address(link) === whole) this.mark(link, answer);
      }
    });
    for (const href of this.answers.keys()) {
      if (this.answers.size <= maxAnswers) break;
      this.answers.delete(href);
    }
  }

  private mark(link: Link, notice: Notice): void {
    if (!isAbout(link, notice)) return this.unmark(link);
    const { subject, category } = this.listed.get(link)?.notice ?? {};
    if (subject === notice.subject && category === notice.category) return;
    this.unmark(link);
    const around = link.closest(entry);
    const entries = this.about.get(notice.subject) ?? new Map<Element | null, Set<Link>>();
    const others = entries.get(around);
    this.about.set(notice.subject, entries);
    if (others) others.add(link);
    else entries.set(around, new Set([link]));
    this.listed.set(link, { notice, around });
    this.toMark.push(link);
    this.workSoon();
  }

  private workSoon(): void {
    if (!this.frame) this.idle ||= requestIdleCallback(() => this.work(), { timeout: 200 });
  }

  /** Puts marks right and makes new ones, as many as there is time for and one at least. */
  private work(): void {
    this.idle = 0;
    const end = performance.now() + slice;
    if (this.toUncover.length > 0) for (const mark of this.toUncover.splice(0)) mark.uncover();
    else if (this.toAlign.size > 0) this.align(end);
    else this.makeSome(end);
    if (this.isBusy()) this.workSoon();
  }

  private isBusy(): boolean {
    return this.toMark.length + this.toAlign.size + this.toUncover.length > 0;
  }

  /** First all is looked at, then all is put in: the browser lays the page out once, when it would anyway. */
  private makeSome(end: number): void {
    const made: Mark[] = [];
    do {
      const [next] = this.toMark.splice(0, 1);
      const mark = next && this.make(next);
      if (mark) made.push(mark);
    } while (this.toMark.length > 0 && !made.at(-1)?.isOnTrial && performance.now() < end);
    for (const mark of made) this.putIn(mark);
    for (const mark of made) if (mark.isOnTrial) this.toUncover.push(mark);
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

  private make(link: Link): Mark | undefined {
    const known = this.listed.get(link);
    if (!known || this.marks.has(link)) return undefined;
    if (!isShown(link) || isEdited(link)) return this.forgetLink(link);
    const shown = seen(link);
    if (!shown) return this.lookLater(link);
    const { notice, around } = known;
    const own = rank(link, shown.lines.length > 0);
    const beaten: Mark[] = [];
    for (const other of this.about.get(notice.subject)?.get(around) ?? []) {
      if (other === link || !isShown(other) || !together(link, other, around)) continue;
      const mark = this.marks.get(other);
      if (!this.isBehind(link, own, other)) {
        if (mark) beaten.push(mark);
      } else if (mark) return this.silence(link, other);
      else if (this.toMark.includes(other)) {
        this.toMark.push(link); // behind the one that comes before it
        return undefined;
      }
    }
    for (const mark of beaten) this.takeAway(mark);
    const oldest = this.marks.size >= maxMarks ? this.marks.keys().next().value : undefined;
    if (oldest) {
      this.unmark(oldest);
      this.links.again(oldest);
    }
    const mark = new Mark(link, notice, shown);
    this.marks.set(link, mark);
    for (const { link: other } of beaten) this.silence(other, link);
    return mark;
  }

  /**
   * Whether of two links for one name the other one has the mark: words before a picture before a time, and then the
   * first.
   */
  private isBehind(link: Link, own: number, other: Link): boolean {
    const hasMark = this.marks.has(other);
    const hasLines = hasWords(other);
    if (rank(other, hasLines) > own) return false; // also if nothing of it can be seen
    const shown = hasMark || seen(other);
    if (!shown) return false;
    const theirs = rank(other, shown === true ? hasLines : shown.lines.length > 0);
    if (theirs !== own) return theirs < own;
    return hasMark || (other.compareDocumentPosition(link) & Node.DOCUMENT_POSITION_FOLLOWING) !== 0;
  }

  private silence(link: Link, by: Link): undefined {
    const silent = this.silenced.get(by);
    if (silent) silent.add(link);
    else this.silenced.set(by, new Set([link]));
  }

  private forgetLink(link: Link): undefined {
    const known = this.listed.get(link);
    if (!known) return;
    this.listed.delete(link);
    this.unseen.delete(link);
    const { subject } = known.notice;
    const entries = this.about.get(subject);
    const others = entries?.get(known.around);
    if (others?.delete(link) && others.size === 0 && entries?.delete(known.around) && entries.size === 0) this.about.delete(subject);
  }

  /** What is hidden now may be shown when somebody points at it, and nothing tells. */
  private lookLater(link: Link): undefined {
    if (this.unseen.size < maxUnseen) this.unseen.add(link);
    this.looking ??= setTimeout(() => {
      this.looking = undefined;
      for (const one of this.unseen) this.toMark.push(one);
      this.unseen.clear();
      this.workSoon();
    }, unseenAgain);
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

  private unmark(link: Link): void {
    this.forgetLink(link);
    const mark = this.marks.get(link);
    if (mark) this.takeAway(mark);
  }

  private takeAway(mark: Mark): void {
    const { link } = mark;
    mark.remove();
    this.marks.delete(link);
    this.toAlign.delete(mark);
    this.forget(mark.button, mark);
    const row = enclosing(outermost(link));
    if (row) this.forget(row, mark);
    // Others of the entry may have gone without a mark because of this one.
    const silent = this.silenced.get(link);
    if (!silent) return;
    this.silenced.delete(link);
    this.toMark.push(...silent);
    this.workSoon();
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
    settle(marks, false);
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
      if (marks.push(mark) % 4 === 0 && performance.now() >= end) break;
    }
    settle(marks, true);
  }

  /**
   * What a link leads to: its address, what a shortened one says that it stands for, and another name of the same
   * account.
   */
  private addresses(link: Link, href: string): string[] {
    if (!/^[a-z][a-z0-9+.-]*:/.test(href) || /^(javascript|data|blob|about):/.test(href)) return [];
    const own = href.length <= maxHref ? href : href.replace(/[?#].*/s, "").slice(0, maxHref);
    return [behind(link, href), own, this.pairs.also(own)].filter((one) => one !== undefined);
  }
}

/**
 * First looks at all marks, then moves them: the browser lays the page out once. Anew: something around them has
 * changed.
 */
function settle(marks: Iterable<Mark>, anew: boolean): void {
  const moves = [...marks].map((mark) => mark.settle(anew));
  for (const move of moves) move?.();
}

/**
 * Whether a link is about what is listed, or only of it: of the network's own, the time of a comment leads to the post
 * of a page, and accuses who wrote the comment.
 */
const isAbout = (link: Link, { subject, within }: Notice): boolean => !within || !isOwn(subject) || isSpelledOut(link);

function isOwn(subject: string): boolean {
  const of = isAccount(subject) ? subject.split(":", 1)[0] : networkOf(subject.split("/", 1)[0] ?? "")?.platform;
  return of === network?.platform;
}

const isEdited = (link: Link): boolean => "isContentEditable" in link && link.isContentEditable;

const feed = new Feed();

async function begin(): Promise<void> {
  if (!network) return;
  const [{ unmarked }] = await Promise.all([settings(), ready()]);
  if (network.domains.some((domain) => unmarked.includes(domain))) feed.stop();
  else feed.start();
}

api.runtime.onMessage.addListener((message: unknown, _sender, reply) => {
  if (message === listChanged) feed.again();
  if (message === whatIsMarked) reply(feed.marked());
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
