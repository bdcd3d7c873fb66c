// The warning itself, the same on the warning page and over a listed account; but what a person decides about it, a
// page of others might have them press: that is on the warning page alone. It is built from nodes and text, never from
// HTML.

import type { Detailed, Notice } from "./message";
import { help } from "./help";
import { h, isolated, unhurried } from "./page";
import { isPersons } from "./press";
import { category, day, t, type Key } from "./text";
import { whatIs, type What } from "./what";

const stop: Record<What, Key> = { account: "stopAccount", page: "stopPage", thing: "stopThing" };

/** What the buttons do. */
export interface Actions {
  leave(): void;
  /** On a page of ours. */
  decisions?: { mistake(): Promise<"queued" | "failed">; goOn(): void };
  /** In a page of others: opens one of ours. */
  elsewhere?(): void;
  /** Fetches the reason. */
  details(): Promise<Detailed | null>;
  /** The list hit by chance: there is nothing to warn about. */
  withdrawn(): void;
}

export interface View {
  root: HTMLElement;
  /** Puts the focus on the way out. */
  focus(): void;
}

/** Shows a notice whose details follow as soon as they are there. */
export function view(notice: Notice, actions: Actions): View {
  const what = whatIs(notice.subject);
  const kind = category(notice.category);

  const since = h("p", { id: "since" }, sinceText(notice));
  const details = h("section", { id: "details", hidden: true, ariaLabel: t("reason") }, facts(notice));
  const feedback = h("p", { id: "feedback", className: "feedback", role: "status" });
  const aid = help(notice.category);
  const leave = button("leave", "primary", "leave", actions.leave);
  const toggle = button("reason-toggle", "quiet", "reasonShow", () => {
    details.hidden = !details.hidden;
    toggle.ariaExpanded = String(!details.hidden);
    toggle.textContent = t(details.hidden ? "reasonShow" : "reasonHide");
  });
  toggle.ariaExpanded = "false";
  toggle.setAttribute("aria-controls", "details");
  const { decisions, elsewhere } = actions;
  const choices: HTMLElement[] = [toggle];
  if (elsewhere) choices.push(button("elsewhere", "quiet", "elsewhere", elsewhere));
  if (decisions) {
    const mistake = button("mistake", "quiet", "mistake", async () => {
      mistake.disabled = true;
      const outcome = await decisions.mistake().catch(() => "failed" as const);
      feedback.textContent = outcome === "queued" ? `${t("mistakeQueued", notice.subject)} ${t("mistakeNext")}` : t("mistakeFailed");
      mistake.disabled = outcome === "queued";
      leave.focus();
    });
    choices.push(unhurried(mistake, button("go-on", "quiet", "goOn", decisions.goOn)));
  }

  const root = h(
    "article",
    { className: "notice" },
    h("header", {}, mark(), h("div", {}, h("h1", { id: "title" }, t(stop[what])), h("p", { id: "name", className: "name" }, notice.name))),
    ...(notice.fought ? [h("p", { id: "fought" }, t("fought"))] : []),
    h("section", { className: "kind" }, h("h2", { id: "category" }, kind.name), h("p", { id: "how" }, kind.how)),
    h("section", { className: "now" }, h("h2", {}, t("now")), h("p", { id: "now" }, t(what === "account" ? "nowAccount" : "nowPage")), h("p", { id: "now-kind" }, kind.advice)),
    h("div", { className: "buttons" }, leave, aid.toggle),
    aid.steps,
    since,
    h("div", { className: "buttons last" }, ...choices),
    details,
    feedback,
  );

  void actions
    .details()
    .catch((): Notice => ({ ...notice, details: "offline" }))
    .then((detailed) => {
      if (detailed === "withdrawn") return actions.withdrawn();
      if (!detailed) return;
      since.textContent = sinceText(detailed);
      details.replaceChildren(facts(detailed));
    });

  return { root, focus: () => leave.focus({ preventScroll: true, focusVisible: true }) };
}

/** Since when it is listed, by whom, and under which number. */
export function sinceText(notice: Notice): string {
  if (notice.details === "offline") return t("sinceOffline", day(notice.issued));
  const words = [notice.since > 0 ? t("since", day(notice.since)) : t("sinceList", day(notice.issued))];
  if (notice.source) words.push(t("by", listedBy(notice.source)));
  if (notice.reference) words.push(t("case", notice.reference));
  return words.join(" ");
}

/** Who listed it, and who says so too: an entry has both in one text (wire.AlsoSaid). */
export function listedBy(source: string): string {
  const [by = "", ...also] = source.split("; ").map(isolated);
  return also.length > 0 ? t("alsoSaid", by, also.join("; ")) : by;
}

/** The answers to "why", as far as they are known. */
export function facts(notice: Notice): HTMLElement {
  const list = h("dl", {});
  const add = (key: Key, text: string, className = "") => {
    if (text) list.append(h("dt", {}, t(key)), h("dd", { className }, text));
  };
  const waiting = notice.details === "pending" ? t("reasonPending") : notice.details === "offline" ? t("reasonOffline") : "";
  add("reason", notice.reason || waiting || t("reasonNone"));
  add("listedBy", listedBy(notice.source));
  add("reference", notice.reference);
  add("matched", notice.subject, "exact");
  if (!notice.subject.startsWith(notice.href)) add("address", notice.href, "exact");
  return list;
}

function button(id: string, className: string, key: Key, click: () => void): HTMLButtonElement {
  const element = h("button", { id, className, type: "button" }, t(key));
  element.addEventListener("click", (event) => {
    if (isPersons(event)) click();
  });
  return element;
}

/** The shield with an exclamation mark. */
function mark(): SVGElement {
  const draw = (name: string, attributes: Record<string, string>) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  };
  const svg = draw("svg", { viewBox: "0 0 64 64", class: "mark", "aria-hidden": "true" });
  svg.append(
    draw("path", { class: "shield", d: "M32 3 8 12v18c0 15.5 10 26.5 24 31 14-4.5 24-15.5 24-31V12z" }),
    draw("path", { class: "sign", d: "M32 17v17M32 45v.5" }),
  );
  return svg as SVGElement;
}
