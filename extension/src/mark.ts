// The mark beside a link to something listed. It stands in the row of the link, so that it goes where
// the row goes and is read out after the link; and it takes no room, so that nothing in the page moves.

import css from "../pages/mark.css";
import { style } from "./ext";
import { keepEvents, restore, styleText } from "./guarded";
import { entry, type Link } from "./links";
import type { Notice } from "./message";
import { h } from "./page";
import { explain } from "./reason";
import { direction, language, t } from "./text";

/** How often a mark is put back that the page takes away or changes. */
const maxRepairs = 50;

/** How far up from the link a place is looked for. */
const maxSteps = 6;

/** In px: a link so high is a picture, and its mark lies on it. */
const picture = 60;

export class Mark {
  private readonly host = document.createElement("khien-mark");
  private readonly button: HTMLButtonElement;
  /** What the mark stands behind: the link, or something around it. */
  private spot: Element;
  private css = "";
  /** How far the mark is from where the row would put it. */
  private offset: Point = { x: 0, y: 0 };
  /** Where the link was when the mark was put there. */
  private related = "";
  private repairs = 0;
  private readonly changes = new MutationObserver(() => this.tidy());

  constructor(
    readonly link: Link,
    readonly notice: Notice,
    withdrawn: () => void,
  ) {
    this.spot = link;
    const label = t(/^[a-z]+:/.test(notice.subject) ? "markAccount" : "markLink");
    this.button = h("button", { id: "mark", type: "button", lang: language(), dir: direction(), ariaExpanded: "false", ariaHasPopup: "dialog" }, label);
    this.button.ariaLabel = t("markAbout", label, notice.name);
    this.button.addEventListener("click", (event) => {
      event.preventDefault();
      if (event.isTrusted) explain(notice, label, this.button, withdrawn);
    });
    const root = this.host.attachShadow({ mode: "closed" });
    style(root, css);
    root.append(this.button);
    keepEvents(this.host);
    this.changes.observe(this.host, { attributes: true });
    this.place();
  }

  /** Whether the mark can be where it belongs: a row that was taken out is gone, or used for something else. */
  get isThere(): boolean {
    return this.link.isConnected;
  }

  /** Puts the mark back where it belongs, if the page has taken it away, but not for ever. */
  keep(): void {
    if (this.host.parentNode === this.spot.parentNode && this.spot.contains(this.link)) return;
    if (this.mayRepair()) this.place();
  }

  /** Undoes what the page has changed about the mark itself. */
  private tidy(): void {
    if (this.host.attributes.length === 1 && this.host.style.cssText === this.css) return;
    if (!this.mayRepair()) return;
    restore(this.host, this.css);
    this.changes.takeRecords();
  }

  private mayRepair(): boolean {
    if (++this.repairs > maxRepairs) this.remove();
    return this.repairs <= maxRepairs;
  }

  /** How far the mark should be from where the row would put it, if the link has moved within the row. Only looks. */
  drift(): Point | undefined {
    if (!this.host.isConnected) return undefined;
    const now = this.relation();
    if (now === this.related) return undefined;
    this.related = now;
    return this.aim().offset;
  }

  move(offset: Point): void {
    this.offset = offset;
    this.host.style.setProperty("transform", `translate(${offset.x}px, ${offset.y}px)`, "important");
    this.css = this.host.style.cssText;
    this.changes.takeRecords();
  }

  remove(): void {
    this.changes.disconnect();
    this.host.remove();
  }

  /** Stands the mark behind the link, or as far out as it takes to be seen whole and to change nothing in the page. */
  private place(): void {
    let best: Element | undefined;
    for (const spot of this.spots()) {
      const { same, whole } = this.stand(spot);
      if (same && whole) return;
      if (same) best ??= spot;
    }
    this.stand(best ?? this.link);
  }

  /** The places for the mark, the nearest first: never outside of the entry, which may move or be used again. */
  private *spots(): Iterable<Element> {
    const end = this.link.closest(entry) ?? document.body;
    let spot: Element = this.link.closest('[aria-hidden="true"]') ?? this.link;
    for (let step = 0; step < maxSteps && spot.parentElement && spot !== end; step++) {
      yield spot;
      spot = spot.parentElement;
    }
  }

  /** Stands the mark behind an element, and returns whether everything around is as it was and the mark is whole. */
  private stand(spot: Element): { same: boolean; whole: boolean } {
    this.host.remove();
    const around = [this.link, spot, spot.parentElement, spot.previousElementSibling, spot.nextElementSibling];
    const before = around.map(box);
    this.spot = spot;
    this.offset = { x: 0, y: 0 };
    restore(this.host, atRest);
    spot.after(this.host);
    const same = around.every((element, i) => box(element) === before[i]);
    const { offset, whole } = this.aim();
    this.related = this.relation();
    this.move(offset);
    return { same, whole };
  }

  /** Where the link is, beside where the row would put the mark; as text. */
  private relation(): string {
    const [link, host] = [this.link.getBoundingClientRect(), this.host.getBoundingClientRect()];
    const [x, y] = [link.left - host.left + this.offset.x, link.top - host.top + this.offset.y];
    return [x, y, link.width, link.height].map(Math.round).join(" ");
  }

  private aim(): { offset: Point; whole: boolean } {
    const [now, room] = [this.host.getBoundingClientRect(), this.room()];
    const { x, y } = this.target(room);
    const { offsetWidth: width, offsetHeight: height } = this.button;
    const whole = x >= room.left && x + width <= room.right && y >= room.top && y + height <= room.bottom;
    return { offset: { x: Math.round(this.offset.x + x - now.left), y: Math.round(this.offset.y + y - now.top) }, whole };
  }

  /** Where the mark belongs on the screen: at the end of the link, else below or above it; on it if it is a picture. */
  private target(room: Room): Point {
    const rects = this.link.getClientRects();
    const last = rects[rects.length - 1] ?? this.link.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = this.button;
    if (last.height > picture) return { x: last.left + 4, y: last.top + 4 };
    const toLeft = getComputedStyle(this.link).direction === "rtl";
    const beside = { x: toLeft ? last.left - 4 - width : last.right + 4, y: last.top + (last.height - height) / 2 };
    if (beside.x >= room.left && beside.x + width <= room.right) return beside;
    const x = Math.max(room.left, Math.min(toLeft ? last.right - width : last.left, room.right - width));
    const below = { x, y: last.bottom + 2 };
    return below.y + height <= room.bottom ? below : { x, y: Math.max(room.top, last.top - 2 - height) };
  }

  /** What is not cut off by anything around the mark. What scrolls up and down has as much room there as it needs. */
  private room(): Room {
    const room = { left: 0, top: -Infinity, right: document.documentElement.clientWidth, bottom: Infinity };
    const frame = this.host.offsetParent;
    // What lies between an element and its frame does not cut it off.
    let inside = frame === null;
    for (let element = this.host.parentElement; element && element !== document.body; element = element.parentElement) {
      inside ||= element === frame;
      const { overflowX, overflowY, contain } = getComputedStyle(element);
      const cuts = (inside && (overflowX !== "visible" || overflowY !== "visible")) || /paint|content|strict/.test(contain);
      if (!cuts) continue;
      const { left, top, right, bottom } = element.getBoundingClientRect();
      room.left = Math.max(room.left, left);
      room.right = Math.min(room.right, right);
      if (/auto|scroll/.test(overflowY) && element.scrollHeight > element.clientHeight) continue;
      room.top = Math.max(room.top, top);
      room.bottom = Math.min(room.bottom, bottom);
    }
    return room;
  }
}

type Point = { x: number; y: number };
type Room = { left: number; top: number; right: number; bottom: number };

/** Where an element is, as text. */
function box(element: Element | null): string {
  if (!element) return "";
  const { x, y, width, height } = element.getBoundingClientRect();
  return `${x} ${y} ${width} ${height}`;
}

const layout = "display: block !important; position: absolute !important; inline-size: 0 !important; block-size: 0 !important; z-index: 2147483647 !important;";
const atRest = styleText(layout);
