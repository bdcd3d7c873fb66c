// What a person has chosen. It is on this device only, and everything has a value before anything is chosen.

import { api } from "./ext";

export interface Settings {
  /** The language of all words, such as "vi"; empty for the browser's. */
  language: string;
  /** The country whose hotlines are shown, such as "VN"; empty for the one that the browser suggests. */
  country: string;
  /** The networks on which authors and links are not marked, by their domain. */
  unmarked: string[];
  /** Whether the digests of what was met are kept for late warnings. */
  late: boolean;
}

const usual: Settings = { language: "", country: "", unmarked: [], late: true };

export async function settings(): Promise<Settings> {
  const { settings: chosen } = await api.storage.local.get("settings");
  return { ...usual, ...(chosen as Partial<Settings> | undefined) };
}

export async function choose(change: Partial<Settings>): Promise<void> {
  await api.storage.local.set({ settings: { ...(await settings()), ...change } });
}
