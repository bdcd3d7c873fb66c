// What a person has chosen. It is on this device only, and everything has a value before anything is chosen.

import { api } from "./ext";

/** How much of a report's address is sent. */
export type Extent = "full" | "path" | "host";

export interface Settings {
  /** The language of all words, such as "vi"; empty for the browser's. */
  language: string;
  /** The country whose hotlines are shown, such as "VN"; empty for the one that the browser suggests. */
  country: string;
  /** The networks on which authors and links are not marked, by their domain. */
  unmarked: string[];
  /** Whether the digests of what was met are kept for late warnings. */
  late: boolean;
  /**
   * What goes along with a report: how much of the address, and whether the title, the language, and where the page's
   * links lead.
   */
  sends: { address: Extent; title: boolean; language: boolean; links: boolean };
}

/** Where lists come from and reports go. */
export interface Home {
  /** An origin. */
  server: string;
  /** The key that all of its lists must lead back to. */
  root: string;
}

const usual: Settings = { language: "", country: "", unmarked: [], late: true, sends: { address: "full", title: true, language: true, links: true } };

export async function settings(): Promise<Settings> {
  const { settings: chosen } = await api.storage.local.get("settings");
  const found = chosen as Partial<Settings> | undefined;
  return { ...usual, ...found, sends: { ...usual.sends, ...found?.sends } };
}

export async function choose(change: Partial<Settings>): Promise<void> {
  await api.storage.local.set({ settings: { ...(await settings()), ...change } });
}

/** Tells of each change from now on. */
export function whenChosen(tell: (now: Settings, before: Settings) => void): void {
  api.storage.onChanged.addListener((changes, area) => {
    const change = area === "local" ? changes["settings"] : undefined;
    if (change) tell({ ...usual, ...(change.newValue as Partial<Settings>) }, { ...usual, ...(change.oldValue as Partial<Settings>) });
  });
}
