// "Check with Khiên", and the reason for what is marked: what a person asks, and what the worker finds. The answer
// stands on a page of ours, behind the toolbar button or in a window, where the page that is asked about can neither
// draw over it nor fake it.

import * as core from "./core";
import { api, openAtButton } from "../shared/ext";
import { about as markedAs } from "./feedasks";
import * as frames from "./frames";
import type { Answer, Question } from "../shared/message";
import * as met from "./met";
import * as session from "../shared/session";
import { restore } from "./store";
import { t } from "../shared/text";

type Clicked = chrome.contextMenus.OnClickData;
type Tab = chrome.tabs.Tab;

/** What is longer is cut, in characters: it is more than the core reads, which then says so. */
const maxText = 70_000;

/**
 * The longest address of a picture, which may be the picture itself: what lies in the session is bounded by the
 * browser.
 */
const maxPicture = 4 << 20;

/** The longer side of a picture that is read, in pixels. */
const maxSide = 1600;

/** Makes the entries of the menu that ask. */
export function menus(where: string[]): void {
  api.contextMenus.create({ id: "selection", contexts: ["selection"], title: t("checkSelection"), documentUrlPatterns: where });
  api.contextMenus.create({ id: "checkLink", contexts: ["link"], title: t("checkSelection"), documentUrlPatterns: where });
  api.contextMenus.create({ id: "picture", contexts: ["image"], title: t("checkPicture"), documentUrlPatterns: where });
}

/** Answers a click on one of them, and returns whether it was one. */
export function clicked(info: Clicked, tab: Tab | undefined): boolean {
  const { menuItemId: id, selectionText, linkUrl, srcUrl, frameId } = info;
  const ask = (kind: Question["kind"], about: string | undefined): boolean => {
    if (about !== undefined) void open(kind, about.slice(0, kind === "picture" ? maxPicture : maxText), tab, frameId);
    return about !== undefined;
  };
  if (id === "selection") return ask("selection", selectionText);
  if (id === "checkLink") return ask("link", linkUrl);
  return id === "picture" && ask("picture", srcUrl);
}

/** Opens the answer to what a person wants to know at something that we have put into the page of a tab. */
export async function openFrom(tabId: number, kind: "mark" | "frame", about: string): Promise<void> {
  await open(kind, about, await api.tabs.get(tabId));
}

async function open(kind: Question["kind"], about: string, tab: Tab | undefined, frameId = 0): Promise<void> {
  const { id: tabId = -1, windowId = -1, incognito: isPrivate = false } = tab ?? {};
  const question: Question = { kind, about, tabId, frameId, windowId, isPrivate };
  const id = session.random();
  const kept = session.addQuestion(id, question);
  await openAtButton(`answer.html#${id}`, question);
  await kept;
}

/** What is known about what was asked. */
export async function look(question: Question): Promise<Answer> {
  const { kind, about, tabId, isPrivate } = question;
  await restore();
  if (kind === "mark" || kind === "frame") {
    const warning = await (kind === "mark" ? markedAs(about, tabId) : frames.framed(tabId, about));
    return { read: "", found: warning ? [warning.finding] : [] };
  }
  const read = kind === "picture" ? await readPicture(question) : kind === "selection" ? await readSelection(question) : about;
  if (read === undefined) return { read: null, found: [] };
  if (!isPrivate) met.asked(read);
  return { read, found: await core.look(read).catch(() => null) };
}

/**
 * A browser hands over what is selected without the ends of its lines, which say which number belongs to which name;
 * the page has them.
 */
async function readSelection(question: Question): Promise<string> {
  const there = await inPage(question, () => getSelection()?.toString() ?? "");
  const letters = (text: string) => text.replace(/\s+/g, "");
  return there && letters(there) === letters(question.about) ? there : question.about;
}

/**
 * Runs a function in the frame of a click; where that is another site's, in the page around it. The click grants the
 * right.
 */
async function inPage<Given extends unknown[], Result>(
  { tabId, frameId }: Question,
  func: (...given: Given) => Result,
  ...args: Given
): Promise<Awaited<Result> | undefined> {
  if (tabId < 0) return undefined;
  for (const id of new Set([frameId, 0])) {
    const [done] = await api.scripting.executeScript({ target: { tabId, frameIds: [id] }, func, args }).catch(() => []);
    if (done) return done.result as Awaited<Result>;
  }
  return undefined;
}

/** What the QR code in a picture of a page says. No picture is fetched again: its server would learn of it. */
async function readPicture(question: Question): Promise<string | undefined> {
  // Its tables are made when a picture is read, and not at each start of the worker.
  const { pictureIn, readCode } = await import("../shared/qr");
  const own = pictureIn(question.about);
  if (own) return readCode(own);
  const picture = await inPage(question, pictureThere, question.about, maxSide);
  if (picture && "png" in picture) {
    const pixels = pictureIn(picture.png);
    return pixels && readCode(pixels);
  }
  const { tabId, windowId } = question;
  const inFront = tabId >= 0 && (await api.tabs.get(tabId).catch(() => undefined))?.active;
  if (!inFront) return undefined;
  const capture = await api.tabs.captureVisibleTab(windowId, { format: "png" }).catch(() => undefined);
  const pixels = capture ? pictureIn(capture) : undefined;
  if (!pixels) return undefined;
  if (!picture) return readCode(pixels);
  const { area, width } = picture;
  return readCode(pixels, (all) => {
    const ratio = all / width;
    return { x: area.x * ratio, y: area.y * ratio, width: area.width * ratio, height: area.height * ratio };
  });
}

/** A picture in a page: its pixels as PNG in a data URL, or where it is drawn in the tab, in CSS pixels. */
type Picture = { png: string } | { area: { x: number; y: number; width: number; height: number }; width: number };

/** Finds a picture; it runs in the page, and knows nothing but what is in it. */
async function pictureThere(src: string, maxSide: number): Promise<Picture | null> {
  const drawn = (image: Element) => image.getBoundingClientRect().width > 0 && image.getBoundingClientRect().height > 0;
  const isSeen = (image: Element) => {
    const { top, bottom, left, right } = image.getBoundingClientRect();
    return bottom > 0 && right > 0 && top < innerHeight && left < innerWidth;
  };
  const found = [...document.images].filter((image) => (image.currentSrc === src || image.src === src) && drawn(image));
  const image = found.find(isSeen) ?? found[0];
  if (!image) return null;
  try {
    const scale = Math.min(1, maxSide / Math.max(image.naturalWidth, image.naturalHeight));
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(image.naturalWidth * scale));
    canvas.height = Math.max(1, Math.round(image.naturalHeight * scale));
    canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
    return { png: canvas.toDataURL("image/png") };
  } catch {
    // Another site's picture: only what is drawn can be had, without asking anybody for it again.
  }
  const box = image.getBoundingClientRect();
  const isWhole = box.top >= 0 && box.left >= 0 && box.bottom <= innerHeight && box.right <= innerWidth;
  if (!isWhole) image.scrollIntoView({ block: "center", inline: "center", behavior: "instant" });
  await new Promise((resolve) => {
    requestAnimationFrame(() => requestAnimationFrame(resolve));
    setTimeout(resolve, 500); // a page that nobody sees is not drawn
  });
  let { x, y } = image.getBoundingClientRect();
  const { width, height } = image.getBoundingClientRect();
  let frame: Window = window;
  try {
    for (; frame !== frame.parent; frame = frame.parent) {
      const around = frame.frameElement?.getBoundingClientRect();
      if (!around) return null;
      x += around.x;
      y += around.y;
    }
  } catch {
    return null;
  }
  return { area: { x, y, width, height }, width: frame.innerWidth };
}
