// An element of ours in a page of others: nothing of it can be read or styled from outside.

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
