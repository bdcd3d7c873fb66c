// Words in the reader's language, from _locales.

import type english from "../_locales/en/messages.json";
import { api } from "./ext";

/** The messages there are; the bundler refuses a build in which one is missing or never used. */
export type Key = keyof typeof english;

export function t(key: Key, ...values: string[]): string {
  return api.i18n.getMessage(key, values);
}

/** The language of the words, such as "vi"; not the browser's, which may be one that we do not speak. */
export const language = (): string => t("language");

/** Sets the language of a page and the texts of all elements that name one. */
export function localize(page: Document): void {
  page.documentElement.lang = language();
  for (const element of page.querySelectorAll<HTMLElement>("[data-text]")) element.textContent = t(element.dataset["text"] as Key);
}

/** A date such as 23 November 2026. */
export function day(seconds: number): string {
  return new Date(seconds * 1000).toLocaleDateString(language(), { day: "numeric", month: "long", year: "numeric" });
}

/** A moment, with the time of day. */
export function moment(seconds: number): string {
  return new Date(seconds * 1000).toLocaleString(language(), { day: "numeric", month: "long", hour: "2-digit", minute: "2-digit" });
}

/** The name of a kind of scam, and in one or two sentences how it works. From package category, by the bundler. */
export function category(slug: string): { name: string; how: string } {
  const known = api.i18n.getMessage(`category_${slug}`) ? slug : "other";
  return { name: api.i18n.getMessage(`category_${known}`), how: api.i18n.getMessage(`category_${known}_how`) };
}

/** All kinds of scam that have a name, as slugs. */
export const categories = (): string[] => KHIEN_CATEGORIES;

declare const KHIEN_CATEGORIES: string[];
