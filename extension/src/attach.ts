// What may go along with a report: a picture of the page, and where its links lead. Both are the person's to leave away.

import { api } from "./ext";
import { ask } from "./message";
import { element } from "./page";
import { t } from "./text";

/** As many links as are looked at. */
const maxLinks = 60;

/** Runs in the page: where its forms and links lead, forms first, other hosts only. */
function lead(max: number): string[] {
  const found = new Set<string>();
  const take = (href: string) => {
    if (found.size < max && href.length < 2000 && !/^(javascript|data|blob|about):/i.test(href) && URL.canParse(href) && new URL(href).host !== location.host) found.add(href);
  };
  for (const form of document.forms) take(String(form.getAttribute("action") ? new URL(form.getAttribute("action") ?? "", document.baseURI) : ""));
  for (const link of document.links) take(link.href);
  return [...found];
}

/** Where the links of the page in a tab lead, if the person has left that on; the click on the button gives the right to look. */
export async function links(tabId: number): Promise<string[]> {
  const box = element<HTMLInputElement>("with-links");
  if (tabId < 0 || !box.checked) return [];
  const results = await api.scripting.executeScript({ target: { tabId }, func: lead, args: [maxLinks] }).catch(() => []);
  return results[0]?.result ?? [];
}

/** Lets a button take a picture of the page for the report that there is then. */
export function offerPicture(report: () => string | undefined): void {
  const button = element<HTMLButtonElement>("add-picture");
  button.addEventListener("click", async () => {
    const id = report();
    const { id: windowId } = await api.windows.getCurrent();
    if (!id || windowId === undefined) return;
    button.disabled = true;
    const taken = await ask("picture.take", { id, windowId }).catch(() => false);
    if (taken) window.close();
    else button.textContent = t("pictureFailed");
  });
}
