// Keeps an element of ours in the sight of the person, whatever the page does. No event of the page is relied on: what
// lies over the element is asked of the browser, and the worker is told again and again that it is seen. Where it is
// not, the worker takes the page away (standing.ts).

import { api, restyle } from "../shared/ext";
import { isDeaf, restore, topmost } from "./guarded";
import { ask, isStanding, type State } from "../shared/message";
import { often } from "../shared/often";

/** What is kept in sight, and what only it knows about itself. */
export interface Kept {
  subject: string;
  host: HTMLElement;
  /** What is drawn, inside of the host. */
  body: HTMLElement;
  /** The style of the host, as the browser writes it. */
  style: string;
  /** Whether it leaves nothing of the page to be seen or used. */
  isAll: boolean;
  /** Where in the page the host belongs. */
  parent(): Element;
  isOpen(): boolean;
  /** Whether the pointer reaches it, and no other has the keyboard that belongs to it. */
  isReached(): boolean;
  /** Opens it, or puts it above whatever was opened after it. */
  raise(): void;
}

/**
 * How often a page may undo our work. Under a cover nobody uses it: one that has a menu, a dialog or a video over all
 * of the screen opens that once. Beside a banner people go on, and open one menu after the other.
 */
const repairs = { cover: often.bind(null, 6, 3000), banner: often.bind(null, 20, 700) };

/**
 * How often it is looked after, in ms; and how many times later the worker is told, and all of the page is searched.
 */
const pace = 300;
const report = 7;
const search = 4;

/** What the root of a page must be, for anything in the page to be drawn, and drawn as large as it is. */
const plainRoot = { display: "block", "content-visibility": "visible", zoom: "1", filter: "none", transition: "none" };

export class Stand {
  private readonly observer = new MutationObserver(() => this.keep());
  private readonly timer = setInterval(() => this.look(), pace);
  private readonly tooOften: () => boolean;
  private readonly sight: Sight;
  /** What has been set of the page's root, and how it was before. */
  private readonly held = new Map<string, [value: string, priority: string]>();
  private root: HTMLElement | undefined;
  private parent: Element | undefined;
  /** What of the page was open when it was last searched, and lies below. */
  private below = new Set<Element>();
  /** Whether something was found that may come again. */
  private isSearching = false;
  private looks = 0;
  private state: State | undefined;

  constructor(private readonly kept: Kept) {
    this.tooOften = repairs[kept.isAll ? "cover" : "banner"]();
    this.sight = new Sight(kept.body, () => this.keep());
    this.observer.observe(document, { childList: true });
    this.observer.observe(kept.host, { attributes: true });
    api.runtime.onMessage.addListener(this.answer);
    this.keep();
  }

  remove(): void {
    clearInterval(this.timer);
    this.observer.disconnect();
    this.sight.close();
    api.runtime.onMessage.removeListener(this.answer);
    this.kept.host.remove();
    for (const [name, before] of this.held) this.root?.style.setProperty(name, ...before);
  }

  /** Puts the element back on top, whatever the page has done to it. */
  private keep(): void {
    const root = document.documentElement;
    if (!root) return;
    if (this.root !== root) this.held.clear();
    this.root = root;
    if (this.kept.isAll) this.quieten();
    const undone = this.isUndone(root);
    // Nobody could use it any more. Beside a banner, which is deaf then, the page goes on.
    const isUseless = this.kept.isAll && isDeaf(this.kept.body.getRootNode() as ShadowRoot);
    if ((undone && this.tooOften()) || isUseless) this.lose();
  }

  /** Puts right what is wrong, and returns whether that was the work of the page. */
  private isUndone(root: HTMLElement): boolean {
    const { host, style, body, isAll } = this.kept;
    const before = this.parent;
    const parent = this.kept.parent();
    const wasThere = host.parentNode === before;
    if (host.parentNode !== parent) parent.append(host);
    if (parent !== before) this.follow(root, parent);
    const was = [root.inert, restore(host, style, isAll ? [] : ["popover"]), restyle(body.getRootNode())].includes(true);
    root.inert = false;
    // The pictures between which a page changes lie over everything.
    (document as { activeViewTransition?: { skipTransition(): void } | null }).activeViewTransition?.skipTransition();

    const isUp = this.kept.isOpen() && this.sight.seen !== false && this.kept.isReached();
    if (!isUp) this.raise();
    const zoom = (body as { currentCSSZoom?: number }).currentCSSZoom ?? 1;
    const isPlain = body.checkVisibility() && zoom === 1 && (!isAll && isReadable(root) || getComputedStyle(root).filter === "none");
    if (!isPlain) {
      for (const [name, value] of Object.entries(plainRoot)) this.hold(name, value);
      this.raise();
    }
    const isNew = before === undefined || (parent !== before && wasThere);
    return !isNew && (!wasThere || was || !isUp || !isPlain);
  }

  private follow(root: HTMLElement, parent: Element): void {
    this.parent = parent;
    if (this.state === "lost") return;
    this.observer.observe(root, { childList: true, attributes: true });
    if (parent !== root) this.observer.observe(parent, { childList: true });
  }

  private raise(): void {
    this.kept.raise();
    this.sight.again();
  }

  /** Sets a property of the page's root for as long as the element stands. */
  private hold(name: string, value: string): void {
    const style = this.root?.style;
    if (!style || (style.getPropertyValue(name) === value && style.getPropertyPriority(name) === "important")) return;
    if (!this.held.has(name)) this.held.set(name, [style.getPropertyValue(name), style.getPropertyPriority(name)]);
    style.setProperty(name, value, "important");
  }

  /**
   * Ends what of the page goes on beside it, as far as the document has it: videos and sounds, pictures in windows of
   * their own, and the whole screen.
   */
  private quieten(): void {
    this.hold("overflow", "hidden");
    for (const media of document.querySelectorAll<HTMLMediaElement>("video, audio")) if (!media.paused) media.pause();
    if (document.fullscreenElement) void document.exitFullscreen().catch(() => undefined);
    if (document.pictureInPictureElement) void document.exitPictureInPicture().catch(() => undefined);
    if (document.pointerLockElement) document.exitPointerLock();
    (globalThis as { documentPictureInPicture?: { window: Window | null } }).documentPictureInPicture?.window?.close();
  }

  /** What the page takes away whenever it is put back is not put back at once any more: both would do so for ever. */
  private lose(): void {
    this.state = "lost";
    this.observer.disconnect();
    this.tell();
  }

  private look(): void {
    this.looks++;
    if (!Sight.works && (this.isSearching || this.looks % search === 0)) this.search();
    this.keep();
    const before = this.state;
    if (before !== "lost") this.state = this.now();
    if (this.state && (this.state !== before || this.looks % report === 0)) this.tell();
  }

  private now(): State | undefined {
    if (document.visibilityState === "hidden") return "hidden";
    const { host, body } = this.kept;
    const stands = host.isConnected && body.checkVisibility() && this.kept.isOpen() && this.kept.isReached();
    return stands && (this.sight.seen ?? !Sight.works) ? "seen" : undefined;
  }

  private tell(): void {
    const { subject } = this.kept;
    if (this.state) void ask("stand.is", { subject, state: this.state }).catch(() => undefined);
  }

  private readonly answer = (message: unknown, _sender: unknown, reply: (state: State | null) => void): void => {
    if (!isStanding(message) || message.standing !== this.kept.subject) return;
    this.keep();
    reply(this.now() ?? null);
  };

  /** Where the browser does not say whether the element is seen, whatever else may lie over it is looked for. */
  private search(): void {
    const ours = this.kept.body.getRootNode();
    const others = new Set([...topmost(document)].filter((element) => element !== this.kept.host && element.getRootNode() !== ours));
    const isNew = [...others].some((element) => !this.below.has(element));
    // Whoever may not be closed is below as long as it is open, but for one that was opened again meanwhile.
    this.below = this.kept.isAll ? new Set() : others;
    this.isSearching = this.kept.isAll && others.size > 0;
    if (!isNew) return;
    if (this.kept.isAll) for (const element of others) close(element);
    this.raise();
    if (this.tooOften()) this.lose();
  }
}

/**
 * Whether the filter of a root leaves a banner to be read. Chromium draws it without that one. Firefox filters all that
 * is drawn: then dark and light may change places, as they do where a person wants every page dark.
 */
const isReadable = (root: Element): boolean => Sight.works || /^((^| )(invert\(1\)|hue-rotate\([^)]*\)))+$/.test(getComputedStyle(root).filter);

function close(element: Element): void {
  if (element instanceof HTMLDialogElement) element.close();
  if (element instanceof HTMLElement && element.matches(":popover-open")) element.hidePopover();
}

/** Whether an element is seen: nothing lies over it, and nothing makes it another than it is. */
class Sight {
  /** Whether the browser can say that. */
  static readonly works = "isVisible" in IntersectionObserverEntry.prototype;
  /** Undefined until the browser has looked. */
  seen: boolean | undefined;
  private readonly observer: IntersectionObserver | undefined;

  constructor(
    private readonly element: Element,
    unseen: () => void,
  ) {
    if (!Sight.works) return;
    const options = { trackVisibility: true, delay: 100 } as IntersectionObserverInit;
    this.observer = new IntersectionObserver((entries) => {
      this.seen = (entries.at(-1) as { isVisible?: boolean } | undefined)?.isVisible === true;
      if (!this.seen) unseen();
    }, options);
    this.observer.observe(element);
  }

  /** Has the browser look anew. */
  again(): void {
    this.seen = undefined;
    this.observer?.unobserve(this.element);
    this.observer?.observe(this.element);
  }

  close(): void {
    this.observer?.disconnect();
  }
}
