// Which advice a person gets, chosen on this device from what came signed with the list: after a warning the card of
// that kind of scam, otherwise one small card a week at most, in the popup. Nothing is counted and nothing leaves. Kept
// are the names of cards that were dismissed or shown, and when the last one of the popup was.

import * as core from "./core";
import type { Supplement } from "./core";
import { api } from "../shared/ext";
import type { Advice, HelpFor, Kept } from "../shared/message";
import { suggested } from "./place";
import { cards as platforms } from "../shared/platforms_gen";
import { settings } from "../shared/settings";
import { language, spoken } from "../shared/text";
import type { Card, Harm, Text } from "../shared/supplement";

const week = 7 * 24 * 60 * 60;
/** For how long the card of a week stays in the popup. */
const shown = 24 * 60 * 60;

const nothing: Kept = { dismissed: [], seen: [], since: 0 };
/** More cards than a supplement may have need not be remembered. */
const most = 128;

export async function kept(): Promise<Kept> {
  const { advice } = await api.storage.local.get("advice");
  return { ...nothing, ...(advice as Partial<Kept> | undefined) };
}

const keep = (change: Kept): Promise<void> => api.storage.local.set({ advice: change });

/** The card for somebody who was just warned at this address about this kind of scam; null if there is none. */
export async function afterWarning(category: string, href: string): Promise<Advice | null> {
  const [{ cards }, { dismissed }] = await Promise.all([core.supplement(), kept()]);
  const fit = eligible(cards, platformOf(href), dismissed).filter((card) => card.categories?.includes(category));
  return fit[0] ? advice(fit[0]) : null;
}

/** The card of this week for the popup over this address; null if there was one already, or none fits. */
export async function ofTheWeek(href: string): Promise<Advice | null> {
  const [{ cards }, had] = await Promise.all([core.supplement(), kept()]);
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

/**
 * The cards that may be shown now: in time, for this platform, in a language that the reader reads, and not dismissed;
 * the newest first.
 */
function eligible(cards: Card[], platform: string, dismissed: string[]): Card[] {
  const time = core.now();
  return cards
    .filter(({ id }) => !dismissed.includes(id))
    .filter(({ from, to }) => from <= time && (to === 0 || time < to))
    .filter(({ platforms }) => !platforms?.length || platforms.includes(platform))
    .filter(({ title }) => title?.some(({ lang }) => lang === language()))
    .sort((a, b) => b.from - a.from);
}

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
  return spoken(Object.fromEntries((texts ?? []).map((text) => [text.lang, text.text])), lang);
}

/** What somebody in this country does in this case; "" is the country that was chosen, or that the browser suggests. */
export async function help(about: Harm, country = ""): Promise<HelpFor> {
  const [supplement, chosen] = await Promise.all([core.supplement(), settings()]);
  return helpIn(supplement, about, country || chosen.country || suggested(chosen.language));
}

function helpIn({ help }: Supplement, about: Harm, country: string): HelpFor {
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
  return (await core.supplement()).help.map(({ country }) => country).filter((country) => country !== "");
}
