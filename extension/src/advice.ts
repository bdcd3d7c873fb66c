// Which advice a person gets, chosen on this device from what came signed with the list: after a warning the card of that
// kind of scam, otherwise one small card a week at most, in the popup. Nothing is counted and nothing leaves. Kept
// are the names of cards that were dismissed or shown, and when the last one of the popup was.

import * as core from "./core";
import type { Guide } from "./core";
import { api } from "./ext";
import { settings } from "./settings";
import { language } from "./text";
import type { Card, Case, Text } from "./told";

/** A card in the reader's language. */
export interface Advice {
  id: string;
  title: string;
  text: string;
  /** A data: address, or empty. */
  picture: string;
  /** What the picture shows. */
  alt: string;
  /** https, or empty. */
  link: string;
}

/** What to do, and whom to call, in the reader's language. */
export interface HelpFor {
  /** Such as "VN"; empty if there is nothing for that country in particular. */
  country: string;
  /** The day on which the hotlines were looked up, such as "2026-11-24"; empty without any. */
  checked: string;
  steps: string[];
  hotlines: { kind: "phone" | "sms" | "web"; value: string; name: string; what: string; source: string }[];
}

const week = 7 * 24 * 60 * 60;
/** For how long the card of a week stays in the popup. */
const shown = 24 * 60 * 60;

/** What is kept about cards. */
export interface Kept {
  /** Names of cards that a person does not want to see again. */
  dismissed: string[];
  /** Names of cards that the popup has shown, the last one first. */
  seen: string[];
  /** When it showed the first of them, in Unix seconds. */
  since: number;
}

const nothing: Kept = { dismissed: [], seen: [], since: 0 };
/** More cards than a guide may have need not be remembered. */
const most = 128;

export async function kept(): Promise<Kept> {
  const { advice } = await api.storage.local.get("advice");
  return { ...nothing, ...(advice as Partial<Kept> | undefined) };
}

const keep = (change: Kept): Promise<void> => api.storage.local.set({ advice: change });

/** The card for somebody who was just warned at this address about this kind of scam; null if there is none. */
export async function afterWarning(category: string, href: string): Promise<Advice | null> {
  const [{ cards }, { dismissed }] = await Promise.all([core.guide(), kept()]);
  const fit = eligible(cards, platformOf(href), dismissed).filter((card) => card.categories?.includes(category));
  return fit[0] ? advice(fit[0]) : null;
}

/** The card of this week for the popup over this address; null if there was one already, or none fits. */
export async function ofTheWeek(href: string): Promise<Advice | null> {
  const [{ cards }, had] = await Promise.all([core.guide(), kept()]);
  const fit = eligible(cards, platformOf(href), had.dismissed);
  const age = core.now() - had.since;
  if (age >= 0 && age < week) {
    const same = age < shown ? fit.find(({ id }) => id === had.seen[0]) : undefined;
    return same ? advice(same) : null;
  }
  // One that was not shown yet, or else the one that was shown longest ago.
  const next = fit.find(({ id }) => !had.seen.includes(id)) ?? fit.sort((a, b) => had.seen.indexOf(b.id) - had.seen.indexOf(a.id))[0];
  if (!next) return null;
  await keep({ ...had, seen: [next.id, ...had.seen.filter((id) => id !== next.id)].slice(0, most), since: core.now() });
  return advice(next);
}

/** Never shows this card again. */
export async function dismiss(id: string): Promise<void> {
  const had = await kept();
  await keep({ ...had, dismissed: [id, ...had.dismissed.filter((other) => other !== id)].slice(0, most) });
}

/** The cards that may be shown now: in time, for this platform, in a language that the reader reads, and not dismissed; the newest first. */
function eligible(cards: Card[], platform: string, dismissed: string[]): Card[] {
  const time = core.now();
  return cards
    .filter(({ id }) => !dismissed.includes(id))
    .filter(({ from, to }) => from <= time && (to === 0 || time < to))
    .filter(({ platforms }) => !platforms?.length || platforms.includes(platform))
    .filter(({ title }) => title?.some(({ lang }) => lang === language()))
    .sort((a, b) => b.from - a.from);
}

/** Where cards may be for one platform only, by domain; the names are those of package subject. */
const platforms: Record<string, string> = {
  "facebook.com": "facebook",
  "messenger.com": "facebook",
  "instagram.com": "instagram",
  "threads.net": "threads",
  "threads.com": "threads",
  "tiktok.com": "tiktok",
  "youtube.com": "youtube",
  "x.com": "x",
  "twitter.com": "x",
  "t.me": "telegram",
  "telegram.org": "telegram",
  "zalo.me": "zalo",
  "linkedin.com": "linkedin",
  "whatsapp.com": "whatsapp",
};

/** The platform of an address, such as "facebook"; empty for any other website. */
function platformOf(href: string): string {
  if (!URL.canParse(href)) return "";
  return platforms[new URL(href).hostname.split(".").slice(-2).join(".")] ?? "";
}

function advice(card: Card): Advice {
  return { id: card.id, title: said(card.title), text: said(card.text), picture: address(card.picture), alt: said(card.alt), link: card.link };
}

function address(picture: Uint8Array): string {
  if (picture.length === 0) return "";
  let bytes = "";
  for (const byte of picture) bytes += String.fromCharCode(byte);
  return `data:image/${picture[0] === 0x89 ? "png" : "jpeg"};base64,${btoa(bytes)}`;
}

/** A text in the reader's language, or else in English, or else the first. */
export function said(texts: Text[] | null, lang = language()): string {
  const find = (wanted: string) => texts?.find((text) => text.lang === wanted)?.text;
  return find(lang) ?? find("en") ?? texts?.[0]?.text ?? "";
}

/** What somebody in this country does in this case; "" is the country that was chosen, or that the browser suggests. */
export async function help(about: Case, country = ""): Promise<HelpFor> {
  const [guide, chosen] = await Promise.all([core.guide(), settings()]);
  return helpIn(guide, about, country || chosen.country || suggested(chosen.language));
}

function helpIn({ help }: Guide, about: Case, country: string): HelpFor {
  const anywhere = help.find((one) => one.country === "");
  const here = help.find((one) => one.country === country) ?? anywhere;
  const steps = (one = here) => (one?.steps ?? []).filter((step) => step.case === about).map((step) => said(step.text));
  const hotlines = (here?.hotlines ?? []).filter(({ cases }) => !cases?.length || cases.includes(about));
  return {
    country: here?.country ?? "",
    checked: here?.checked ?? "",
    steps: steps().length > 0 ? steps() : steps(anywhere),
    hotlines: hotlines.map(({ kind, value, name, what, source }) => ({ kind, value, name: said(name), what: said(what), source })),
  };
}

/** The countries for which there are hotlines, such as "VN". */
export async function countries(): Promise<string[]> {
  return (await core.guide()).help.map(({ country }) => country).filter((country) => country !== "");
}

/** Countries that a language alone suggests; others need a region in the browser's languages. */
const homes: Record<string, string> = { vi: "VN", pl: "PL", th: "TH" };

/** Time zones say where a person is, and a language with a region often only whose spelling was installed. */
const zones: Record<string, string> = {
  "Asia/Ho_Chi_Minh": "VN",
  "Asia/Saigon": "VN",
  "Europe/Warsaw": "PL",
  "Europe/London": "GB",
  "Asia/Singapore": "SG",
  "Asia/Bangkok": "TH",
  "Asia/Taipei": "TW",
};

/** The country that the browser suggests, such as "VN", or "". Where its clock belongs to no place, the language that a person has chosen comes before the browser's. */
function suggested(chosen: string): string {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";
  const there = zones[zone] ?? (zone.startsWith("Australia/") ? "AU" : "");
  if (there) return there;
  const placeless = /^(|UTC|GMT|Etc\/.*)$/.test(zone);
  for (const tag of placeless ? [chosen, ...navigator.languages] : navigator.languages) {
    const region = /-([A-Z]{2})$/.exec(tag)?.[1] ?? homes[tag.split("-")[0] ?? ""];
    if (region) return region;
  }
  return "";
}
