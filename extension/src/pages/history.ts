// The reports of a person and what became of them, as a list.

import { h } from "../shared/page";
import type { Entry } from "../shared/entry";
import { category, day, moment, spoken, t, type Key } from "../shared/text";

/** Words for what the server says became of a report (wire.Receipt). */
const outcomes: Record<string, Key> = {
  received: "outcomeReceived",
  review: "outcomeReview",
  accepted: "outcomeAccepted",
  listed: "outcomeListed",
  rejected: "outcomeRejected",
  informed: "outcomeInformed",
  removed: "outcomeRemoved",
  withdrawn: "outcomeWithdrawn",
  unread: "outcomeUnread",
  unknown: "outcomeUnknown",
};

/** And about a report of a mistake. */
const answers: Record<string, Key> = { ...outcomes, accepted: "outcomeRight", rejected: "outcomeStays", withdrawn: "outcomeOff", listed: "outcomeOn" };

/** Words for each step on the way there. */
const stepWords: Record<string, Key> = {
  received: "stepReceived",
  review: "stepReview",
  accepted: "stepAccepted",
  listed: "stepListed",
  rejected: "stepRejected",
  informed: "stepInformed",
  removed: "stepRemoved",
  withdrawn: "stepWithdrawn",
  unread: "stepUnread",
};

/** And about a report of a mistake. */
const answerWords: Record<string, Key> = { ...stepWords, accepted: "stepRight", rejected: "stepStays" };

/**
 * Why it was decided so, or what is asked before that, in the reader's language or else in English; empty if nothing is
 * known.
 */
function reason({ outcome, reasons = {} }: Entry): string {
  const text = spoken(reasons);
  return text ? ` ${t(outcome === "review" ? "outcomeAsked" : "outcomeReason", text)}` : "";
}

/** The way of a report so far, as a list with the day of each step; nothing before the second step. */
function way({ kind, steps = [] }: Entry): HTMLElement[] {
  const words = kind === "mistake" ? answerWords : stepWords;
  const known = steps.filter(({ state }) => words[state]);
  if (known.length < 2) return [];
  return [h("ol", { className: "steps" }, ...known.map(({ state, time }) => h("li", {}, h("span", {}, t(words[state] ?? "stepReceived")), h("span", { className: "soft" }, day(time)))))];
}

/** What a person can know about a report now. */
export function outcome(entry: Entry): string {
  if (entry.state === "refused") return t("reportRefused");
  if (entry.state === "sent") {
    const words = entry.kind === "mistake" ? answers : outcomes;
    return t(words[entry.outcome] ?? "outcomeReceived", entry.receipt.slice(0, 8)) + reason(entry);
  }
  return t(entry.tries > 0 && entry.due > Date.now() + 10_000 ? "sendingLater" : "sending");
}

/** One line for each report. */
export function rows(entries: Entry[]): HTMLElement[] {
  return entries.map((entry) => {
    const about = entry.href ? shortened(entry.href) : entry.subject;
    const what = t(entry.kind === "mistake" ? "reportsMistake" : "reportsScam", moment(entry.time));
    const kind = entry.category ? ` · ${category(entry.category).name}` : "";
    const done = ["accepted", "listed", "informed", "removed"].includes(entry.outcome) && !(entry.kind === "mistake" && entry.outcome === "listed") ? "done" : entry.state === "refused" || entry.outcome === "rejected" ? "refused" : "";
    return h("li", { className: done }, h("strong", {}, about), h("span", { className: "soft" }, what + kind), h("span", {}, outcome(entry)), ...way(entry));
  });
}

/** An address as people say it. */
export function shortened(href: string): string {
  const { host, pathname } = new URL(href);
  return host + pathname.replace(/\/$/, "");
}
