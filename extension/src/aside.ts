// Put into a page when a person asks about something in it, and only then: shows the answer beside
// what was asked about, and hands over a picture. The words come from the worker; nothing here can
// be called by the page, whose scripts live in another world.

import css from "../pages/aside.css";
import { inside, usable } from "./guarded";

/** What an answer stands beside. */
export type Spot = { kind: "selection" } | { kind: "link" | "picture"; href: string };

/** What is said of one thing. */
export interface Said {
  state: "listed" | "caution" | "unlisted" | "unknown";
  /** The verdict, in words. */
  label: string;
  /** What it is about; may be empty. */
  name: string;
  meaning: string;
  /** Why, since when, by whom; empty until known. */
  facts: string[];
}

export interface Answer {
  language: string;
  direction: "ltr" | "rtl";
  title: string;
  close: string;
  /** What was read in a picture; empty for all else. */
  read: string;
  items: Said[];
}

/** A picture in the page: its pixels as PNG in a data URL, or where it is drawn in the tab, in CSS pixels. */
export type Picture = { png: string } | { area: { x: number; y: number; width: number; height: number }; width: number };

export interface Aside {
  /** Whether an answer can be shown in this document at all. */
  able(): boolean;
  picture(src: string): Promise<Picture | null>;
  show(answer: Answer, spot: Spot): boolean;
  /** Puts other words into the answer that is shown; false if it has been closed. */
  renew(answer: Answer): boolean;
}

/** The longer side of a picture that is handed over, in pixels. */
const maxSide = 1600;

let shown: Panel | undefined;

class Panel {
  private readonly root = inside("khien-aside", css);
  private readonly host = this.root.host as HTMLElement;
  private readonly box = document.createElement("div");
  private readonly list = document.createElement("ul");
  private readonly title = document.createElement("h1");
  private readonly read = document.createElement("p");
  private readonly before = document.activeElement;
  private readonly observer = new MutationObserver(() => this.keep());
  private readonly timer = setInterval(() => this.keep(), 300);
  private readonly outside = (event: Event) => {
    if (event.isTrusted && event.target !== this.host) this.close(false);
  };

  constructor(
    answer: Answer,
    private readonly at: { x: number; top: number; bottom: number },
  ) {
    const close = document.createElement("button");
    close.id = "close";
    close.type = "button";
    close.textContent = answer.close;
    close.addEventListener("click", (event) => event.isTrusted && this.close(true));
    const header = document.createElement("header");
    this.title.id = "title";
    this.title.textContent = answer.title;
    header.append(this.title, close);
    this.read.id = "read";
    this.read.className = "read";
    this.list.id = "answers";
    this.list.setAttribute("aria-live", "polite");
    this.box.className = "aside";
    this.box.lang = answer.language;
    this.box.dir = answer.direction;
    this.box.tabIndex = -1;
    this.box.popover = "manual";
    this.box.setAttribute("role", "dialog");
    this.box.setAttribute("aria-labelledby", "title");
    this.box.setAttribute("aria-describedby", "answers");
    this.box.append(header, this.read, this.list);
    this.root.append(this.box);
    this.fill(answer);
    // What is typed or clicked here is none of the page's business.
    for (const type of ["keydown", "keyup", "keypress", "click", "pointerdown", "mousedown", "mouseup", "wheel", "touchmove", "focusin"]) {
      this.host.addEventListener(type, (event) => event.stopPropagation());
    }
    this.host.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.close(true);
    });
    addEventListener("keydown", this.escape, true);
    addEventListener("pointerdown", this.outside, true);
    addEventListener("resize", this.turned);
    this.observer.observe(document.documentElement, { childList: true });
    this.observer.observe(this.host, { attributes: true });
    this.keep();
    this.box.focus({ preventScroll: true });
  }

  private readonly escape = (event: KeyboardEvent) => {
    if (event.isTrusted && event.key === "Escape") this.close(true);
  };

  /** Another size of the window, or a telephone that was turned. */
  private readonly turned = () => this.place();

  fill(answer: Answer): void {
    this.read.textContent = answer.read;
    this.read.hidden = !answer.read;
    this.list.replaceChildren(
      ...answer.items.map(({ state, label, name, meaning, facts }) => {
        const item = document.createElement("li");
        item.className = state;
        for (const [className, text] of [["label", label], ["name", name], ["meaning", meaning], ...facts.map((fact) => ["facts", fact] as const)] as const) {
          if (!text) continue;
          const line = document.createElement("p");
          line.className = className;
          line.textContent = text;
          item.append(line);
        }
        return item;
      }),
    );
    if (this.host.isConnected) this.place();
  }

  /** Puts the answer back, whatever the page has done to it: it may be the page that is asked about. */
  private keep(): void {
    const page = usable();
    if (this.host.parentNode !== page) page.append(this.host);
    for (const { name } of [...this.host.attributes]) if (name !== "style") this.host.removeAttribute(name);
    if (this.host.style.cssText !== visible) this.host.style.cssText = visible;
    if (!this.box.matches(":popover-open")) {
      this.box.showPopover();
      this.place();
    }
  }

  /** Below what was asked about, or above where there is more room; always within the window. */
  private place(): void {
    const gap = 8;
    const { x, top, bottom } = this.at;
    const { width, height } = this.box.getBoundingClientRect();
    const below = innerHeight - (bottom - scrollY);
    const above = top - scrollY;
    let y = below >= height + gap || below >= above ? bottom - scrollY + gap : above - height - gap;
    y = Math.max(gap, Math.min(y, innerHeight - height - gap));
    const left = Math.max(gap, Math.min(x - scrollX, document.documentElement.clientWidth - width - gap));
    this.box.style.left = `${left + scrollX}px`;
    this.box.style.top = `${y + scrollY}px`;
  }

  close(back: boolean): void {
    clearInterval(this.timer);
    this.observer.disconnect();
    removeEventListener("keydown", this.escape, true);
    removeEventListener("pointerdown", this.outside, true);
    removeEventListener("resize", this.turned);
    this.host.remove();
    if (shown === this) shown = undefined;
    if (back && this.before instanceof HTMLElement) this.before.focus({ preventScroll: true });
  }
}

/** Set on the element itself and important, so that no style of the page hides it. */
const visible = (() => {
  const probe = document.createElement("div").style;
  probe.cssText = "all: initial !important; display: block !important;";
  return probe.cssText;
})();

const drawn = ({ width, height }: DOMRect) => width > 0 && height > 0;
const inView = ({ top, bottom, left, right }: DOMRect) => bottom > 0 && right > 0 && top < innerHeight && left < innerWidth;

/** The first element that fits and is in view; else the first that is drawn at all. */
function seen<E extends Element>(selector: string, fits: (element: E) => boolean): E | undefined {
  const found = [...document.querySelectorAll<E>(selector)].filter((element) => fits(element) && drawn(element.getBoundingClientRect()));
  return found.find((element) => inView(element.getBoundingClientRect())) ?? found[0];
}

const pictureOf = (src: string) => seen<HTMLImageElement>("img", (image) => image.currentSrc === src || image.src === src);

/** Where the thing is that was asked about, in the window. */
function rect(spot: Spot): DOMRect | undefined {
  if (spot.kind === "picture") return pictureOf(spot.href)?.getBoundingClientRect();
  if (spot.kind === "link") return seen<HTMLAnchorElement>("a[href], area[href]", (link) => link.href === spot.href)?.getBoundingClientRect();
  const selection = getSelection();
  const range = selection && selection.rangeCount > 0 ? selection.getRangeAt(0) : undefined;
  const found = range && [...range.getClientRects()].filter(drawn).at(-1);
  // What is selected in a field is not to be seen from here, but the field is.
  const { activeElement: field } = document;
  return found ?? (field && field !== document.body ? field.getBoundingClientRect() : undefined);
}

/** Where a frame is drawn in its tab, as far as the frames around it may be asked. */
function offset(): { x: number; y: number; width: number } | undefined {
  let [x, y] = [0, 0];
  let frame: Window = window;
  try {
    for (; frame !== frame.parent; frame = frame.parent) {
      const around = frame.frameElement?.getBoundingClientRect();
      if (!around) return undefined;
      x += around.x;
      y += around.y;
    }
  } catch {
    return undefined;
  }
  return { x, y, width: frame.innerWidth };
}

const nextFrame = () => new Promise((resolve) => requestAnimationFrame(() => resolve(undefined)));

const aside: Aside = {
  able: () => document.contentType !== "application/pdf" && document.documentElement instanceof HTMLElement,

  async picture(src) {
    const image = pictureOf(src);
    if (!image) return null;
    try {
      const [width, height] = [image.naturalWidth, image.naturalHeight];
      const scale = Math.min(1, maxSide / Math.max(width, height));
      const canvas = document.createElement("canvas");
      canvas.width = Math.max(1, Math.round(width * scale));
      canvas.height = Math.max(1, Math.round(height * scale));
      canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
      return { png: canvas.toDataURL("image/png") };
    } catch {
      // Another site's picture: only what is drawn can be had, without asking anybody for it again.
    }
    const box = image.getBoundingClientRect();
    if (box.top < 0 || box.left < 0 || box.bottom > innerHeight || box.right > innerWidth) image.scrollIntoView({ block: "center", inline: "center", behavior: "instant" });
    shown?.close(false);
    await nextFrame();
    await nextFrame();
    const { x, y, width, height } = image.getBoundingClientRect();
    const around = offset();
    return around ? { area: { x: x + around.x, y: y + around.y, width, height }, width: around.width } : null;
  },

  show(answer, spot) {
    if (!aside.able()) return false;
    shown?.close(false);
    const at = rect(spot);
    const where = at && inView(at) ? at : new DOMRect(innerWidth, 8, 0, 0);
    shown = new Panel(answer, { x: where.left + scrollX, top: where.top + scrollY, bottom: where.bottom + scrollY });
    return true;
  },

  renew(answer) {
    shown?.fill(answer);
    return shown !== undefined;
  },
};

declare global {
  var khienAside: Aside | undefined;
}

globalThis.khienAside ??= aside;
