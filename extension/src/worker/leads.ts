// Where the links of a reported page lead. The worker reads them once the report is on the disk: neither a popup that
// closes nor a page that does not answer costs the report.

import { api } from "../shared/ext";

/** As many links as are looked at. */
const maxLinks = 60;

/**
 * Runs in the page: where its forms and links lead, forms first, other hosts only; nothing if it is not the page meant
 * any more.
 */
function lead(page: string, max: number): string[] {
  if (location.href.split("#")[0] !== page) return [];
  const found = new Set<string>();
  const take = (href: string) => {
    if (found.size < max && href.length < 2000 && !/^(javascript|data|blob|about):/i.test(href) && URL.canParse(href) && new URL(href).host !== location.host) found.add(href);
  };
  for (const form of document.forms) take(String(form.getAttribute("action") ? new URL(form.getAttribute("action") ?? "", document.baseURI) : ""));
  for (const link of document.links) take(link.href);
  return [...found];
}

/** Where the links of the page in a tab lead; the click on the toolbar button gave the right to look. */
export async function links(tabId: number, href: string): Promise<string[]> {
  const [page = ""] = href.split("#");
  try {
    const [found] = await api.scripting.executeScript({ target: { tabId }, func: lead, args: [page, maxLinks] });
    return found?.result ?? [];
  } catch {
    return []; // the browser refuses the page; of what is no tab at all it says so at once
  }
}
