// Words in the reader's language, from _locales, which the bundler makes of shared/texts.
//
// The browser knows only its own language. If a person has chosen another one, its table is read from the
// extension; a content script, which may read no file of ours, asks the worker for it.

import type english from "../../../shared/texts/en/extension.json";
import { api, own } from "./ext";
import { ask, type Words } from "./message";
import { settings } from "./settings";

/** The messages there are; the bundler refuses a build in which one is missing or never used. */
export type Key = keyof typeof english;

/** The languages that there are words in, each by its own name. */
export const languages: Record<string, string> = KHIEN_LANGUAGES;

/** Undefined while the browser's own language is spoken. */
let words: Words | undefined;
let reading: Promise<void> | undefined;

/**
 * Done when the words of the chosen language are there. Until then, and where they cannot be read, the browser's are
 * used.
 */
export function ready(): Promise<void> {
  return (reading ??= read());
}

/** As ready, after another language was chosen. */
export function readAgain(): Promise<void> {
  return (reading = read());
}

async function read(): Promise<void> {
  const ours = location.href.startsWith(own(""));
  words = (await (ours ? chosenWords() : ask("words", null)).catch(() => null)) ?? undefined;
}

/**
 * Where a page of the extension keeps the words that it spoke: the next is drawn with them at once, in its first frame.
 */
const kept = "words";

/** Whether it can: whoever blocks all cookies has no such store. */
function keep(words: Words | undefined): boolean {
  try {
    localStorage.setItem(kept, inText(words));
    return true;
  } catch {
    return false;
  }
}

const inText = (words: Words | undefined): string => JSON.stringify({ now: circumstances(), words });

/**
 * Takes the words that a page kept, if all is as it was then. Should the person have chosen others elsewhere, the page
 * begins anew.
 */
function recall(): boolean {
  let text: string;
  try {
    text = localStorage.getItem(kept) ?? "{}";
    const last = JSON.parse(text) as { now?: string; words?: Words };
    if (last.now !== circumstances()) return false;
    words = last.words;
  } catch {
    return false;
  }
  void chosenWords().then((chosen) => {
    if (inText(chosen ?? undefined) !== text && keep(chosen ?? undefined)) location.reload();
  }, () => undefined);
  return true;
}

/** What the words depend on besides the person's choice. */
const circumstances = (): string => `${api.runtime.getManifest().version} ${api.i18n.getMessage("language")}`;

/** The words of the language that a person has chosen; null if it is what the browser speaks anyway. */
export async function chosenWords(): Promise<Words | null> {
  const { language } = await settings();
  // Chromium sometimes knows no message at all while it starts, and then never in that process.
  const spoken = api.i18n.getMessage("language");
  const wanted = known(language) ?? (spoken || known(api.i18n.getUILanguage()) || "en");
  if (wanted === spoken) return null;
  return (await (await fetch(own(`_locales/${wanted}/messages.json`))).json()) as Words;
}

/** A text in the reader's language, or else in English, or else the first; a blank one hides no other. */
export function spoken(texts: Record<string, string>, lang = language()): string {
  const said = Object.entries(texts).filter(([, text]) => text.trim() !== "");
  return [lang, "en"].map((wanted) => said.find(([is]) => is === wanted)).find(Boolean)?.[1] ?? said[0]?.[1] ?? "";
}

/** The language among ours that a tag such as "vi-VN" begins with. */
function known(tag: string): string | undefined {
  const [language = ""] = tag.split("-");
  return Object.hasOwn(languages, language) ? language : undefined;
}

export function t(key: Key, ...values: string[]): string {
  return said(key, values);
}

/**
 * What is said of so many things, whose number stands first among the values: in the plural form that the language has
 * for it, such as list_few.
 */
export function counted(key: Key, count: number, ...values: string[]): string {
  const all = [count.toLocaleString(language()), ...values];
  const form = new Intl.PluralRules(language()).select(count);
  return (form !== "other" && said(`${key}_${form}`, all)) || said(key, all);
}

/** What the browser has said once: to ask it again costs a page with many marks more than all else about them. */
const heard = new Map<string, string>();

function said(name: string, values: string[] = []): string {
  if (!words) {
    if (values.length > 0) return api.i18n.getMessage(name, values);
    const text = heard.get(name) ?? api.i18n.getMessage(name);
    heard.set(name, text);
    return text;
  }
  const { message, placeholders } = words[name] ?? { message: "" };
  return message.replace(/\$(\w+)\$/g, (_, place: string) => values[Number(placeholders?.[place.toLowerCase()]?.content.slice(1)) - 1] ?? "");
}

/** The language of the words, such as "vi"; not the browser's, which may be one that we do not speak. */
export const language = (): string => t("language");

/** Which way the words run. None of ours runs from right to left yet; the pages are ready for it. */
export const direction = (): "ltr" | "rtl" => (/^(ar|dv|fa|he|ku|ps|sd|ug|ur|yi)\b/.test(language()) ? "rtl" : "ltr");

/** Sets the language of a page and the texts of all elements that name one, once the words are there. */
export async function localize(page: Document): Promise<void> {
  if (!reading && recall()) reading = Promise.resolve();
  else {
    await ready();
    keep(words);
  }
  page.documentElement.lang = language();
  page.documentElement.dir = direction();
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

/** How long ago something was, such as "2 hours ago". */
export function age(seconds: number): string {
  const past = Math.max(Date.now() / 1000 - seconds, 0);
  const words = new Intl.RelativeTimeFormat(language(), { numeric: "auto" });
  // What is said of less than a minute fits into no sentence in Polish.
  if (past < 60 * 60) return words.format(-Math.max(Math.round(past / 60), 1), "minute");
  return past < 24 * 60 * 60 ? words.format(-Math.round(past / 60 / 60), "hour") : words.format(-Math.round(past / 24 / 60 / 60), "day");
}

/**
 * The name of a kind of scam, how it works in two sentences, and in a few what to do. From package category, by the
 * bundler.
 */
export function category(slug: string): { name: string; how: string; advice: string } {
  const known = said(`category_${slug}`) ? slug : "other";
  return { name: said(`category_${known}`), how: said(`category_${known}_how`), advice: said(`category_${known}_advice`) };
}

/** All kinds of scam that have a name, as slugs. */
export const categories = (): string[] => KHIEN_CATEGORIES;

declare const KHIEN_CATEGORIES: string[];
declare const KHIEN_LANGUAGES: Record<string, string>;
