// Where there is room for a mark: what of a link can be seen, what stands around it, and places beside it where
// nothing is covered. Only looks at the page.

import { enclosing, type Link } from "./links";

export interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** What of a link can be seen: its lines of words, or a picture. */
export interface Seen {
  lines: Box[];
  picture: Box | undefined;
}

/** In px: what is smaller cannot be seen. */
const least = 4;

/** How many texts of a link are looked at, and how many nodes and boxes around it. */
const maxTexts = 30;
const maxNodes = 400;
const maxBoxes = 120;

/** How far around a link it is looked for room, in px, and how far up from it for what stands there. */
const reach = { x: 360, y: 40 };
const maxAround = 8;

/** What holds more is a list of entries, of which one is looked at. */
const maxInList = 30;

/** By how much a mark may reach over something, in px, in both directions. */
const over = 3;

const pictures = new Set(["img", "svg", "canvas", "video", "image", "picture", "iframe"]);
const controls = new Set(["button", "input", "select", "textarea"]);

const width = (box: Box): number => box.right - box.left;
const height = (box: Box): number => box.bottom - box.top;

const cut = (box: Box, by: Box): Box => ({
  left: Math.max(box.left, by.left),
  top: Math.max(box.top, by.top),
  right: Math.min(box.right, by.right),
  bottom: Math.min(box.bottom, by.bottom),
});

const meets = (a: Box, b: Box): boolean => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

const isSeen = (box: Box): boolean => width(box) >= least && height(box) >= least && box.right + scrollX > 0 && box.bottom + scrollY > 0;

/** Whether a link has words, as against a picture alone. */
export const hasWords = (link: Element): boolean => (link.textContent ?? "").trim() !== "";

/** What of a link can be seen on the page, be it scrolled to or not; undefined if nothing. */
export function seen(link: Link): Seen | undefined {
  if (!link.checkVisibility({ opacityProperty: true, visibilityProperty: true }) && !isContents(link)) return undefined;
  const lines: Box[] = [];
  const page = link.ownerDocument;
  const range = page.createRange();
  const texts = page.createTreeWalker(link, NodeFilter.SHOW_TEXT);
  for (let i = 0; i < maxTexts && texts.nextNode(); i++) {
    const { currentNode } = texts;
    const parent = currentNode.parentElement;
    if (!parent || (currentNode.nodeValue ?? "").trim() === "") continue;
    const room = clipOf(parent);
    if (!room) continue;
    range.selectNodeContents(currentNode);
    for (const rect of range.getClientRects()) {
      const line = cut(rect, room);
      if (!isSeen(line)) continue;
      const last = lines.at(-1);
      const goesOn = last && Math.min(last.bottom, line.bottom) - Math.max(last.top, line.top) > Math.min(height(last), height(line)) / 2;
      if (goesOn) lines[lines.length - 1] = { left: Math.min(last.left, line.left), top: Math.min(last.top, line.top), right: Math.max(last.right, line.right), bottom: Math.max(last.bottom, line.bottom) };
      else lines.push(line);
    }
  }
  const picture = pictureOf(link, lines.length === 0);
  return lines.length > 0 || picture ? { lines, picture } : undefined;
}

const isContents = (element: Element): boolean => getComputedStyle(element).display === "contents";

function pictureOf(link: Link, alone: boolean): Box | undefined {
  let best: Box | undefined;
  const size = (box: Box | undefined): number => (box ? width(box) * height(box) : 0);
  const consider = (element: Element): void => {
    const room = clipOf(element);
    const box = room && cut(element.getBoundingClientRect(), room);
    if (box && isSeen(box) && size(box) > size(best)) best = box;
  };
  let count = 0;
  for (const element of link.getElementsByTagName("*")) {
    if (++count > maxTexts) break;
    if (pictures.has(element.localName)) consider(element);
  }
  if (!best && alone) consider(link);
  return best;
}

/** What is not cut off of the content of an element; undefined if nothing of it is shown. */
function clipOf(element: Element): Box | undefined {
  const { body } = element.ownerDocument;
  let room: Box = { left: -Infinity, top: -Infinity, right: Infinity, bottom: Infinity };
  // What is placed absolutely is not cut off by what lies between it and what it is placed by.
  let beyond = false;
  for (let at: Element | null = element; at && at !== body; at = enclosing(at)) {
    const role = roleOf(at);
    if (role.hides) return undefined;
    beyond &&= !role.places;
    if (beyond) continue;
    if (role.cuts || role.paints) {
      const box = at.getBoundingClientRect();
      const scrolls = role.scrolls && at.scrollHeight > at.clientHeight;
      const aside = role.scrolls && at.scrollWidth > at.clientWidth;
      room = cut(room, { left: aside ? -Infinity : box.left, right: aside ? Infinity : box.right, top: scrolls ? -Infinity : box.top, bottom: scrolls ? Infinity : box.bottom });
    }
    if (role.fixed) break;
    beyond = role.absolute;
  }
  return room;
}

/**
 * What stands around a link: what a mark must not cover, that is words, pictures and what can be pressed, and how far
 * was looked. Of the link itself, words alone.
 */
export interface Surrounding {
  boxes: Box[];
  known: Box;
}

/** What stands within a box around a link. */
export function surrounding(link: Link, near: Box, markAt: (host: Element) => Box | undefined): Surrounding {
  const page = link.ownerDocument;
  let around: Element = link;
  let known = near;
  for (let step = 0; step < maxAround; step++) {
    const next = enclosing(around);
    if (!next || next === page.documentElement) break;
    if (next.childElementCount > maxInList) {
      known = cut(near, around.getBoundingClientRect());
      break;
    }
    around = next;
    const { left, top, right, bottom } = around.getBoundingClientRect();
    if (top <= near.top && bottom >= near.bottom && left <= Math.max(0, near.left) && right >= Math.min(page.documentElement.clientWidth, near.right)) break;
  }
  const found: Box[] = [];
  const range = page.createRange();
  let count = 0;
  const walk = (node: Node): void => {
    for (let child = node.firstChild; child && count < maxNodes && found.length < maxBoxes; child = child.nextSibling) {
      count++;
      if (child.nodeType === Node.TEXT_NODE) {
        if ((child.nodeValue ?? "").trim() === "") continue;
        range.selectNodeContents(child);
        let room: Box | undefined | null = null;
        for (const rect of range.getClientRects()) {
          if (!meets(rect, near)) continue;
          room ??= child.parentElement ? clipOf(child.parentElement) : undefined;
          if (room) found.push(cut(rect, room));
        }
      } else if (child.nodeType === Node.ELEMENT_NODE) visit(child as Element);
    }
  };
  const visit = (element: Element): void => {
    const { localName } = element;
    if (localName === "khien-mark") {
      const box = markAt(element);
      if (box && meets(box, near)) found.push(box);
      return;
    }
    const box = element.getBoundingClientRect();
    const nowhere = box.width <= 1 || box.height <= 1;
    if (!nowhere && !meets(box, near)) return;
    if (nowhere && (box.width === 1 || box.height === 1)) return; // for a screen reader alone
    const holds = element.contains(link);
    if (!holds && (pictures.has(localName) || controls.has(localName) || element.getAttribute("role") === "button")) {
      if (!nowhere && !link.contains(element)) found.push(box);
      return;
    }
    if (element.shadowRoot) walk(element.shadowRoot);
    walk(element);
  };
  walk(around);
  return { boxes: found, known };
}

/** Around what can be seen of a link, as far as a mark may stand from it. */
export function nearTo({ lines, picture }: Seen): Box {
  const boxes = lines.length > 0 || !picture ? lines : [picture];
  return {
    left: Math.min(...boxes.map(({ left }) => left)) - reach.x,
    top: Math.min(...boxes.map(({ top }) => top)) - reach.y,
    right: Math.max(...boxes.map(({ right }) => right)) + reach.x,
    bottom: Math.max(...boxes.map(({ bottom }) => bottom)) + reach.y,
  };
}

/** The best place of all, if nothing stands there: beside the first words, with words. */
export function firstPlace({ lines: [first] }: Seen, toLeft: boolean, { full }: Sizes): Place | undefined {
  if (!first) return undefined;
  const left = toLeft ? first.left - gap - full.width : first.right + gap;
  const top = (first.top + first.bottom - full.height) / 2;
  return { look: "full", left, top, right: left + full.width, bottom: top + full.height };
}

/** Whether nothing that is known to stand around is covered there. */
export const isFree = (place: Place, { boxes, known }: Surrounding): boolean => fits(place, known) && inWayOf(place, boxes).length === 0;

const inWayOf = (place: Place, boxes: Box[]): Box[] =>
  boxes.filter((box) => Math.min(place.right, box.right) - Math.max(place.left, box.left) > over && Math.min(place.bottom, box.bottom) - Math.max(place.top, box.top) > over);

/** How a mark looks: with words, as a sign, or as a small sign between two lines. */
export type Look = "full" | "short" | "tiny";

export type Sizes = Record<Look, { width: number; height: number }>;

/** A place for a mark, and how it looks there. */
export interface Place extends Box {
  look: Look;
}

/** In px: beside a link, and the size from which on a picture takes a mark with words. */
const gap = 4;
const large = 60;

/** Places for a mark, the best first, none of which covers anything but the last ones, on the link itself. */
export function places({ lines, picture }: Seen, toLeft: boolean, sizes: Sizes, around: Surrounding): Place[] {
  const found: Place[] = [];
  const at = (look: Look, left: number, top: number): Place => ({ look, left, top, right: left + sizes[look].width, bottom: top + sizes[look].height });
  const offer = (place: Place): void => {
    if (isFree(place, around)) found.push(place);
  };
  const middle = (line: Box, look: Look): number => (line.top + line.bottom - sizes[look].height) / 2;
  const beside = (line: Box, look: Look): Place => at(look, toLeft ? line.left - gap - sizes[look].width : line.right + gap, middle(line, look));
  /** Behind what else stands in the line. */
  const behind = (line: Box, look: Look): void => {
    let place = beside(line, look);
    for (let tries = 0; tries < 6; tries++) {
      const inWay = inWayOf(place, around.boxes);
      if (inWay.length === 0) break;
      const next = toLeft ? Math.min(...inWay.map(({ left }) => left)) - gap - sizes[look].width : Math.max(...inWay.map(({ right }) => right)) + gap;
      place = at(look, next, place.top);
    }
    if ((toLeft ? line.left - place.right : place.left - line.right) <= reach.x - sizes[look].width) offer(place);
  };
  const [first] = lines;
  const last = lines.at(-1);
  if (first && last) {
    const start = (look: Look): number => (toLeft ? first.right - sizes[look].width : first.left);
    const above = (look: Look): Place => at(look, start(look), first.top - 2 - sizes[look].height);
    const below = (look: Look): Place => at(look, start(look), last.bottom + 2);
    for (const line of lines) offer(beside(line, "full"));
    for (const line of lines) behind(line, "full");
    for (const line of lines) offer(beside(line, "short"));
    offer(below("full"));
    offer(above("full"));
    for (const line of lines) behind(line, "short");
    offer(at("short", toLeft ? first.right + gap : first.left - gap - sizes.short.width, middle(first, "short")));
    offer(below("short"));
    offer(above("short"));
    offer(at("short", toLeft ? first.left : first.right - sizes.short.width, first.top - sizes.short.height));
  }
  if (picture) {
    const isLarge = height(picture) > large && width(picture) >= sizes.full.width + 8;
    if (isLarge) {
      offer(at("full", picture.left + gap, picture.top + gap));
      offer(at("full", picture.left + gap, picture.bottom - gap - sizes.full.height));
    }
    for (const left of [picture.right - sizes.short.width, picture.left]) for (const top of [picture.bottom - sizes.short.height, picture.top]) offer(at("short", left, top));
    if (!first) offer(beside(picture, "full"));
    if (!first) offer(beside(picture, "short"));
  }
  if (first && last) {
    const { width: w, height: h } = sizes.tiny;
    for (const line of [last, first]) {
      offer(at("tiny", toLeft ? line.left - w / 2 : line.right - w / 2, line.bottom - over));
      offer(at("tiny", toLeft ? line.left - w / 2 : line.right - w / 2, line.top + over - h));
      offer(at("tiny", line.left, line.bottom - over));
      offer(at("tiny", line.left, line.top + over - h));
    }
    // Nothing is free: rather on the link itself than on what others say.
    found.push(at("tiny", toLeft ? last.left : last.right - w, (last.top + last.bottom - h) / 2));
  } else if (picture) found.push(at("short", picture.left, picture.top));
  return found;
}

/**
 * What is not cut off by anything around a mark that is put beside an element. What scrolls up and down has as much
 * room there as it needs.
 */
export function roomIn(beside: Element): Box {
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

export const fits = (place: Box, room: Box): boolean => place.left >= room.left - 0.5 && place.right <= room.right + 0.5 && place.top >= room.top - 0.5 && place.bottom <= room.bottom + 0.5;

/** What an element does to what is in it, by its styles. */
interface Role {
  /** What is placed absolutely goes by it. */
  places: boolean;
  absolute: boolean;
  fixed: boolean;
  /** It cuts off what it places, or all that is in it. */
  cuts: boolean;
  paints: boolean;
  scrolls: boolean;
  /** Nothing of it is drawn. */
  hides: boolean;
}

/**
 * The styles around a feed are asked for with each of its marks, and hardly change: they are looked at once in a while,
 * in ms.
 */
const lasting = 10_000;
let roles = new WeakMap<Element, Role>();
let rolesSince = 0;

function roleOf(element: Element): Role {
  if (performance.now() - rolesSince > lasting) [roles, rolesSince] = [new WeakMap(), performance.now()];
  const known = roles.get(element);
  if (known) return known;
  // Each look at a style has its price.
  const styles = getComputedStyle(element);
  const { overflowY, position, display, clip, clipPath } = styles;
  const paints = /paint|content|strict/.test(styles.contain);
  const absolute = position === "absolute";
  const fixed = position === "fixed";
  const places = paints || position !== "static" || styles.transform !== "none" || styles.filter !== "none" || /transform|filter/.test(styles.willChange);
  const cuts = (overflowY !== "visible" || styles.overflowX !== "visible") && display !== "inline" && display !== "contents";
  const hides = ((absolute || fixed) && isNoRect(clip)) || /^inset\((50|100)%/.test(clipPath);
  const role = { places, absolute, fixed, paints, cuts, scrolls: /auto|scroll/.test(overflowY), hides };
  roles.set(element, role);
  return role;
}

/** Whether a rectangle that is cut out has hardly anything in it: rect(0px, 0px, 0px, 0px). */
function isNoRect(clip: string): boolean {
  const sides = /^rect\((.*)\)$/.exec(clip)?.[1]?.split(",").map(parseFloat);
  if (!sides) return false;
  const [top = 0, right = 0, bottom = 0, left = 0] = sides;
  return right - left < least || bottom - top < least;
}
