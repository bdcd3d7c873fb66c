// The one place that knows how browsers differ.

/** The extension API. Firefox calls it browser; its promises are the same. */
export const api: typeof chrome = (globalThis as { browser?: typeof chrome }).browser ?? chrome;

/**
 * The address of a file of the extension, as it stands in a tab. Chromium has another, secret one for the page that its
 * rules lead to.
 */
export const own = (path: string): string => api.runtime.getURL("") + path;

/** Whether a navigation is about a page that the person cannot see yet. Firefox renders nothing ahead. */
export function hidden(details: { documentLifecycle?: string }): boolean {
  return details.documentLifecycle === "prerender";
}

/** The address that a tab shows, known without the right to read tabs; undefined for a tab that is gone, or none. */
export async function shown(tabId: number): Promise<string | undefined> {
  if (tabId < 0) return undefined; // at which the browser throws
  const frame = await api.webNavigation.getFrame({ tabId, frameId: 0 }).catch(() => null);
  return frame?.url;
}

/** Opens url in the tab. While a person drags a tab, Chromium refuses for a moment. */
export async function navigate(tabId: number, url: string): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await api.tabs.update(tabId, { url });
      return;
    } catch (err) {
      if (tries === 20 || !String(err).includes("dragging")) throw err;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

/**
 * Replaces the tab by the page that the browser shows in a new tab. Neither browser lets an extension name that page in
 * both.
 */
export async function renew(tabId: number): Promise<void> {
  const { index, windowId } = await api.tabs.get(tabId);
  // A window without a tab bar takes no new tab; then closing is all there is to do.
  await api.tabs.create({ index: index + 1, windowId }).catch(() => undefined);
  await api.tabs.remove(tabId);
}

/** Opens an empty tab in front of another, beside it. */
export async function beside(tabId: number): Promise<chrome.tabs.Tab> {
  const { index, windowId } = await api.tabs.get(tabId);
  return api.tabs.create({ index: index + 1, windowId, active: true, url: "about:blank" });
}

/**
 * Closes a tab whose page, if it is still there, may not let itself be closed: then the browser puts it to sleep, and
 * nobody is asked any more.
 */
export async function shut(tabId: number, isThere = () => true): Promise<void> {
  const closed = api.tabs.remove(tabId).then(() => true, () => true);
  const late = new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 3000));
  if ((await Promise.race([closed, late])) || !isThere()) return;
  // Chromium has another tab in its place then.
  const asleep = await api.tabs.discard(tabId).catch(() => undefined);
  if (asleep?.id !== undefined) await api.tabs.remove(asleep.id).catch(() => undefined);
}

/** Sheets by their text: a hundred marks in a page share one. */
const sheets = new Map<string, CSSStyleSheet>();

/** The sheet of each root that has one. */
const styled = new WeakMap<Node, CSSStyleSheet>();

/** Gives a shadow root the style again that it has lost in another document. Whether it had. */
export function restyle(root: Node): boolean {
  const sheet = styled.get(root);
  if (!sheet || !(root instanceof ShadowRoot) || root.adoptedStyleSheets.length === 1) return false;
  root.adoptedStyleSheets = [sheet];
  return true;
}

/** Styles a shadow root. Firefox has refused sheets made by content scripts; a style element is then as good. */
export function style(root: ShadowRoot, css: string): void {
  try {
    const sheet = sheets.get(css) ?? new CSSStyleSheet();
    if (!sheets.has(css)) sheet.replaceSync(css);
    root.adoptedStyleSheets = [sheet];
    sheets.set(css, sheet);
    styled.set(root, sheet);
  } catch {
    const element = document.createElement("style");
    element.textContent = css;
    root.prepend(element);
  }
}

/** The shadow root of an element, which the page may have closed to its own scripts. */
export function shadowOf(element: Element): ShadowRoot | null {
  if ("openOrClosedShadowRoot" in element) return element.openOrClosedShadowRoot as ShadowRoot | null;
  return element instanceof HTMLElement ? ((api.dom?.openOrClosedShadowRoot(element) as ShadowRoot | null | undefined) ?? null) : null;
}

/**
 * Whether private windows share this background with all others. Chromium starts another for them, whose memory is its
 * own.
 */
const shared = api.runtime.getManifest().incognito === "spanning";

/** Whether a tab is in a private window, of which nothing may be kept. */
export async function isPrivate(tabId: number): Promise<boolean> {
  return shared && tabId >= 0 && (await api.tabs.get(tabId).catch(() => undefined))?.incognito === true;
}

/** Whether the window in front is a private one. */
export async function inPrivate(): Promise<boolean> {
  return shared && (await api.tabs.query({ active: true, lastFocusedWindow: true })).some(({ incognito }) => incognito);
}

/** Whether this page of ours is in a private window, of which nothing may be kept. */
export const privatePage = shared && api.extension.inIncognitoContext;

/** Where something of ours is opened that began in a tab. */
interface Place {
  tabId: number;
  windowId: number;
  isPrivate: boolean;
}

/**
 * Opens a page of ours behind the toolbar button, where no page draws anything; in a window of its own where the
 * browser refuses that. It may not be waited for anything before: Firefox opens it only while it tells of the click.
 */
export async function openAtButton(path: string, { tabId, windowId, isPrivate }: Place): Promise<void> {
  try {
    // Chromium has it since 127; a tab that is not there would stand for all.
    if (tabId < 0) throw new Error("there is no tab");
    void api.action.setPopup({ tabId, popup: path });
    await api.action.openPopup({ windowId });
  } catch {
    await openWindow(path, isPrivate);
  } finally {
    if (tabId >= 0) await api.action.setPopup({ tabId, popup: "popup.html" }).catch(() => undefined); // the tab is gone
  }
}

/**
 * Opens a page of ours in a small window of its own, private if it began in one; in a tab where there are no windows.
 */
export async function openWindow(path: string, privately: boolean): Promise<void> {
  const url = own(path);
  const incognito = shared && privately ? { incognito: true } : {};
  if (api.windows) await api.windows.create({ url, type: "popup", width: 400, height: 600, ...incognito });
  else await api.tabs.create({ url });
}

/** What stands on the toolbar button, in one tab or in all. Firefox for Android has a title there, and no badge. */
export async function badge(text: string | null, color: string, title: string, tabId?: number): Promise<void> {
  const where = tabId === undefined ? {} : { tabId };
  // Without a text of its own a tab shows what is set for all; the types do not know null.
  await api.action.setBadgeText?.({ ...where, text: text as string });
  await api.action.setBadgeBackgroundColor?.({ ...where, color });
  await api.action.setTitle({ ...where, title });
}
