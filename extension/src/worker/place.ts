// Where a person is and what people speak there: whom they would call, and how the numbers are written that they read.

import { settings } from "../shared/settings";

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

/**
 * The country that the browser suggests, such as "VN", or "". Where its clock belongs to no place, the language that a
 * person has chosen comes before the browser's.
 */
export function suggested(chosen: string): string {
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

/** The languages of the person and of the place, as BCP 47 tags. */
export async function speaks(): Promise<string[]> {
  const { language, country } = await settings();
  return [...new Set([language, ...navigator.languages, `und-${country || suggested(language)}`])].filter((tag) => tag && tag !== "und-");
}
