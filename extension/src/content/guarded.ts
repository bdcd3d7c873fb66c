// An element of ours in a page of others: nothing of it can be read or styled from outside.

import { shadowOf, style } from "../shared/ext";
import { press } from "../shared/press";

const roots = new WeakMap<EventTarget, ShadowRoot>();

const presses = ["keydown", "keyup", "keypress", "click", "dblclick", "auxclick", "contextmenu", "pointerdown", "pointerup", "mousedown", "mouseup", "touchstart", "touchend"];

/** When a key was last pressed in an element of ours, in ms; what it clicks follows at once. */
let typed = -Infinity;
const atOnce = 100;

/**
 * Who listens at the window first hears first, and may keep it from all others. Where this is brought into a page
 * before its own scripts, what a person does in an element of ours gets no further than here, and the button is pressed
 * that it was meant for. What clicks without a pointer or a key, such as a screen reader, does not say where: that goes
 * its way.
 */
function hear(event: Event): void {
  const root = event.target && roots.get(event.target);
  if (!root || !event.isTrusted) return;
  if (event.type.startsWith("key")) typed = event.timeStamp;
  let at: Element | null | undefined;
  if (event.type === "click") {
    const { clientX, clientY, detail, timeStamp } = event as MouseEvent;
    if (detail === 0 && timeStamp - typed > atOnce) return;
    at = detail === 0 ? root.activeElement : root.elementFromPoint(clientX, clientY);
  }
  event.stopImmediatePropagation();
  const button = at?.closest("button:enabled");
  if (button && !press(button)) event.preventDefault();
}
for (const type of presses) addEventListener(type, hear, { capture: true });

/** A document without a window, in which no name means anything. */
let apart: Document | undefined;

/**
 * Before the name of each custom property in here: a page may give those that it knows another meaning, inside of
 * shadow roots too.
 */
const secret = `k${crypto.randomUUID()}`;

/** What everything of ours hears, and nobody else can say. */
const heard = `${secret}-heard`;

/**
 * The inside of a new element of ours, for a page or one of its frames. A page may have defined elements of that name,
 * and would be handed the open inside of one that is made in its own document.
 */
export function inside(name: string, css: string, page = document): ShadowRoot {
  apart ??= document.implementation.createHTMLDocument("");
  const root = apart.createElement(name).attachShadow({ mode: "closed" });
  page.adoptNode(root.host);
  roots.set(root.host, root);
  root.addEventListener(heard, (event) => event.preventDefault());
  style(root, css.replace(/--(?=[a-z])/g, `--${secret}-`));
  return root;
}

/** Whether an element of ours hears nothing any more: the page was written anew, which takes all listeners away. */
export const isDeaf = (root: ShadowRoot): boolean => root.dispatchEvent(new Event(heard, { cancelable: true }));

/** What holds no elements that are drawn. */
const replaced = "video, iframe, img, canvas, object, embed";

/**
 * The part of a page in which something can be used: all of it, or what leaves nothing outside of it to be used, a
 * dialog or what fills the screen.
 */
export function usable(): Element {
  const alone = `:is(dialog:modal, :fullscreen):not(${replaced})`;
  return document.activeElement?.closest(alone) ?? [...topmost(document)].filter((element) => element.matches(alone)).at(-1) ?? document.documentElement;
}

/** What lies over a page: dialogs, popovers, and what fills the screen, also where no script of others can look. */
export function* topmost(root: Document | ShadowRoot): Iterable<Element> {
  yield* root.querySelectorAll(":modal, :popover-open, :fullscreen");
  for (const element of root.querySelectorAll("*")) {
    const within = shadowOf(element);
    if (within) yield* topmost(within);
  }
}

/** What makes a host as if the page had no styles; set on the element itself and important, it outranks all of them. */
const plain = "all: initial !important; ";

/** The text of a style as the browser writes it, to be compared with. */
export function styleText(text: string): string {
  const probe = document.createElement("div").style;
  probe.cssText = plain + text;
  return probe.cssText;
}

/** Undoes whatever the page has done to a host, but for some attributes. Whether it had done anything. */
export function restore(host: HTMLElement, cssText: string, kept: string[] = []): boolean {
  const strange = [...host.attributes].filter(({ name }) => name !== "style" && !kept.includes(name));
  for (const { name } of strange) host.removeAttribute(name);
  const isStyled = host.style.cssText === cssText;
  if (!isStyled) host.style.cssText = cssText;
  return strange.length > 0 || !isStyled;
}

/** What is typed or clicked in a host is none of the page's business. */
export function keepEvents(host: HTMLElement): void {
  for (const type of presses) host.addEventListener(type, (event) => event.stopPropagation());
}
