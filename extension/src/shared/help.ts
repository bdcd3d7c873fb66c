// "I already paid, or gave something away": what to do now and whom to call, on the warning, over a covered account, in
// the popup and on a late warning. The words and the numbers come signed with the list.

import { ask, type HelpFor } from "./message";
import { h } from "./page";
import { day, t, type Key } from "./text";
import type { Harm } from "./supplement";

const cases: [about: Harm, name: Key][] = [
  ["paid", "helpPaid"],
  ["data", "helpData"],
  ["installed", "helpInstalled"],
];

/** What most people need help with after this kind of scam. */
const first: Record<string, Harm> = { phishing: "data", gaming: "data", malware: "installed", support: "installed" };

export interface Help {
  /** Shows and hides the steps; it says by itself which. */
  toggle: HTMLButtonElement;
  steps: HTMLElement;
  /** Shows the steps: of what most people need help with, until they choose another. */
  open(): void;
}

/** For somebody who was warned about this kind of scam. */
export function help(category: string): Help {
  const body = h("div", { className: "steps" });
  const choices = h("div", { className: "cases", role: "group", ariaLabel: t("helpWhat") });
  const steps = h("section", { id: "help", hidden: true, ariaLabel: t("help") }, h("h2", {}, t("helpWhat")), choices, body);
  const toggle = h("button", { id: "help-toggle", className: "secondary", type: "button" }, t("help"));
  toggle.ariaExpanded = "false";
  toggle.setAttribute("aria-controls", "help");

  const buttons = cases.map(([about, name]) => {
    const button = h("button", { id: `help-${about}`, type: "button" }, t(name));
    button.addEventListener("click", () => void show(about));
    choices.append(button);
    return { about, button };
  });

  async function show(about: Harm): Promise<void> {
    for (const one of buttons) one.button.ariaPressed = String(one.about === about);
    const told = await ask("help", { about }).catch(() => null);
    body.replaceChildren(...(told && told.steps.length > 0 ? written(told) : [h("p", {}, t("helpNone"))]));
  }

  function open(): void {
    steps.hidden = false;
    toggle.ariaExpanded = "true";
    if (!body.hasChildNodes()) void show(first[category] ?? "paid");
  }

  function close(): void {
    steps.hidden = true;
    toggle.ariaExpanded = "false";
  }

  toggle.addEventListener("click", () => {
    if (!steps.hidden) return close();
    open();
    steps.scrollIntoView({ block: "nearest" });
  });
  return { toggle, steps, open };
}

function written({ steps, hotlines, checked }: HelpFor): HTMLElement[] {
  const list = h("ol", {}, ...steps.map((step) => h("li", {}, step)));
  if (hotlines.length === 0) return [list];
  const lines = hotlines.map(({ kind, value, name, what }) => {
    const href = kind === "web" ? value : `${kind === "sms" ? "sms" : "tel"}:${value.replace(/[^+\d*#]/g, "")}`;
    const words = kind === "web" ? new URL(value).host : kind === "sms" ? t("helpSms", value) : value;
    // The page below learns nothing of it: no referrer, and no handle on the new window.
    const link = h("a", { href, rel: "noopener noreferrer", ...(kind === "web" ? { target: "_blank" } : {}) }, words);
    return h("li", {}, h("strong", {}, name), h("span", { className: "soft" }, what), link);
  });
  return [list, h("h3", {}, t("helpWho")), h("ul", { className: "hotlines" }, ...lines), h("p", { className: "soft small" }, t("helpChecked", day(Date.parse(checked) / 1000)))];
}
