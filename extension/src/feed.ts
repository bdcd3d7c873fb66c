// Runs on the named social networks and marks authors and links that are listed, as they come into view.
// It adds marks and changes nothing else. What it asks is answered by the core, on this device.

import { api } from "./ext";
import { entry, Links, type Link } from "./links";
import { Mark } from "./mark";
import { ask, listChanged, type Notice } from "./message";
import { networkOf } from "./networks";
import { settings, whenChosen } from "./settings";
import { behind } from "./shortened";
import { readAgain, ready } from "./text";

/** How many addresses go into one question, and how many may wait for one. */
const maxBatch = 100;
const maxWaiting = 1000;

/** How long links gather before they are asked about, in ms. */
const pause = 80;

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
    seen: (link) => this.want(link),
    changed: (link) => this.unmark(link),
    moved: () => this.keep(),
    settled: () => this.alignSoon(),
  });
  /** What is known of each address: the notice of a listed one, or null. */
  private readonly answers = new Map<string, Notice | null>();
  private readonly wanted = new Map<string, Set<Link>>();
  private readonly marks = new Map<Link, Mark>();
  private toMark: [Link, Notice][] = [];
  private readonly toAlign = new Set<Mark>();
  private asking = false;
  private failures = 0;
  private running = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private idle = 0;
  private readonly resized = new ResizeObserver(() => this.alignSoon());

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
    this.timer = undefined;
    this.idle = 0;
    this.wanted.clear();
    this.answers.clear();
    this.toMark = [];
    this.toAlign.clear();
    this.resized.disconnect();
    for (const mark of this.marks.values()) mark.remove();
    this.marks.clear();
  }

  private want(link: Link): boolean {
    const unknown: string[] = [];
    for (const href of addresses(link)) {
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
      if (links) links.add(link);
      else this.wanted.set(href, new Set([link]));
    }
    this.timer ??= setTimeout(() => void this.ask(), pause);
    return true;
  }

  private async ask(): Promise<void> {
    if (this.asking) return;
    this.asking = true;
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
    if (this.wanted.size > 0) this.timer = setTimeout(() => void this.ask(), this.failures > 0 ? Math.min(60_000, 1000 * 2 ** this.failures) : pause);
    if (this.wanted.size < maxWaiting / 2) this.links.resume();
  }

  private take(hrefs: string[], replies: (Notice | null)[]): void {
    hrefs.forEach((href, i) => {
      const answer = replies[i] ?? null;
      const links = this.wanted.get(href);
      this.wanted.delete(href);
      this.answers.set(href, answer);
      for (const link of links ?? []) {
        if (!link.isConnected || !addresses(link).includes(href)) continue;
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
    this.idle ||= requestIdleCallback(() => this.work(), { timeout: 200 });
  }

  /** Puts marks right and makes new ones, as many as there is time for and one at least. */
  private work(): void {
    this.idle = 0;
    const end = performance.now() + slice;
    if (this.toAlign.size > 0) this.align(end);
    else {
      do {
        const [next] = this.toMark.splice(0, 1);
        if (next) this.make(...next);
      } while (this.toMark.length > 0 && performance.now() < end);
    }
    if (this.toMark.length + this.toAlign.size > 0) this.workSoon();
  }

  private make(link: Link, notice: Notice): void {
    if (!link.isConnected || !addresses(link).includes(notice.href) || link.isContentEditable) return;
    this.unmark(link);
    // A post leads to its author by a picture, a name and a date: one mark is enough, at the name.
    if (!named(link) && siblings(link).some((other) => other.href === link.href && named(other))) return;
    const rival = this.inSameEntry(link, notice);
    if (rival && (named(rival.link) || !named(link))) return;
    if (rival) this.unmark(rival.link);
    const oldest = this.marks.size >= maxMarks ? this.marks.keys().next().value : undefined;
    if (oldest) {
      this.unmark(oldest);
      this.links.again(oldest);
    }
    this.marks.set(link, new Mark(link, notice, () => this.again()));
    const around = link.parentElement;
    if (around) this.resized.observe(around);
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
    if (link.parentElement) this.resized.unobserve(link.parentElement);
    // Another link of the entry may have gone without a mark because of this one.
    for (const other of siblings(link)) if (other.href === mark.notice.href) this.links.again(other);
  }

  /** Takes marks away whose links are gone, and puts back those that the page has removed, before the page is drawn. */
  private keep(): void {
    for (const [link, mark] of this.marks) {
      if (mark.isThere) {
        mark.keep();
        continue;
      }
      this.unmark(link);
      this.links.again(link); // when its row is put in once more
    }
  }

  /** Looks soon whether links have moved within their rows. */
  private alignSoon(): void {
    for (const mark of this.marks.values()) this.toAlign.add(mark);
    if (this.toAlign.size > 0) this.workSoon();
  }

  /** First looks at all that there is time for, then moves: the browser lays the page out once. */
  private align(end: number): void {
    const moves: (() => void)[] = [];
    for (const mark of this.toAlign) {
      this.toAlign.delete(mark);
      const offset = mark.drift();
      if (offset) moves.push(() => mark.move(offset));
      if (performance.now() >= end) break;
    }
    for (const move of moves) move();
  }
}

/** The other links of an entry. */
const siblings = (link: Link): Link[] => [...(link.closest(entry)?.querySelectorAll<Link>("a[href]") ?? [])].slice(0, maxSiblings).filter((other) => other !== link);

/** Whether a link has words, as against a picture alone. */
const named = (link: Link): boolean => (link.textContent ?? "").trim() !== "";

/** What a link leads to: its address, and what a shortened one says that it stands for. */
function addresses(link: Link): string[] {
  const { href } = link;
  if (!/^[a-z][a-z0-9+.-]*:/.test(href) || /^(javascript|data|blob|about):/.test(href)) return [];
  const shown = behind(link);
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
