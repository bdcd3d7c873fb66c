// A banner over a page that holds a listed page in a frame. The worker has it brought where it may run, and it asks the
// worker what to say: it reads nothing of the page.

import css from "../../pages/banner.css";
import { api } from "../shared/ext";
import { inside, styleText, usable } from "./guarded";
import { ask, inTurn, lookAtFrames, type Notice } from "../shared/message";
import { isolated } from "../shared/page";
import { isPersons } from "../shared/press";
import { Stand } from "./stand";
import { category, direction, language, ready, t, type Key } from "../shared/text";

let banner: Banner | undefined;

const look = inTurn(async () => {
  const question = () => ask("banner.look", null);
  // As for a cover: a worker that was stopped over the question is woken by the next.
  const notice = await question().catch(question).catch(() => null);
  if (notice) await ready();
  if (banner && banner.subject !== notice?.subject) {
    banner.remove();
    banner = undefined;
  }
  if (notice) banner ??= new Banner(notice);
});

class Banner {
  readonly subject: string;
  private readonly root = inside("khien-banner", css);
  private readonly host = this.root.host as HTMLElement;
  private readonly why = document.createElement("p");
  private readonly section = document.createElement("section");
  private readonly stand: Stand;
  /** Where it was put last. */
  private place: Element | undefined;

  constructor(notice: Notice) {
    const { subject } = notice;
    this.subject = subject;
    const kind = category(notice.category);
    const title = text("h2", "title", t("framedTitle", isolated(notice.name)));
    this.why.id = "why";
    this.why.hidden = true;
    this.why.textContent = `${kind.how} ${notice.reason}`;
    const toggle = button("reason-toggle", "reasonShow", () => {
      this.why.hidden = !this.why.hidden;
      toggle.ariaExpanded = String(!this.why.hidden);
      toggle.textContent = t(this.why.hidden ? "reasonShow" : "reasonHide");
    });
    toggle.ariaExpanded = "false";
    const buttons = document.createElement("div");
    buttons.append(
      button("leave", "leave", () => void ask("banner.leave", null)),
      toggle,
      button("elsewhere", "elsewhere", () => void ask("banner.why", { subject })),
    );
    const { section } = this;
    section.setAttribute("role", "alert");
    section.setAttribute("aria-labelledby", "title");
    section.lang = language();
    section.dir = direction();
    section.append(title, text("p", "category", kind.name), this.why, buttons);

    this.root.append(section);
    this.stand = new Stand({
      subject,
      host: this.host,
      body: section,
      style: visible,
      isAll: false,
      parent: () => this.parent(),
      isOpen: () => this.host.matches(":popover-open"),
      isReached: () => this.isReached(),
      raise: () => this.raise(),
    });
    void ask("banner.details", { subject })
      .catch(() => null)
      .then((detailed) => {
        if (detailed === "withdrawn") void look();
        else if (detailed) this.why.textContent = `${kind.how} ${detailed.reason}`;
      });
  }

  /** In a dialog that leaves nothing outside of it to be used, while it is open. */
  private parent(): Element {
    const before = this.host.parentNode;
    return before instanceof Element && before === this.place && this.isReached() ? before : (this.place = usable());
  }

  private isReached(): boolean {
    const { left, top, width, height } = this.section.getBoundingClientRect();
    const root = this.host.getRootNode();
    if ((root instanceof ShadowRoot ? root : document).elementFromPoint(left + width / 2, top + height / 2) === this.host) return true;
    // Over a video that fills the screen it is seen, and nothing but the video can be used until the person leaves
    // that.
    return document.fullscreenElement !== null && this.host.parentNode === usable();
  }

  /** In the top layer nothing lies over it, whatever its z-index, that was not put there later. */
  private raise(): void {
    const before = this.root.activeElement;
    if (this.host.popover !== "manual") this.host.popover = "manual";
    this.host.togglePopover(false);
    this.host.showPopover();
    if (before instanceof HTMLElement) before.focus({ preventScroll: true });
  }

  remove(): void {
    this.stand.remove();
  }
}

const visible = styleText("display: block !important; position: fixed !important; inset: 0 0 auto 0 !important;");

function text(name: "h2" | "p", id: string, words: string): HTMLElement {
  const element = document.createElement(name);
  element.id = id;
  element.textContent = words;
  return element;
}

function button(id: string, key: Key, click: () => void): HTMLButtonElement {
  const element = document.createElement("button");
  element.id = id;
  element.type = "button";
  element.textContent = t(key);
  element.addEventListener("click", (event) => {
    if (isPersons(event)) click();
  });
  return element;
}

// It may be brought twice into one page.
const scope = globalThis as { khienBanner?: true };
if (!scope.khienBanner) {
  scope.khienBanner = true;
  api.runtime.onMessage.addListener((message: unknown, _sender, reply) => {
    if (message !== lookAtFrames) return;
    void look();
    reply(true);
  });
  addEventListener("pageshow", () => void look());
  void look();
}
