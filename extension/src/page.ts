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

type Props<N extends keyof HTMLElementTagNameMap> = Partial<Omit<HTMLElementTagNameMap[N], "style">>;

/** A new element with properties and children. */
export function h<N extends keyof HTMLElementTagNameMap>(name: N, props: Props<N>, ...children: (Node | string)[]): HTMLElementTagNameMap[N] {
  const made = document.createElement(name);
  Object.assign(made, props);
  made.append(...children);
  return made;
}
