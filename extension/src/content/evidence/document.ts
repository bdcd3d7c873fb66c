// What a platform itself has written into a document, read with bounds. Only the head and the data that
// a platform puts into scripts of its own count, and the latter only after parsing: what a person has
// written stands there inside of strings, and can neither end them nor make an object.

import type { Names } from "../../shared/named";

/** Reads the other names of the account that a page is about; address is the page's. */
export type Reader = (page: Document, address: URL) => Names[];

const maxElements = 500;
const maxValue = 2000;
const maxScript = 2 << 20;
const maxScripts = 4 << 20;
const maxObjects = 200_000;

const appLinks = new Set(["og:url", "al:ios:url", "al:android:url", "al:web:url"]);

/** The addresses that the head gives for the page: the canonical one, and those for apps (ogp.me, applinks.org). */
export function head(page: Document): Names {
  const names: Names = [];
  let count = 0;
  for (const element of page.head?.children ?? []) {
    if (++count > maxElements) break;
    if (element instanceof HTMLLinkElement && element.rel === "canonical") names.push(element.getAttribute("href") ?? "");
    if (element instanceof HTMLMetaElement && appLinks.has(element.getAttribute("property") ?? "")) names.push(element.content);
  }
  return names.filter((name) => name !== "" && name.length <= maxValue);
}

/** What the head says of one property (ogp.me); empty if nothing. */
export function says(page: Document, property: string): string {
  const element = page.head?.querySelector<HTMLMetaElement>(`meta[property="${property}"]`);
  return element && element.content.length <= maxValue ? element.content.trim() : "";
}

/**
 * The data in the scripts that fit a selector and hold one of the words. Prefix is what stands in front of it, with
 * nothing but the end of the statement behind; or a form of the script, whose first group is the data.
 */
export function* data(page: Document, selector: string, words: string[], prefix: string | RegExp = ""): Iterable<unknown> {
  let [count, size] = [0, 0];
  for (const element of page.querySelectorAll(selector)) {
    const text = element.textContent ?? "";
    if (++count > maxElements || (size += text.length) > maxScripts) return;
    if (text.length > maxScript || !words.some((word) => text.includes(word))) continue;
    const json = typeof prefix === "string" ? behind(prefix, text) : prefix.exec(text)?.[1];
    if (json === undefined) continue;
    try {
      yield JSON.parse(json);
    } catch {
      // Not what it was taken for.
    }
  }
}

function behind(prefix: string, text: string): string | undefined {
  if (!text.trimStart().startsWith(prefix)) return undefined;
  return prefix ? text.slice(text.indexOf(prefix) + prefix.length, text.lastIndexOf("}") + 1) : text;
}

export type Fields = Record<string, unknown>;

/** All objects in a value, the outer ones first. */
export function* objects(value: unknown): Iterable<Fields> {
  const waiting = [value];
  for (let at = 0; at < waiting.length && at < maxObjects; at++) {
    const one = waiting[at];
    if (one === null || typeof one !== "object") continue;
    if (!Array.isArray(one)) yield one as Fields;
    for (const inner of Object.values(one)) if (inner !== null && typeof inner === "object") waiting.push(inner);
  }
}

/** What lies at a path of keys. */
export function at(value: unknown, ...keys: string[]): unknown {
  for (const key of keys) {
    if (value === null || typeof value !== "object" || !Object.hasOwn(value, key)) return undefined;
    value = (value as Fields)[key];
  }
  return value;
}

/** A word such as a user name or a code, ready to stand in a path; empty if it is none. */
export const word = (value: unknown): string => (typeof value === "string" && value.length <= 100 && /^[^\s/?#\\]+$/.test(value) ? encodeURIComponent(value) : "");

/** A number as a platform gives it, as text or as a number; empty if it is none. */
export const digits = (value: unknown): string => (/^[1-9]\d{0,24}$/.test(String(value)) && (typeof value === "string" || Number.isSafeInteger(value)) ? String(value) : "");

/** An address on one of the hosts; empty if it is none. */
export function link(value: unknown, ...hosts: string[]): string {
  if (typeof value !== "string" || value.length > maxValue || !URL.canParse(value)) return "";
  const { protocol, hostname, href } = new URL(value);
  return /^https?:$/.test(protocol) && hosts.includes(hostname) ? href : "";
}
