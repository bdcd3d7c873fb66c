// The answer to "Check with Khiên": beside what was asked about, in the page. Where nothing can be put
// into the page (a PDF, a page of the browser or of a store) it stands in a window of its own.

import type { Answer, Aside, Picture, Said, Spot } from "./aside";
import * as core from "./core";
import { api, openPopup } from "./ext";
import * as guard from "./guard";
import type { Detailed } from "./message";
import * as met from "./met";
import type { Finding } from "./protocol";
import * as session from "./session";
import { restore } from "./store";
import { category, day, direction, language, ready, t } from "./text";

type Clicked = chrome.contextMenus.OnClickData;
type Tab = chrome.tabs.Tab;

/** The longest text that is looked at, in characters. */
const maxText = 3000;

/** Makes the entries of the menu that ask. */
export function menus(where: string[]): void {
  api.contextMenus.create({ id: "selection", contexts: ["selection"], title: t("checkSelection"), documentUrlPatterns: where });
  api.contextMenus.create({ id: "checkLink", contexts: ["link"], title: t("checkSelection"), documentUrlPatterns: where });
  api.contextMenus.create({ id: "picture", contexts: ["image"], title: t("checkPicture"), documentUrlPatterns: where });
}

/** Answers a click on one of them, and returns whether it was one. */
export function clicked(info: Clicked, tab: Tab | undefined): boolean {
  const { menuItemId: id, selectionText, linkUrl, srcUrl } = info;
  if (id === "selection" && selectionText !== undefined) void answer(info, tab, { kind: "selection" }, selectionText);
  else if (id === "checkLink" && linkUrl !== undefined) void answer(info, tab, { kind: "link", href: linkUrl }, linkUrl);
  else if (id === "picture" && srcUrl !== undefined) void answer(info, tab, { kind: "picture", href: srcUrl });
  else return false;
  return true;
}

/** One question: what was read, and what is known about each thing in it. */
interface Question {
  spot: Spot;
  /** Undefined if nothing could be read in the picture. */
  text: string | undefined;
  /** Undefined if the core could not be asked. */
  found: { finding: Finding; details?: Detailed }[] | undefined;
}

async function answer(info: Clicked, tab: Tab | undefined, spot: Spot, selected?: string): Promise<void> {
  await ready();
  const frame = await reach(tab?.id, info.frameId ?? 0);
  const text = (spot.kind === "picture" ? await readPicture(frame, tab, spot.href) : selected)?.slice(0, maxText);
  const question: Question = { spot, text, found: text === undefined ? [] : await look(text, tab) };
  if (!frame || !(await inPage(frame, "show", words(question), spot))) {
    // The window asks for itself.
    await openPopup(text === undefined ? "picture" : await session.addRequest({ href: "", title: "", text }), tab?.incognito === true);
    return;
  }
  for (const one of question.found ?? []) {
    if (one.finding.verdict !== "listed") continue;
    const details = await guard.details({ tabId: frame.tabId, href: "", finding: one.finding }).catch(() => undefined);
    if (!details) continue;
    one.details = details;
    if (!(await inPage(frame, "renew", words(question)))) return;
  }
}

async function look(text: string, tab: Tab | undefined): Promise<Question["found"]> {
  if (!tab?.incognito) met.asked(text);
  try {
    await restore();
    return (await core.look(text)).map((finding) => ({ finding }));
  } catch {
    return undefined;
  }
}

interface Frame {
  tabId: number;
  frameIds: [number];
}

/** Puts our script into the frame of a click; where that is another site's, into the page around it. The click grants the right. */
async function reach(tabId: number | undefined, frameId: number): Promise<Frame | undefined> {
  if (tabId === undefined || tabId < 0) return undefined;
  for (const id of new Set([frameId, 0])) {
    const frame: Frame = { tabId, frameIds: [id] };
    try {
      await api.scripting.executeScript({ target: frame, files: ["aside.js"] });
      if (await inPage(frame, "able")) return frame;
    } catch {
      // Not there, or not allowed there.
    }
  }
  return undefined;
}

/** Calls our script in a page. */
async function inPage<N extends keyof Aside>(frame: Frame, name: N, ...given: Parameters<Aside[N]>): Promise<Awaited<ReturnType<Aside[N]>> | undefined> {
  const call = (name: keyof Aside, given: unknown[]) => (globalThis.khienAside?.[name] as ((...given: unknown[]) => unknown) | undefined)?.(...given);
  const [result] = await api.scripting.executeScript({ target: frame, func: call, args: [name, given] }).catch(() => []);
  return result?.result as Awaited<ReturnType<Aside[N]>> | undefined;
}

/** What the QR code in a picture of a page says. No picture is fetched again: its server would learn of it. */
async function readPicture(frame: Frame | undefined, tab: Tab | undefined, src: string): Promise<string | undefined> {
  // Its tables are made when a picture is read, and not at each start of the worker.
  const { pictureIn, readCode } = await import("./qr");
  const own = pictureIn(src);
  if (own) return readCode(own);
  const picture: Picture | null | undefined = frame && (await inPage(frame, "picture", src));
  if (picture && "png" in picture) {
    const pixels = pictureIn(picture.png);
    return pixels && readCode(pixels);
  }
  const capture = tab && (await api.tabs.captureVisibleTab(tab.windowId, { format: "png" }).catch(() => undefined));
  const pixels = capture ? pictureIn(capture) : undefined;
  if (!pixels) return undefined;
  if (!picture) return readCode(pixels);
  const { area, width } = picture;
  return readCode(pixels, (all) => {
    const ratio = all / width;
    return { x: area.x * ratio, y: area.y * ratio, width: area.width * ratio, height: area.height * ratio };
  });
}

/** All that is said, in the reader's language. */
function words({ spot, text, found }: Question): Answer {
  const picture = spot.kind === "picture";
  const items = found?.map(({ finding, details }) => said(finding, details)) ?? [empty(t("askFailed"))];
  if (text === undefined) items.push({ ...empty(t("pictureNoneMeaning")), label: t("pictureNone") });
  else if (items.length === 0) items.push({ ...empty(t(picture ? "pictureNothing" : "askNothing")), label: t("nothingToCheck") });
  return { language: language(), direction: direction(), title: t("asideTitle"), close: t("close"), read: picture && text ? t("pictureSays", text.slice(0, 300)) : "", items };
}

const empty = (meaning: string): Said => ({ state: "unknown", label: t("notChecked"), name: "", meaning, facts: [] });

function said(finding: Finding, details: Detailed | undefined): Said {
  const { shown: name, verdict, category: slug, real, resembles } = finding;
  const one = { name, facts: [] };
  if (verdict === "listed" && details !== "withdrawn") {
    const { name: kind, how } = category(slug);
    return { ...one, state: verdict, label: t("knownListed", kind), meaning: `${how} ${t("stateListedMeaning")}`, facts: details ? why(details) : [] };
  }
  if (verdict === "caution") return { ...one, state: verdict, label: t("stateCaution"), meaning: t("cautionMeaning", real || resembles, resembles) };
  if (verdict === "unknown") return { ...empty(t("stateUnknownMeaning")), name };
  return { ...one, state: "unlisted", label: t("nothingKnown"), meaning: t("stateNothingMeaning") };
}

/** Why something is listed, since when and by whom, as far as it is known. */
function why(notice: Exclude<Detailed, "withdrawn">): string[] {
  const since = notice.details === "offline" ? t("sinceOffline", day(notice.issued)) : notice.since > 0 ? t("since", day(notice.since)) : "";
  const named = (key: "listedBy" | "reference", value: string) => (value ? `${t(key)}: ${value}` : "");
  return [notice.reason, since, named("listedBy", notice.source), named("reference", notice.reference)].filter(Boolean);
}
