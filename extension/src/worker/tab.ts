// What a tab shows, by what is known of it. It is decided here and nowhere else, so that toolbar, warning, cover,
// banner and popup never tell a person different things. Nothing is asked here, and nothing remembered.

import type { Health, Page } from "../shared/message";
import type { Warning } from "../shared/session";
import { isAccount } from "../shared/what";

/**
 * Something that the list was asked about; and why it is let through, if it is: the person goes on, or the list has hit
 * it by chance.
 */
export interface Asked {
  warning: Warning;
  through?: "passed" | "cleared" | undefined;
}

export interface Known {
  /**
   * A page of the web; one of a network, where our script covers accounts; a warning of ours; or nothing that a list
   * could name.
   */
  place: "web" | "network" | "warning" | "elsewhere";
  /** By its address. */
  page: Asked;
  /** By another name of the account, which only the page says. */
  also?: Asked | undefined;
  /** What its frames hold, and whether the person wants to hear no more of that. */
  frames?: (Asked & { hushed: boolean })[];
  /** Whether it passes itself off as somebody well known. */
  resembles?: boolean;
  /** Whether access to the site is granted, so that our script may come into the page. */
  granted?: boolean;
  list?: Health;
}

/**
 * What stands on the toolbar button about a page; nothing, or that the list is out of date, where there is nothing to
 * say about it.
 */
export type Badge = "listed" | "framed" | "caution" | "unknown" | "outdated" | "nothing";

export interface Shown {
  /** What the popup says, and about what. */
  state: Page["state"];
  told: Warning | undefined;
  badge: Badge;
  /** What has a warning take the place of the page, or cover it. */
  warning: Warning | undefined;
  cover: Warning | undefined;
  /** What is told of the frames; and of it, what a banner in the page says. */
  framed: Warning[];
  banner: Warning | undefined;
}

const isListed = ({ warning, through }: Asked): boolean => warning.finding.verdict === "listed" && through !== "cleared";

/** Whether nothing is known about something: the list does not name it, or only by chance. */
export const isUnlisted = ({ warning, through }: Asked): boolean => warning.finding.verdict === "unlisted" || through === "cleared";

export function shows({ place, page, also, frames = [], resembles = false, granted = false, list = "fresh" }: Known): Shown {
  const all = place === "warning" ? [page] : [page, also].filter((one) => one !== undefined && isListed(one));
  const listed = all.find((one) => !one?.through) ?? all[0];
  const isHere = place !== "warning" && listed !== undefined && !listed.through;
  const isCovered = isHere && place === "network" && isAccount(listed.warning.finding.subject);
  const framed = frames.filter((one) => isListed(one) && !one.through && !one.hushed).map(({ warning }) => warning);
  const { verdict } = page.warning.finding;
  const state =
    listed ? (listed.through && place !== "warning" ? "passed" : "listed")
    : framed.length > 0 ? "framed"
    : place === "elsewhere" ? "other"
    : verdict === "unknown" ? "unknown"
    : resembles || verdict === "caution" ? "caution"
    : "unlisted";
  return {
    state,
    told: listed?.warning ?? framed[0],
    badge: badges[state] ?? (list === "fresh" ? "nothing" : "outdated"),
    warning: isHere && !isCovered ? listed.warning : undefined,
    cover: isCovered ? listed.warning : undefined,
    framed,
    banner: place === "network" || granted ? framed[0] : undefined,
  };
}

/** What the button says of each state of a page that there is something to say about. */
const badges: Partial<Record<Page["state"], Badge>> = { listed: "listed", passed: "listed", framed: "framed", caution: "caution", unknown: "unknown" };
