// The reports of a person and what became of them, as a list.

import { h } from "./page";
import type { Entry } from "./store";
import { category, moment, t, type Key } from "./text";

/** Words for what the server says became of a report (wire.Receipt). */
const outcomes: Record<string, Key> = {
  received: "outcomeReceived",
  accepted: "outcomeAccepted",
  listed: "outcomeListed",
  rejected: "outcomeRejected",
};

/** What a person can know about a report now. */
export function outcome(entry: Entry): string {
  if (entry.state === "refused") return t("reportRefused");
  if (entry.state === "sent") return t(outcomes[entry.outcome] ?? "outcomeReceived", entry.receipt.slice(0, 8));
  return t(entry.tries > 0 && entry.due > Date.now() + 10_000 ? "sendingLater" : "sending");
}

/** One line for each report. */
export function rows(entries: Entry[]): HTMLElement[] {
  return entries.map((entry) => {
    const about = entry.href ? shortened(entry.href) : entry.subject;
    const what = t(entry.kind === "mistake" ? "reportsMistake" : "reportsScam", moment(entry.time));
    const kind = entry.category ? ` · ${category(entry.category).name}` : "";
    const done = ["accepted", "listed"].includes(entry.outcome) ? "done" : entry.state === "refused" || entry.outcome === "rejected" ? "refused" : "";
    return h("li", { className: done }, h("strong", {}, about), h("span", { className: "soft" }, what + kind), h("span", {}, outcome(entry)));
  });
}

/** An address as people say it. */
export function shortened(href: string): string {
  const { host, pathname } = new URL(href);
  return host + pathname.replace(/\/$/, "");
}
