// Runs on the named social networks and covers the page while it shows a listed
// account. It reads the address, and what the platform itself says in the document about
// whose page it is. A network shows many accounts in one page, so it looks again whenever the address changes.

import base from "../../pages/base.css";
import help from "../../pages/help.css";
import css from "../../pages/notice.css";
import { called, evidence } from "./evidence";
import { api } from "../shared/ext";
import { inside, styleText } from "./guarded";
import { ask, inTurn, lookAgain, whoseIsIt, type Notice, type Whose } from "../shared/message";
import type { Names } from "../shared/named";
import { view } from "../shared/notice";
import { Stand } from "./stand";
import { direction, language, ready } from "../shared/text";

/** The warning that covers the page now. */
let cover: Cover | undefined;

const look = inTurn(async () => {
  const { href } = location;
  const question = () => ask("overlay.look", { href, names: said });
  // A worker that was stopped over the question is woken by the next.
  const notice = await question().catch(question).catch(() => null);
  if (notice) await ready();
  // The address has changed meanwhile: another look follows.
  if (location.href !== href) return;
  if (cover && cover.subject !== notice?.subject) {
    cover.remove();
    cover = undefined;
  }
  if (notice) cover ??= new Cover(notice);
});

/** What the document says, as far as it has been read. */
let said: Names[] = [];

/** Reads the document, and looks again if it says something new. */
function read(): void {
  const before = JSON.stringify(said);
  said = evidence(document, new URL(location.href));
  if (JSON.stringify(said) !== before) void look();
}

/** How often a document is read for one address: one that keeps writing into its head is not followed for ever. */
const maxReadings = 20;
let readings = 0;
let reading = false;

/** Reads the document when there is time for it. */
function readSoon(): void {
  if (reading || readings >= maxReadings) return;
  reading = true;
  readings++;
  requestIdleCallback(
    () => {
      reading = false;
      read();
    },
    { timeout: 1000 },
  );
}

/** What the platform says of a page stands in elements such as these; a title may change at any time. */
const says = (node: Node): boolean => node instanceof HTMLLinkElement || node instanceof HTMLMetaElement || node instanceof HTMLScriptElement;

const heads = new MutationObserver((records) => {
  if (records.some(({ target, addedNodes }) => says(target) || [...addedNodes].some(says))) readSoon();
});

document.addEventListener("DOMContentLoaded", () => {
  readSoon();
  heads.observe(document.head, { childList: true, subtree: true, attributes: true, attributeFilter: ["href", "content"] });
});

class Cover {
  readonly subject: string;
  private readonly root = inside("khien-overlay", base + help + css);
  private readonly host = this.root.host as HTMLElement;
  private readonly dialog = document.createElement("dialog");
  private readonly view;
  private readonly stand: Stand;

  constructor(notice: Notice) {
    this.subject = notice.subject;
    const { subject } = this;
    this.view = view(notice, {
      leave: () => void this.leave(),
      elsewhere: () => void ask("overlay.warn", { subject }),
      details: () => ask("overlay.details", { subject }),
      withdrawn: () => void look(),
    });
    this.dialog.lang = language();
    this.dialog.dir = direction();
    this.dialog.setAttribute("role", "alertdialog");
    // Escape pressed twice closes a dialog whatever its listeners say, where the browser does not know this.
    this.dialog.setAttribute("closedby", "none");
    this.dialog.setAttribute("aria-labelledby", "title");
    this.dialog.setAttribute("aria-describedby", "category how now");
    this.dialog.append(this.view.root);
    this.root.append(this.dialog);
    this.dialog.addEventListener("cancel", (event) => event.preventDefault());
    // What is typed or clicked here is none of the page's business.
    for (const type of ["keydown", "keyup", "keypress", "click", "pointerdown", "mousedown", "mouseup", "wheel", "touchmove"]) {
      this.host.addEventListener(type, (event) => event.stopPropagation());
    }
    this.stand = new Stand({
      subject,
      host: this.host,
      body: this.dialog,
      style: visible,
      isAll: true,
      parent: () => document.documentElement,
      isOpen: () => this.dialog.open && this.dialog.matches(":modal"),
      isReached: () => this.isReached(),
      raise: () => this.raise(),
    });
  }

  private raise(): void {
    const before = this.root.activeElement;
    this.dialog.close();
    this.dialog.showModal();
    if (before instanceof HTMLElement) before.focus({ preventScroll: true });
    else this.view.focus();
  }

  /** Whether nothing of the page takes the pointer or the keyboard. A dialog of its own, shown later, would. */
  private isReached(): boolean {
    const { activeElement: active, body } = document;
    if (active && active !== this.host && active !== body) return false;
    if (active !== this.host) this.view.focus();
    const box = this.dialog.getBoundingClientRect();
    const isWhole = box.left <= 1 && box.top <= 1 && box.right >= innerWidth - 1 && box.bottom >= innerHeight - 1;
    return isWhole && everywhere.every((x) => everywhere.every((y) => [null, this.host].includes(document.elementFromPoint(x * innerWidth, y * innerHeight) as HTMLElement | null)));
  }

  remove(): void {
    this.stand.remove();
  }

  private async leave(): Promise<void> {
    const { subject } = this;
    let here = true;
    addEventListener("pagehide", () => (here = false), { once: true });
    await ask("overlay.leave", { subject, close: history.length <= 1 }).catch(() => null);
    // Going back can end on the same account, and a browser that cannot go back does not say so. A page that was left,
    // and that somebody comes forward to again, is there anew.
    setTimeout(() => {
      if (here && cover === this) void ask("overlay.leave", { subject, close: true });
    }, 1200);
  }
}

/** Points of the window, as parts of it. */
const everywhere = [0.02, 0.35, 0.5, 0.65, 0.98];

const visible = styleText("display: block !important;");

api.runtime.onMessage.addListener((message: unknown, _sender, reply) => {
  if (message === whoseIsIt) reply({ names: said, called: called(document, new URL(location.href)) } satisfies Whose);
  if (message !== lookAgain) return;
  void look();
  reply(true);
});

const { navigation } = globalThis as { navigation?: EventTarget };
function changed(): void {
  void look();
  readings = 0;
  readSoon();
}
navigation?.addEventListener("currententrychange", changed);
addEventListener("popstate", changed);
addEventListener("pageshow", () => void look());
void look();
