// The answer to "Check with Khiên", and the reason for what is marked or in a frame. Its fragment is the name of a
// question that the worker has left in the session; it is taken from there once, and then lies in this page alone.

import { api, openWindow } from "../shared/ext";
import { help } from "../shared/help";
import { ask, type Detailed, type Notice, type Question } from "../shared/message";
import { facts, sinceText } from "../shared/notice";
import { element, h, quoted, unhurried } from "../shared/page";
import type { Finding } from "../shared/protocol";
import * as session from "../shared/session";
import { category, localize, t } from "../shared/text";
import { whatIs } from "../shared/what";

const id = location.hash.slice(1);
const isPopup = api.extension.getViews({ type: "popup" }).includes(window);
document.documentElement.classList.toggle("popup", isPopup);

const status = element("status");
const answers = element("answers");
let question: Question | undefined;

async function start(): Promise<void> {
  [question] = await Promise.all([session.takeQuestion(id).catch(() => undefined), localize(document)]);
  document.title = t("answerTitle");
  element("close").focus();
  if (!question) {
    // A browser that was stopped while it opened this would show it again behind the button.
    if (isPopup) location.replace("popup.html");
    else status.textContent = t("answerOver");
    return;
  }
  const { kind, about } = question;
  if (kind !== "mark" && kind !== "frame") showAsked(t("answerAsked"), about.replace(/^(data:[^,]{0,80},).*/s, "$1…"));
  status.textContent = t(kind === "picture" ? "pictureReading" : "reasonPending");
  const { read, found } = await ask("answer.look", question).catch(() => ({ read: "", found: null }));
  status.textContent = "";
  if (kind === "picture" && read) showAsked(t("pictureSays"), read);
  answers.replaceChildren(...items(read, found));
  const listed = found?.find(({ verdict }) => verdict === "listed");
  if (listed) showAid(listed.category);
  else offerReport(kind === "picture" ? (read ?? "") : about);
  element("picture").hidden = read !== null;
}

function showAsked(title: string, text: string): void {
  element("asked").hidden = false;
  element("asked-title").textContent = title;
  element("asked-text").replaceChildren(quoted(text));
}

function items(read: string | null, found: Finding[] | null): HTMLElement[] {
  if (read === null) return [item("unknown", t("pictureNone"), t("pictureNoneMeaning"))];
  if (!found) return [item("unknown", t("notChecked"), t("askFailed"))];
  // Nothing is listed any more of what was marked.
  if (found.length === 0) return [item("unlisted", t("nothingKnown"), t("stateNothingMeaning"))];
  return found.map(said);
}

function said(finding: Finding, nth: number): HTMLElement {
  const { shown, verdict, cause, real, resembles } = finding;
  const name = h("p", { className: "name" }, quoted(shown));
  if (cause === "nothing") return item("unknown", t("nothingToCheck"), t(question?.kind === "picture" ? "pictureNothing" : "askNothing"));
  if (verdict === "listed") return listed(finding, name, nth);
  if (verdict === "caution") return item(verdict, t("stateCaution"), t("cautionMeaning", real || resembles, resembles), name);
  if (verdict === "unknown") return item(verdict, t("notChecked"), t(cause === "too_long" ? "askTooLong" : "stateUnknownMeaning"), name);
  return item(verdict, t("nothingKnown"), t("stateNothingMeaning"), name);
}

const item = (state: Finding["verdict"], label: string, meaning: string, ...name: HTMLElement[]): HTMLElement =>
  h("li", { className: state }, h("strong", { className: "label" }, label), ...name, h("p", {}, meaning));

/** What is listed, with the reason as soon as it is there, and what may be said or done about it. */
function listed(finding: Finding, name: HTMLElement, nth: number): HTMLElement {
  const { subject, category: slug } = finding;
  const { kind = "selection", tabId = -1, isPrivate = false } = question ?? {};
  const { name: scam, how, advice } = category(slug);
  const isMet = kind === "mark" || kind === "link";
  const now = isMet ? t(whatIs(subject) === "account" ? "nowAccount" : "nowLink") : t("stateListedMeaning");
  const since = h("p", { className: "soft" });
  const why = h("div", {});
  const feedback = h("p", { id: `feedback-${nth}`, className: "feedback", role: "status" });
  const mistake = h("button", { id: `mistake-${nth}`, className: "quiet", type: "button" }, t("mistake"));
  const tell = (notice: Notice) => {
    since.textContent = sinceText({ ...notice, source: "", reference: "" }); // which stand below
    why.replaceChildren(facts(notice));
  };
  const hush = h("button", { id: "hush", className: "quiet", type: "button" }, t("framedHush"));
  const shown = item("listed", t("knownListed", scam), how, name);
  shown.append(h("p", {}, `${now} ${advice}`), since, why, unhurried(mistake, ...(kind === "frame" ? [hush] : [])), feedback);
  mistake.addEventListener("click", async () => {
    mistake.disabled = true;
    const outcome = await ask("answer.mistake", { subject, isPrivate }).catch(() => "failed" as const);
    feedback.textContent = outcome === "queued" ? `${t("mistakeQueued", subject)} ${t("mistakeNext")}` : t("mistakeFailed");
    mistake.disabled = outcome === "queued";
  });
  hush.addEventListener("click", () => void ask("answer.hush", { tabId, subject }).then(close));
  const notice = session.notice({ tabId, href: "", finding });
  tell(notice);
  void ask("answer.details", { finding, tabId })
    .catch((): Detailed => ({ ...notice, details: "offline" }))
    .then((detailed) => {
      if (detailed === "withdrawn") shown.replaceWith(item("unlisted", t("nothingKnown"), t("stateNothingMeaning"), name));
      else tell(detailed);
    });
  return shown;
}

/** What to do for somebody who has already paid. */
function showAid(slug: string): void {
  const { toggle, steps } = help(slug);
  element("aid").replaceChildren(toggle, steps);
  element("aid").hidden = false;
}

/** Of a link that nothing is known about: the report of it, in this place. */
function offerReport(text: string): void {
  const button = element("report");
  if (question?.kind === "selection" || !/^https?:/i.test(text) || !URL.canParse(text)) return;
  button.hidden = false;
  button.addEventListener("click", async () => {
    location.replace(`popup.html#${await session.addRequest({ href: new URL(text).href, title: "" })}`);
  });
}

element("picture").addEventListener("click", () => void openWindow("popup.html#picture", question?.isPrivate === true).then(close));

/** Closes this, and goes back to where it was asked. */
async function close(): Promise<void> {
  const tab = await api.tabs.getCurrent();
  if (question && !isPopup) {
    await api.windows?.update(question.windowId, { focused: true }).catch(() => undefined); // the window is gone
    if (!api.windows) await api.tabs.update(question.tabId, { active: true }).catch(() => undefined);
  }
  if (tab?.id !== undefined) await api.tabs.remove(tab.id);
  else window.close();
}

element("close").addEventListener("click", () => void close());
addEventListener("keydown", ({ key }) => {
  if (key === "Escape") void close();
});

void start();
