// The mark beside a link to something listed. It stands in the row of the link, so that it goes where
// the row goes and is read out after the link; and it takes no room, so that nothing in the page moves.

import css from "../pages/mark.css";
import { inside, keepEvents } from "./guarded";
import { enclosing, entry, isShown, outermost, type Link } from "./links";
import type { Notice } from "./message";
import { h } from "./page";
import { explain } from "./reason";
import { direction, language, t } from "./text";
import { whatIs } from "./what";

/** How often a mark is put back that the page takes away or changes. */
const maxRepairs = 50;

/** How far up from the link a place is looked for. */
const maxSteps = 6;

/** In px: a link so high is a picture, and its mark lies on it. */
const picture = 60;

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
  private repairs = 0;
  private readonly changes = new MutationObserver(() => this.tidy());

  /** Makes a mark, which stands nowhere yet. Only looks at the page. */
  constructor(
    readonly link: Link,
    readonly notice: Notice,
    withdrawn: () => void,
  ) {
    this.body = (link.ownerDocument === document ? spare.pop() : undefined) ?? new Body(link.ownerDocument);
    this.label = t(whatIs(notice.subject) === "account" ? "markAccount" : "markLink");
    this.body.say(this.label, t("markAbout", this.label, notice.name), () => explain(notice, this.label, this.button, withdrawn));
    this.changes.observe(this.host, { attributes: true });
    this.spot = this.choose() ?? outermost(link);
    this.isOnTrial = !isProven(this.spot, link);
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
   * Puts the mark in; it is not where it belongs until it is settled. On trial it shows nothing at first: what a style sheet
   * makes of one element more is seen then, too, and as long as nothing changes the page is not laid out for it.
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
    if (++this.repairs > maxRepairs) this.remove();
    return this.repairs <= maxRepairs;
  }

  /** Takes the mark away for good. */
  remove(): void {
    this.changes.disconnect();
    this.host.remove();
    // Nobody has touched it, and nothing stands open at it.
    if (this.repairs === 0 && this.button.ariaExpanded === "false" && spare.length < maxSpare && this.body.root.ownerDocument === document) spare.push(this.body);
    this.repairs = Infinity;
  }

  /**
   * Looks where the mark is and should be; what is to be done about it comes back, so that all marks are looked at
   * before the first is moved. To be called when the page is laid out, and before it is drawn if the mark is new.
   */
  settle(): (() => void) | undefined {
    if (!this.host.isConnected) return undefined;
    if (this.before !== undefined) {
      const { before } = this;
      this.before = undefined;
      const now = before.boxes();
      if (now !== before.were) return () => this.tryOthers(before, now);
      note(before.shape, (done.get(before.shape) ?? 0) + 1);
    }
    const now = this.relation();
    if (now === this.related) return undefined;
    this.related = now;
    return this.aim();
  }

  /** The page is not as it was before the mark came: if that is the mark's doing it goes elsewhere, and the page is laid out for each try. */
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
   * The place for the mark: the nearest where it is seen whole, else the nearest, of those that are not known to change
   * the page. Never outside of the entry, which may move or be used again.
   */
  private choose(): Element | undefined {
    const end = frameOf(this.link);
    const nearest = outermost(this.link);
    const { width, height } = sizes.get(this.label) ?? { width: Math.min(200, 20 + 8 * this.label.length), height: 26 };
    let best: Element | undefined;
    let spot: Element = nearest.closest('[aria-hidden="true"]') ?? nearest;
    for (let step = 0; step < maxSteps && spot.parentElement && spot !== end; step++) {
      if (!isUnfit(spot, this.link)) {
        const room = roomIn(spot);
        const { x, y } = this.target(room, width, height);
        if (x >= room.left && x + width <= room.right && y >= room.top && y + height <= room.bottom) return spot;
        best ??= spot;
      }
      spot = spot.parentElement;
    }
    return best;
  }

  /** Where the link is, seen from the mark before it is moved; as text. */
  private relation(): string {
    const [link, host] = [this.link.getBoundingClientRect(), this.host.getBoundingClientRect()];
    return [link.left - host.left, link.top - host.top, link.width, link.height].map(Math.round).join(" ");
  }

  /** How the mark gets to where it belongs. */
  private aim(): () => void {
    const { offsetWidth } = this.button;
    const { width, height } = this.button.getBoundingClientRect();
    if (width > 0) sizes.set(this.label, { width, height });
    const { left, top } = this.host.getBoundingClientRect();
    const { x, y } = this.target(roomIn(this.host), width, height);
    // What the page draws larger or smaller it moves further or less far, too. A width is rounded, which is no scale.
    const scale = Math.abs(width - offsetWidth) > 1 ? width / offsetWidth : 1;
    const transform = `translate(${Math.round((x - left) / scale)}px, ${Math.round((y - top) / scale)}px)`;
    return () => void (this.button.style.transform = transform);
  }

  /** Where the mark belongs on the screen: at the end of the link, else below or above it; on it if it is a picture. */
  private target(room: Room, width: number, height: number): Point {
    const rects = this.link.getClientRects();
    const last = rects[rects.length - 1] ?? this.link.getBoundingClientRect();
    if (last.height > picture) return { x: last.left + 4, y: last.top + 4 };
    const toLeft = getComputedStyle(this.link).direction === "rtl";
    const beside = { x: toLeft ? last.left - 4 - width : last.right + 4, y: last.top + (last.height - height) / 2 };
    if (beside.x >= room.left && beside.x + width <= room.right) return beside;
    const x = Math.max(room.left, Math.min(toLeft ? last.right - width : last.left, room.right - width));
    const below = { x, y: last.bottom + 2 };
    return below.y + height <= room.bottom ? below : { x, y: Math.max(room.top, last.top - 2 - height) };
  }
}

/** What of a mark can be used again: rows of a feed are, and a mark that is made anew costs more than all else about it. */
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
      if (event.isTrusted) this.pressed();
    });
  }

  say(label: string, spoken: string, pressed: () => void): void {
    this.pressed = pressed;
    const { button } = this;
    if (button.textContent !== label) Object.assign(button, { textContent: label, lang: language(), dir: direction() });
    button.ariaLabel = spoken;
    button.ariaExpanded = "false";
    button.style.transform = "";
  }
}

const spare: Body[] = [];
const maxSpare = 20;

type Point = { x: number; y: number };
type Room = { left: number; top: number; right: number; bottom: number };

/** How large a mark is, by its label, once one has been drawn. */
const sizes = new Map<string, { width: number; height: number }>();

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

/** What is not cut off by anything around a mark that is put beside an element. What scrolls up and down has as much room there as it needs. */
function roomIn(beside: Element): Room {
  const { body, documentElement: page } = beside.ownerDocument;
  const room = { left: 0, top: -Infinity, right: page.clientWidth, bottom: Infinity };
  // What lies between the mark and what it is placed by does not cut it off.
  let inside = false;
  for (let element = enclosing(beside); element && element !== body; element = enclosing(element)) {
    const { places, cuts, paints, scrolls } = roleOf(element);
    inside ||= places;
    if (!paints && !(inside && cuts)) continue;
    const { left, top, right, bottom } = element.getBoundingClientRect();
    room.left = Math.max(room.left, left);
    room.right = Math.min(room.right, right);
    if (scrolls && element.scrollHeight > element.clientHeight) continue;
    room.top = Math.max(room.top, top);
    room.bottom = Math.min(room.bottom, bottom);
  }
  return room;
}

/** What an element does to what is placed in it, by its styles. */
interface Role {
  /** What is placed absolutely goes by it. */
  places: boolean;
  /** It cuts off what it places, or all that is in it. */
  cuts: boolean;
  paints: boolean;
  scrolls: boolean;
}

/** The styles around a feed are asked for with each of its marks, and hardly change: they are looked at once in a while, in ms. */
const lasting = 10_000;
let roles = new WeakMap<Element, Role>();
let rolesSince = 0;

function roleOf(element: Element): Role {
  if (performance.now() - rolesSince > lasting) [roles, rolesSince] = [new WeakMap(), performance.now()];
  const known = roles.get(element);
  if (known) return known;
  // Each look at a style has its price.
  const styles = getComputedStyle(element);
  const { overflowY } = styles;
  const paints = /paint|content|strict/.test(styles.contain);
  const places = paints || styles.position !== "static" || styles.transform !== "none" || styles.filter !== "none" || /transform|filter/.test(styles.willChange);
  const role = { places, paints, cuts: overflowY !== "visible" || styles.overflowX !== "visible", scrolls: /auto|scroll/.test(overflowY) };
  roles.set(element, role);
  return role;
}
