// Why an author or a link is marked, beside the mark and above everything else of the page.

import css from "../pages/mark.css";
import { inside, keepEvents, restore, styleText, usable } from "./guarded";
import { ask, type Notice } from "./message";
import { h } from "./page";
import { category, day, direction, language, t, type Key } from "./text";
import { whatIs } from "./what";

/** The one that is open. */
let open: Reason | undefined;

const shown = styleText("display: block !important;");

/** Opens the reason for a notice beside the element that was clicked. Withdrawn is told if the list hit by chance. */
export function explain(notice: Notice, label: string, from: HTMLElement, withdrawn: () => void): void {
  open?.close();
  open = new Reason(notice, label, from, withdrawn);
}

class Reason {
  private readonly root = inside("khien-reason", css);
  private readonly host = this.root.host as HTMLElement;
  private readonly card = h("div", { id: "card", popover: "auto", role: "dialog", lang: language(), dir: direction() });
  private readonly since = h("p", { id: "since" });
  private readonly facts = h("dl", {});
  private readonly feedback = h("p", { id: "feedback", role: "status" });

  constructor(
    private readonly notice: Notice,
    label: string,
    private readonly from: HTMLElement,
    private readonly withdrawn: () => void,
  ) {
    const kind = category(notice.category);
    const close = this.button("close", t("close"), () => this.close());
    const mistake = this.button("mistake", t("mistake"), () => void this.mistake(mistake));
    this.card.setAttribute("aria-labelledby", "title");
    this.card.append(
      h("h2", { id: "title" }, label),
      h("p", { id: "name" }, notice.name),
      h("p", { id: "category" }, kind.name),
      h("p", { id: "how" }, kind.how),
      h("h3", { id: "now-title" }, t("now")),
      h("p", { id: "now" }, t(whatIs(notice.subject) === "account" ? "nowAccount" : "nowLink")),
      h("p", { id: "now-kind" }, kind.advice),
      this.since,
      this.facts,
      h("div", { className: "buttons" }, close, mistake),
      this.feedback,
    );
    this.root.append(this.card);
    restore(this.host, shown);
    keepEvents(this.host);
    this.tell(notice);
    usable().append(this.host);
    this.card.addEventListener("toggle", (event) => {
      if ((event as ToggleEvent).newState === "closed") this.gone();
    });
    this.card.showPopover();
    this.place();
    addEventListener("resize", this.turned);
    close.focus({ preventScroll: true });
    from.ariaExpanded = "true";
    void this.fetch();
  }

  /** Another size of the window, or a telephone that was turned. */
  private readonly turned = () => this.place();

  close(): void {
    if (this.card.matches(":popover-open")) this.card.hidePopover();
    else this.gone();
  }

  private gone(): void {
    if (open !== this) return;
    open = undefined;
    removeEventListener("resize", this.turned);
    const had = document.activeElement === this.host || document.activeElement === document.body;
    this.host.remove();
    this.from.ariaExpanded = "false";
    if (had && this.from.isConnected) this.from.focus({ preventScroll: true });
  }

  /** Below what was clicked, or above it where there is more room. */
  private place(): void {
    const at = boxOf(this.from);
    const { offsetWidth: width, offsetHeight: height } = this.card;
    const room = { x: document.documentElement.clientWidth, y: innerHeight };
    const left = Math.max(8, Math.min(at.left, room.x - width - 8));
    const below = at.bottom + 6;
    const top = below + height <= room.y - 8 ? below : Math.max(8, Math.min(at.top - 6 - height, room.y - height - 8));
    this.card.style.left = `${left}px`;
    this.card.style.top = `${top}px`;
  }

  private async fetch(): Promise<void> {
    const { href } = this.notice;
    const told = await ask("feed.details", { href }).catch((): Notice => ({ ...this.notice, details: "offline" }));
    // Nothing is listed there, or no longer.
    if (told === "withdrawn" || !told) {
      this.close();
      this.withdrawn();
    } else this.tell(told);
  }

  private tell(notice: Notice): void {
    const { issued, since, details } = notice;
    this.since.textContent = details === "offline" ? t("sinceOffline", day(issued)) : since > 0 ? t("since", day(since)) : t("sinceList", day(issued));
    this.facts.replaceChildren();
    const add = (key: Key, text: string) => {
      if (text) this.facts.append(h("dt", {}, t(key)), h("dd", {}, text));
    };
    add("reason", notice.reason || (details === "pending" ? t("reasonPending") : ""));
    add("listedBy", notice.source);
    add("reference", notice.reference);
    add("matched", notice.subject);
  }

  private async mistake(button: HTMLButtonElement): Promise<void> {
    button.disabled = true;
    const outcome = await ask("feed.mistake", { href: this.notice.href }).catch(() => "failed" as const);
    this.feedback.textContent = outcome === "queued" ? t("mistakeQueued", this.notice.subject) : t("mistakeFailed");
    button.disabled = outcome === "queued";
  }

  private button(id: string, text: string, click: () => void): HTMLButtonElement {
    const element = h("button", { id, type: "button" }, text);
    element.addEventListener("click", (event) => {
      if (event.isTrusted) click();
    });
    return element;
  }
}

/** Where an element is on the screen, also if it is in a frame of the page. */
function boxOf(element: Element): DOMRect {
  const box = element.getBoundingClientRect();
  for (let frame = element.ownerDocument.defaultView?.frameElement; frame; frame = frame.ownerDocument.defaultView?.frameElement) {
    const { left, top } = frame.getBoundingClientRect();
    const { paddingLeft, paddingTop } = getComputedStyle(frame);
    box.x += left + frame.clientLeft + parseFloat(paddingLeft);
    box.y += top + frame.clientTop + parseFloat(paddingTop);
  }
  return box;
}
