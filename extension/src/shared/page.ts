// What the pages of the extension have in common: nodes and text, never HTML.

export function element<E extends HTMLElement>(id: string): E {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found as E;
}

/** Done when what was put into the page has been drawn, or would have been: what nobody waits for comes after. */
export function drawn(): Promise<void> {
  return new Promise((resolve) => {
    requestAnimationFrame(() => setTimeout(resolve));
    setTimeout(resolve, 200); // a page that nobody sees is not drawn
  });
}

/** How long a page must have been in front before something is decided on it, in ms. */
const haste = 1000;

/**
 * Holds buttons back that decide something until a person has had the time to see them: a page before this one may
 * have had them click where the buttons come to be, twice or many times.
 */
export function unhurried(...buttons: HTMLButtonElement[]): HTMLFieldSetElement {
  const held = h("fieldset", { className: "held" }, ...buttons);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const hold = (): void => {
    held.disabled = true;
    clearTimeout(timer);
    timer = setTimeout(() => (held.disabled = false), haste);
  };
  hold();
  addEventListener("focus", hold);
  document.addEventListener("visibilitychange", hold);
  addEventListener("pointerdown", () => held.disabled && hold(), true);
  return held;
}

/** Characters that turn the order of others around, or that nobody sees. */
const unseen = /[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]/g;

/** The longest text of others that is shown, in characters. */
const longest = 300;

/**
 * What others wrote, as it is: on one line, apart from the words around it, cut to what can be read, and what nobody
 * sees written out.
 */
export const quoted = (text: string): HTMLElement => h("bdi", {}, readable(text));

/**
 * As quoted, within a text that can hold no elements, such as the name of a button: nothing in it turns the words
 * around it. What is written from left to right turns none, and stays as it is: who reads the name hears, and finds, no
 * signs but its own.
 */
export function isolated(text: string): string {
  const line = readable(text);
  return fromTheRight.test(line) ? `\u2068${line}\u2069` : line;
}

/** Letters of the scripts that are written from right to left. */
const fromTheRight = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]|[\ud802\ud803\ud83a\ud83b]/;

function readable(text: string): string {
  const line = text.slice(0, 2 * longest).replace(/\s+/g, " ").trim();
  const cut = line.length > longest || text.length > 2 * longest ? `${[...line].slice(0, longest).join("")}…` : line;
  const code = (sign: string) => `[U+${sign.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}]`;
  return cut.replace(unseen, code);
}

type Props<N extends keyof HTMLElementTagNameMap> = Partial<Omit<HTMLElementTagNameMap[N], "style">>;

/** A new element with properties and children. */
export function h<N extends keyof HTMLElementTagNameMap>(name: N, props: Props<N>, ...children: (Node | string)[]): HTMLElementTagNameMap[N] {
  const made = document.createElement(name);
  Object.assign(made, props);
  made.append(...children);
  return made;
}
