// The mark beside a link to something listed. It stands in the row of the link, so that it goes where
// the row goes and is read out after the link; and it takes no room, so that nothing in the page moves.

import css from "../../pages/mark.css";
import { inside, keepEvents } from "./guarded";
import { entry, isShown, outermost, type Link } from "./links";
import { ask, type Notice } from "../shared/message";
import { h, isolated } from "../shared/page";
import { isPersons } from "../shared/press";
import { firstPlace, fits, isFree, nearTo, places, roomIn, seen, surrounding, type Box, type Look, type Place, type Seen, type Sizes, type Surrounding } from "./room";
import { direction, language, t } from "../shared/text";
import { whatIs } from "../shared/what";

/**
 * How often a mark is put back at once that the page takes away or changes, and then after each rest, which is twice as
 * long every time; in ms.
 */
const maxRepairs = 50;
const repairsAfterRest = 10;
const rest = { first: 1000, longest: 60_000 };

/** How far up from the link a place is looked for. */
const maxSteps = 6;

/** How often a mark that something else lies over is put elsewhere. */
const maxCovered = 3;

export class Mark {
  private readonly body;
  private readonly label: string;
  /** What the mark stands behind: the link, or something around it. */
  private spot: Element;
  /** Whether it must be seen yet that the mark changes nothing in the page where it stands. */
  readonly isOnTrial: boolean;
  /** How everything around that spot was before the mark was put there, until that has been compared. */
  private before: Surroundings | undefined;
  /** Where the link was, beside the mark, when the mark was last moved to it. */
  private related = "";
  /** Where the mark belongs, seen from the link, and how it looks there. */
  private plan: Plan | undefined;
  private repairs = 0;
  private rests = 0;
  private resting: ReturnType<typeof setTimeout> | undefined;
  private removed = false;
  private covered = 0;
  private readonly changes = new MutationObserver(() => this.tidy());

  /** Makes a mark, which stands nowhere yet. Only looks at the page. */
  constructor(
    readonly link: Link,
    readonly notice: Notice,
    shown: Seen,
  ) {
    this.body = (link.ownerDocument === document ? spare.pop() : undefined) ?? new Body(link.ownerDocument);
    this.label = t(whatIs(notice.subject) === "account" ? "markAccount" : "markLink");
    this.body.say(this.label, t("markAbout", this.label, isolated(notice.name)), () => void ask("feed.why", { href: notice.href }));
    this.changes.observe(this.host, { attributes: true });
    atHost.set(this.host, this);
    this.spot = this.choose(shown) ?? outermost(link);
    this.isOnTrial = !isProven(this.spot, link);
    pending.add(this);
  }

  get button(): HTMLButtonElement {
    return this.body.button;
  }

  private get host(): HTMLElement {
    return this.body.host;
  }

  /** Whether the mark can be where it belongs: a row that was taken out is gone, or used for something else. */
  get isThere(): boolean {
    return isShown(this.link);
  }

  /**
   * Puts the mark in; it is not where it belongs until it is settled. On trial it shows nothing at first: what a style
   * sheet makes of one element more is seen then, too, and as long as nothing changes the page is not laid out for it.
   */
  stand(): void {
    if (!this.isOnTrial) return this.putIn();
    this.host.hidden = true;
    const before = new Surroundings(this.spot, this.link);
    this.putIn();
    if (before.boxes() === before.were) this.before = before;
    else this.goElsewhere();
    this.host.hidden = false;
  }

  /** Takes a mark that has changed the page to the first place where it does not, or to its link. */
  private goElsewhere(): void {
    this.host.remove();
    this.spot = this.firstFit() ?? outermost(this.link);
    this.putIn();
  }

  private putIn(): void {
    this.spot.after(this.host);
  }

  /** What the mark stands in. Only what changes in there moves the link away from the mark. */
  get container(): Node | null {
    return this.host.parentNode;
  }

  /** Puts the mark back where it belongs, if the page has taken it away, but not for ever. Whether it did. */
  keep(): boolean {
    if (this.host.parentNode === this.spot.parentNode && this.spot.contains(this.link)) return false;
    if (!this.mayRepair()) return false;
    if (!this.spot.isConnected || !this.spot.contains(this.link)) this.spot = outermost(this.link);
    this.related = "";
    this.putIn();
    return true;
  }

  /** Undoes what the page has changed about the mark itself. */
  private tidy(): void {
    if (this.host.attributes.length === 0 || !this.mayRepair()) return;
    for (const { name } of [...this.host.attributes]) this.host.removeAttribute(name);
    this.changes.takeRecords();
  }

  private mayRepair(): boolean {
    if (this.resting !== undefined || this.removed) return false;
    if (++this.repairs <= maxRepairs) return true;
    // A page that takes marks away for ever is not fought for ever, and one that draws a row anew and anew keeps its
    // mark.
    this.host.remove();
    this.resting = setTimeout(
      () => {
        this.resting = undefined;
        this.repairs = maxRepairs - repairsAfterRest;
        this.keep();
      },
      Math.min(rest.longest, rest.first * 2 ** this.rests++),
    );
    return false;
  }

  /** Takes the mark away for good. */
  remove(): void {
    this.removed = true;
    clearTimeout(this.resting);
    pending.delete(this);
    this.changes.disconnect();
    this.host.remove();
    // Nobody has touched it.
    if (this.repairs === 0 && spare.length < maxSpare && this.body.root.ownerDocument === document) spare.push(this.body);
  }

  /**
   * Looks where the mark is and should be; what is to be done about it comes back, so that all marks are looked at
   * before the first is moved. To be called when the page is laid out, and before it is drawn if the mark is new.
   */
  settle(anew = false): (() => void) | undefined {
    if (!this.host.isConnected) return undefined;
    if (this.before !== undefined) {
      const { before } = this;
      this.before = undefined;
      const now = before.boxes();
      if (now !== before.were) return () => this.tryOthers(before, now);
      note(before.shape, (done.get(before.shape) ?? 0) + 1);
    }
    const now = this.relation();
    if (now === this.related && !anew) return undefined;
    if (anew || this.related !== "") this.replan();
    this.related = now;
    return this.aim();
  }

  /**
   * Puts a mark elsewhere that is in view and that something else lies over. To be called when the page is laid out and
   * nothing moves.
   */
  uncover(): void {
    if (!this.host.isConnected || this.covered >= maxCovered) return;
    const { left, top, right, bottom } = this.button.getBoundingClientRect();
    const root = this.host.getRootNode() as Document | ShadowRoot;
    const found = root.elementFromPoint((left + right) / 2, (top + bottom) / 2);
    if (!found || found === this.host) return;
    this.covered++;
    note(shape(this.spot, this.link), something);
    this.goElsewhere();
    this.related = this.relation();
    this.aim()();
  }

  /**
   * The page is not as it was before the mark came: if that is the mark's doing it goes elsewhere, and the page is laid
   * out for each try.
   */
  private tryOthers(before: Surroundings, now: string): void {
    this.host.remove();
    if (before.boxes() !== now) this.goElsewhere();
    else this.putIn();
    this.related = this.relation();
    this.aim()();
  }

  private firstFit(): Element | undefined {
    for (let tries = 0; tries < maxSteps; tries++) {
      note(shape(this.spot, this.link), something);
      const spot = this.choose();
      if (!spot) break;
      this.spot = spot;
      const before = new Surroundings(spot, this.link);
      this.putIn();
      if (before.boxes() === before.were) return spot;
      this.host.remove();
    }
    return undefined;
  }

  /**
   * The place for the mark: where it covers nothing and is seen whole, the best for the link and then the nearest, of
   * those that are not known to change the page. Never outside of the entry, which may move or be used again.
   */
  private choose(shown = seen(this.link)): Element | undefined {
    if (!shown) return undefined;
    const end = frameOf(this.link);
    const nearest = outermost(this.link);
    const spots: Element[] = [];
    let spot: Element | null = nearest.closest('[aria-hidden="true"]') ?? nearest;
    for (let step = 0; step < maxSteps && spot && spot !== end; step++, spot = spot.parentElement) if (!isUnfit(spot, this.link)) spots.push(spot);
    const rooms = spots.map(() => undefined as Box | undefined);
    const roomAt = (i: number): Box => (rooms[i] ??= roomIn(spots[i] as Element));
    // As a rule there is nothing beside a name, and little is to be looked at.
    const first = this.best(shown);
    for (let i = 0; first && i < spots.length; i++) {
      if (!fits(first, roomAt(i))) continue;
      this.plan = this.planned(first);
      return spots[i];
    }
    const possible = this.possible(shown);
    for (const place of possible) {
      const at = spots.findIndex((_, i) => fits(place, roomAt(i)));
      if (at < 0) continue;
      this.plan = this.planned(place);
      return spots[at];
    }
    const last = possible.at(-1);
    this.plan = last && this.planned(last);
    return spots[0];
  }

  /** As choose, for a mark that stays where it stands in the page. */
  private replan(): void {
    const shown = seen(this.link);
    if (!shown) return;
    const room = roomIn(this.host);
    const first = this.best(shown);
    if (first && fits(first, room)) return void (this.plan = this.planned(first));
    const possible = this.possible(shown);
    const place = possible.find((one) => fits(one, room)) ?? possible.at(-1);
    if (place) this.plan = this.planned(place);
  }

  /** The best place, if it is free. */
  private best(shown: Seen): Place | undefined {
    const first = firstPlace(shown, this.toLeft, sizesOf(this.label));
    return first && isFree(first, this.around(first)) ? first : undefined;
  }

  private possible(shown: Seen): Place[] {
    return places(shown, this.toLeft, sizesOf(this.label), this.around(nearTo(shown)));
  }

  private get toLeft(): boolean {
    return getComputedStyle(this.link).direction === "rtl";
  }

  private around(near: Box): Surrounding {
    const found = surrounding(this.link, near, (host) => (host === this.host ? undefined : atHost.get(host)?.box()));
    for (const mark of pending) if (mark !== this) found.boxes.push(mark.box());
    return found;
  }

  private planned({ look, left, top }: Place): Plan {
    const link = this.link.getBoundingClientRect();
    return { look, x: left - link.left, y: top - link.top };
  }

  /** Where the mark is, or will be once it is settled. */
  private box(): Box {
    if (!this.plan || this.related !== "") return this.button.getBoundingClientRect();
    const link = this.link.getBoundingClientRect();
    const { width, height } = sizesOf(this.label)[this.plan.look];
    const [left, top] = [link.left + this.plan.x, link.top + this.plan.y];
    return { left, top, right: left + width, bottom: top + height };
  }

  /** Where the link is, seen from the mark before it is moved; as text. */
  private relation(): string {
    const [link, host] = [this.link.getBoundingClientRect(), this.host.getBoundingClientRect()];
    return [link.left - host.left, link.top - host.top, link.width, link.height].map(Math.round).join(" ");
  }

  /** How the mark gets to where it belongs. */
  private aim(): () => void {
    const { offsetWidth, dataset } = this.button;
    const { width, height } = this.button.getBoundingClientRect();
    if (width > 0 && !dataset["look"]) {
      const { full } = sizesOf(this.label);
      sizes.set(this.label, { width, height, scale: Math.abs(width - offsetWidth) > 1 ? width / offsetWidth : 1 });
      // It was planned for another size: the first one of all, or where the page draws larger.
      if (Math.abs(full.width - width) > 1 || Math.abs(full.height - height) > 1) this.replan();
    }
    const { left, top } = this.host.getBoundingClientRect();
    const link = this.link.getBoundingClientRect();
    const { look, x, y } = this.plan ?? { look: "tiny", x: 0, y: 0 };
    // What the page draws larger or smaller it moves further or less far, too. A width is rounded, which is no scale.
    const scale = Math.abs(width - offsetWidth) > 1 ? width / offsetWidth : 1;
    pending.delete(this);
    const transform = `translate(${Math.round((x + link.left - left) / scale)}px, ${Math.round((y + link.top - top) / scale)}px)`;
    return () => {
      this.button.style.transform = transform;
      if (look === "full") delete dataset["look"];
      else dataset["look"] = look;
    };
  }
}

/** Where a mark belongs, seen from its link. */
interface Plan {
  look: Look;
  x: number;
  y: number;
}

/** The marks by what stands in the page, and those that have not come to their places yet. */
const atHost = new WeakMap<Element, Mark>();
const pending = new Set<Mark>();

/**
 * What of a mark can be used again: rows of a feed are, and a mark that is made anew costs more than all else about it.
 */
class Body {
  readonly root;
  readonly host;
  readonly button = h("button", { id: "mark", type: "button", ariaHasPopup: "dialog" });
  private pressed = (): void => undefined;

  constructor(page: Document) {
    this.root = inside("khien-mark", css, page);
    this.host = this.root.host as HTMLElement;
    this.root.append(this.button);
    keepEvents(this.host);
    this.button.addEventListener("click", (event) => {
      event.preventDefault();
      if (isPersons(event)) this.pressed();
    });
  }

  say(label: string, spoken: string, pressed: () => void): void {
    this.pressed = pressed;
    const { button } = this;
    if (button.textContent !== label) Object.assign(button, { textContent: label, lang: language(), dir: direction() });
    button.ariaLabel = spoken;
    button.style.transform = "";
    delete button.dataset["look"];
  }
}

const spare: Body[] = [];
const maxSpare = 20;

/** How large a mark is, by its label, once one has been drawn. The others are as mark.css has them. */
const sizes = new Map<string, { width: number; height: number; scale: number }>();
const small = { short: { width: 24, height: 24 }, tiny: { width: 14, height: 11 } };

function sizesOf(label: string): Sizes {
  const full = sizes.get(label) ?? { width: Math.min(200, 20 + 8 * label.length), height: 26, scale: 1 };
  const scaled = ({ width, height }: { width: number; height: number }) => ({ width: full.scale * width, height: full.scale * height });
  return { full, short: scaled(small.short), tiny: scaled(small.tiny) };
}

/** The entry that a link is in. */
const frameOf = (link: Link): Element => link.closest(entry) ?? link.ownerDocument.body ?? link;

/** Everything that a mark behind a spot could move. */
class Surroundings {
  private readonly elements: Element[];
  private readonly frame: Element;
  /** Where it all was at first, and what it looks like to a style sheet. */
  readonly were: string;
  readonly shape: string;

  constructor(spot: Element, link: Link) {
    this.frame = frameOf(link);
    const elements = new Set([link, spot, spot.parentElement, spot.previousElementSibling, spot.nextElementSibling]);
    this.elements = [...elements].filter((element) => element !== null);
    this.were = this.boxes();
    this.shape = shape(spot, link);
  }

  /** Where it all is now, seen from the entry, which may scroll; as text. */
  boxes(): string {
    const { x, y } = this.frame.getBoundingClientRect();
    const finely = (length: number) => Math.round(64 * length);
    return this.elements
      .map((element) => {
        const box = element.getBoundingClientRect();
        return [box.x - x, box.y - y, box.width, box.height].map(finely).join(" ");
      })
      .join();
  }
}

/**
 * What marks have done to the page, by shape, for the posts of a feed are alike: how often they have changed nothing
 * there, or that they have changed something.
 */
const done = new Map<string, number>();
const something = -1;
const maxShapes = 1000;

/** How often a mark must have changed nothing to be trusted not to. */
const proof = 3;

const isUnfit = (spot: Element, link: Link): boolean => done.size > 0 && done.get(shape(spot, link)) === something;

const isProven = (spot: Element, link: Link): boolean => (done.get(shape(spot, link)) ?? 0) >= proof;

function note(found: string, value: number): void {
  if (done.size >= maxShapes) done.clear();
  done.set(found, value);
}

/** What a style sheet goes by as a rule: elements and classes around, and what is the first or the last. */
function shape(spot: Element, link: Link): string {
  const end = frameOf(link).parentElement;
  let found = `${named(spot.previousElementSibling)}|${named(spot.nextElementSibling)}`;
  for (let element: Element | null = spot; element && element !== end; element = element.parentElement) found += ` ${named(element)}`;
  return found;
}

const named = (element: Element | null): string => (element ? `${element.localName}.${element.getAttribute("class") ?? ""}` : "");
