// An element of ours in a page of others: nothing of it can be read or styled from outside.

import { style } from "./ext";

/** A document without a window, in which no name means anything. */
let apart: Document | undefined;

/**
 * The inside of a new element of ours, for a page or one of its frames. A page may have defined elements of that name, and would be handed the open inside of one that
 * is made in its own document.
 */
export function inside(name: string, css: string, page = document): ShadowRoot {
  apart ??= document.implementation.createHTMLDocument("");
  const root = apart.createElement(name).attachShadow({ mode: "closed" });
  page.adoptNode(root.host);
  style(root, css);
  return root;
}

/** The part of a page in which something can be used: all of it, or a dialog that leaves nothing outside of it to be used. */
export function usable(): Element {
  const modal = "dialog:modal";
  return document.activeElement?.closest(modal) ?? [...document.querySelectorAll(modal)].at(-1) ?? document.documentElement;
}

/** What makes a host as if the page had no styles; set on the element itself and important, it outranks all of them. */
const plain = "all: initial !important; ";

/** The text of a style as the browser writes it, to be compared with. */
export function styleText(text: string): string {
  const probe = document.createElement("div").style;
  probe.cssText = plain + text;
  return probe.cssText;
}

/** Undoes whatever the page has done to a host. */
export function restore(host: HTMLElement, cssText: string): void {
  for (const { name } of [...host.attributes]) if (name !== "style") host.removeAttribute(name);
  if (host.style.cssText !== cssText) host.style.cssText = cssText;
}

/** What is typed or clicked in a host is none of the page's business. */
export function keepEvents(host: HTMLElement): void {
  for (const type of ["keydown", "keyup", "keypress", "click", "dblclick", "auxclick", "contextmenu", "pointerdown", "pointerup", "mousedown", "mouseup", "touchstart", "touchend"]) {
    host.addEventListener(type, (event) => event.stopPropagation());
  }
}
