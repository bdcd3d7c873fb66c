// A banner over a page that holds a listed page in a frame. The worker has it brought where it may run, and it asks the
// worker what to say: it reads nothing of the page.

import css from "../pages/banner.css";
import { api } from "./ext";
import { inside, usable } from "./guarded";
import { ask, inTurn, lookAtFrames, type Notice } from "./message";
import { category, direction, language, ready, t, type Key } from "./text";

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
  private readonly observer = new MutationObserver(() => this.keep());
  /** Nothing tells that the page has opened a dialog. */
  private readonly timer = setInterval(() => this.keep(), 300);

  constructor(notice: Notice) {
    const { subject } = notice;
    this.subject = subject;
    const kind = category(notice.category);
    const title = text("h2", "title", t("framedTitle", notice.name));
    this.why.id = "why";
    this.why.hidden = true;
    this.why.textContent = `${kind.how} ${notice.reason}`;
    const feedback = text("p", "feedback", "");
    feedback.setAttribute("role", "status");
    const toggle = button("reason-toggle", "reasonShow", () => {
      this.why.hidden = !this.why.hidden;
      toggle.ariaExpanded = String(!this.why.hidden);
      toggle.textContent = t(this.why.hidden ? "reasonShow" : "reasonHide");
    });
    toggle.ariaExpanded = "false";
    const mistake = button("mistake", "mistake", () => {
      mistake.disabled = true;
      void ask("banner.mistake", { subject })
        .catch(() => "failed" as const)
        .then((outcome) => {
          feedback.textContent = outcome === "queued" ? t("mistakeQueued", subject) : t("mistakeFailed");
          mistake.disabled = outcome === "queued";
        });
    });
    const buttons = document.createElement("div");
    buttons.append(
      button("leave", "leave", () => void ask("banner.leave", null)),
      toggle,
      mistake,
      button("close", "framedClose", () => void ask("banner.close", { subject }).then(look)),
    );
    const section = document.createElement("section");
    section.setAttribute("role", "alert");
    section.setAttribute("aria-labelledby", "title");
    section.lang = language();
    section.dir = direction();
    section.append(title, text("p", "category", kind.name), this.why, buttons, feedback);

    this.root.append(section);
    this.observer.observe(document, { childList: true });
    this.observer.observe(this.host, { attributes: true });
    this.keep();
    void ask("banner.details", { subject })
      .catch(() => null)
      .then((detailed) => {
        if (detailed === "withdrawn") void look();
        else if (detailed) this.why.textContent = `${kind.how} ${detailed.reason}`;
      });
  }

  /** Puts the banner back, whatever the page has done to it. */
  private keep(): void {
    if (!document.documentElement) return;
    const page = usable();
    if (this.host.parentNode !== page) {
      page.append(this.host);
      this.observer.observe(page, { childList: true });
    }
    for (const { name } of [...this.host.attributes]) if (name !== "style" && name !== "popover") this.host.removeAttribute(name);
    if (this.host.style.cssText !== visible) this.host.style.cssText = visible;
    // In the top layer nothing lies over it, whatever its z-index.
    if (this.host.popover !== "manual") this.host.popover = "manual";
    if (!this.host.matches(":popover-open")) this.host.showPopover();
  }

  remove(): void {
    clearInterval(this.timer);
    this.observer.disconnect();
    this.host.remove();
  }
}

/** Set on the element itself and important, so that no style of the page hides it. */
const visible = (() => {
  const probe = document.createElement("div").style;
  probe.cssText = "all: initial !important; display: block !important; position: fixed !important; inset: 0 0 auto 0 !important;";
  return probe.cssText;
})();

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
    if (event.isTrusted) click();
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
