// The social networks on which authors and links are marked, by the domains of each. The
// manifest names the same hosts (content_scripts); a person can switch each of them off.

export type Platform = "facebook" | "instagram" | "linkedin" | "telegram" | "threads" | "tiktok" | "x" | "youtube" | "zalo";

export interface Network {
  /** As people call it. */
  name: string;
  /** The first one stands for the network in the settings. */
  domains: readonly string[];
  /** Of its subjects: the word in front of the colon (package subject). */
  platform: Platform;
}

export const networks: readonly Network[] = [
  { name: "Facebook", domains: ["facebook.com", "fb.com"], platform: "facebook" },
  { name: "Messenger", domains: ["messenger.com"], platform: "facebook" },
  { name: "TikTok", domains: ["tiktok.com"], platform: "tiktok" },
  { name: "YouTube", domains: ["youtube.com"], platform: "youtube" },
  { name: "Telegram", domains: ["telegram.org", "t.me", "telegram.me", "telegram.dog"], platform: "telegram" },
  { name: "Zalo", domains: ["zalo.me"], platform: "zalo" },
  { name: "Instagram", domains: ["instagram.com"], platform: "instagram" },
  { name: "Threads", domains: ["threads.com", "threads.net"], platform: "threads" },
  { name: "X", domains: ["x.com", "twitter.com"], platform: "x" },
  { name: "LinkedIn", domains: ["linkedin.com"], platform: "linkedin" },
];

/** The network that a host belongs to; undefined for all others. */
export const networkOf = (host: string): Network | undefined =>
  networks.find(({ domains }) => domains.some((domain) => host === domain || host.endsWith("." + domain)));
