// The page that stands in for a listed one. Its fragment is the name of a record in
// the session and nothing else: whoever links here with another can show no words of
// their own and send nobody anywhere.

import { api } from "../shared/ext";
import { ask, type Notice } from "../shared/message";
import { view, type View } from "../shared/notice";
import { drawn, h } from "../shared/page";
import * as session from "../shared/session";
import { localize, t } from "../shared/text";

let id = location.hash.slice(1);
/** Whether the page that this is about stands one step back. */
let over = false;

async function start(): Promise<void> {
  // The words and the record come at the same time.
  const [found] = await Promise.all([record(), localize(document)]);
  if (id === "example") return example();
  over = found?.over === true;
  const notice = found ? session.notice(found) : named() ? await ask("warning.look", { id }).catch(() => null) : null;
  if (notice) show(notice);
  else gone();
}

const named = (): boolean => /^[0-9a-f]{32}$/.test(id);

/** What this page is about, as the worker has left it in the session. */
async function record(): Promise<session.Warning | undefined> {
  if (/^https?:/.test(id)) await claim();
  return named() ? session.warningHere(id).catch(() => undefined) : undefined;
}

/**
 * The browser has led here by a rule, and the fragment is the address that it held back. The worker decides anew what
 * is known about it; from then on this page has a name as any other.
 */
async function claim(): Promise<void> {
  const claimed = await ask("warning.claim", { href: id }).catch(() => null);
  if (claimed && "href" in claimed) location.replace(claimed.href);
  if (!claimed || !("id" in claimed)) return;
  id = claimed.id;
  history.replaceState(null, "", `#${id}`);
}

function show(notice: Notice): void {
  document.title = t("warningTitle");
  const shown = view(notice, {
    leave() {
      void leave();
    },
    decisions: {
      mistake: () => ask("warning.mistake", { id }),
      async goOn() {
        const href = await ask("warning.pass", { id });
        if (href) location.replace(href);
      },
    },
    details: () => drawn().then(() => ask("warning.details", { id })),
    withdrawn() {
      location.replace(notice.href);
    },
  });
  shown.root.querySelector("h1")?.setAttribute("elementtiming", "opened");
  document.querySelector("main")?.replaceChildren(shown.root);
  focus(shown);
}

/**
 * Puts the focus on the way out. As long as nothing may be drawn, the browser takes none: then with the first frame.
 */
function focus(shown: View): void {
  shown.focus();
  void drawn().then(() => {
    if (document.activeElement === document.body) shown.focus();
  });
}

async function leave(): Promise<void> {
  let here = true;
  addEventListener("pagehide", () => (here = false), { once: true });
  const steps = await ask("warning.leave", { id, close: history.length <= (over ? 2 : 1) }).catch(() => 0);
  if (steps > 0) history.go(-steps);
  // Where the browser cannot go back it does not say so: if this page is still here, there was no way back. A worker
  // that had to start first has taken its time before this.
  setTimeout(() => {
    if (here) void ask("warning.leave", { id, close: true });
  }, 1200);
}

/** What a warning looks like, about nothing: for somebody who has just installed the extension. */
function example(): void {
  const now = Math.floor(Date.now() / 1000);
  const notice: Notice = {
    subject: "parcel-fee.example/",
    name: "parcel-fee.example",
    href: "https://parcel-fee.example/",
    within: false,
    category: "phishing",
    issued: now,
    fought: false,
    details: "confirmed",
    since: now,
    reference: "KH-0000-000000",
    source: t("name"),
    reason: t("exampleReason"),
  };
  const close = async () => {
    const tab = await api.tabs.getCurrent();
    if (tab?.id !== undefined) await api.tabs.remove(tab.id);
  };
  document.title = t("exampleTitle");
  const shown = view(notice, { leave: () => void close(), decisions: { mistake: async () => "queued", goOn: () => void close() }, details: async () => notice, withdrawn: () => undefined });
  document.querySelector("main")?.replaceChildren(h("p", { id: "example", role: "note" }, t("exampleTitle")), shown.root);
  focus(shown);
}

/** The record is gone: the browser was restarted, or the address was made up. */
function gone(): void {
  document.title = t("name");
  document.getElementById("over")?.removeAttribute("hidden");
}

// From one warning straight to the next only the fragment changes, and no page is loaded.
addEventListener("hashchange", () => location.reload());
void start();
