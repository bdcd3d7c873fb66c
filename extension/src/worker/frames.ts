// Frames: a listed page inside another page. It cannot be taken away from there without leaving the page around it, so
// that one gets a banner where our scripts may run, and a badge and a state in the popup everywhere.

import * as core from "./core";
import { api, hidden, shown } from "../shared/ext";
import * as guard from "./guard";
import { lookAtFrames } from "../shared/message";
import * as session from "../shared/session";
import type { Warning } from "../shared/session";

/** What the browser tells about a frame. */
export interface Frame {
  tabId: number;
  frameId: number;
  url: string;
  frameType?: string;
  documentLifecycle?: string;
}

/**
 * Whether an event is about a frame inside a page that a person can see. A page that is rendered ahead is a frame of
 * its own.
 */
export const inside = (frame: Frame): boolean => frame.frameId !== 0 && frame.frameType !== "outermost_frame" && !hidden(frame);

/** Looks at the address that a frame shows now. */
export async function visit({ tabId, frameId, url }: Frame): Promise<void> {
  if (/^https?:/.test(url)) await look(tabId, [{ frameId, url }]);
}

/** Looks at all frames of a page: those of one that was rendered ahead, kept for the way back, or open before us. */
export async function visitAll(tabId: number): Promise<void> {
  const frames = (await api.webNavigation.getAllFrames({ tabId }).catch(() => null)) ?? [];
  await look(tabId, frames.filter((frame) => inside({ tabId, ...frame }) && /^https?:/.test(frame.url)));
}

async function look(tabId: number, frames: { frameId: number; url: string }[]): Promise<void> {
  if (frames.length === 0) return;
  const findings = await guard.lookAll(frames.map(({ url }) => url));
  const before = await session.framed(tabId);
  let changed = false;
  for (const [i, finding] of findings.entries()) {
    const { frameId, url } = frames[i] as { frameId: number; url: string };
    const listed = finding.verdict === "listed";
    if (!listed && !before[frameId]) continue;
    // The frame, or the whole page, may have moved on meanwhile.
    if (listed && (await api.webNavigation.getFrame({ tabId, frameId }).catch(() => null))?.url !== url) continue;
    await session.setFramed(tabId, frameId, listed ? { tabId, href: url, finding, framed: true } : undefined);
    changed = true;
  }
  if (changed) await tell(tabId);
}

/** A script has opened a tab, where it may write a page of its own. */
export async function opened({ tabId, sourceTabId, sourceFrameId }: { tabId: number; sourceTabId: number; sourceFrameId: number }): Promise<void> {
  const href = await site(sourceTabId, sourceFrameId);
  if (!href || (await guard.look(href)).verdict !== "listed") return;
  await session.setOpener(tabId, href);
  if ((await shown(tabId)) === "about:blank") await guard.visit(tabId, "about:blank", "read");
}

/**
 * The address of the site whose script runs in a frame: of an empty one it is that around it. One that is gone already
 * may be of any listed site there.
 */
async function site(tabId: number, frameId: number): Promise<string | undefined> {
  // Both are asked at once: the page, or a frame, may go elsewhere meanwhile.
  const [page, held] = await Promise.all([guard.address(tabId), session.framed(tabId)]);
  for (let at = frameId; at !== 0; ) {
    const known = held[at];
    if (known) return known.href;
    const frame = await api.webNavigation.getFrame({ tabId, frameId: at }).catch(() => null);
    if (!frame) return Object.values(held)[0]?.href;
    if (/^https?:/.test(frame.url)) return frame.url;
    at = frame.parentFrameId;
  }
  return page;
}

/** What is told of the frames of a page: about a subject, or the first. */
export async function framed(tabId: number, subject = ""): Promise<Warning | undefined> {
  const { framed } = await guard.now(tabId);
  return subject ? framed.find((warning) => warning.finding.subject === subject) : framed[0];
}

/** Shows on the toolbar and in the page what its frames hold. */
async function tell(tabId: number): Promise<void> {
  await guard.refreshBadge(tabId);
  const answered = await api.tabs.sendMessage(tabId, lookAtFrames, { frameId: 0 }).catch(() => false);
  // Our script is not there: it may come where a person has granted access to the site, and nowhere else.
  if (answered || !(await guard.now(tabId)).banner) return;
  await api.scripting.executeScript({ target: { tabId, frameIds: [0] }, files: ["banner.js"], injectImmediately: true }).catch(() => undefined);
}

/** Says no more about a subject in the frames of a tab. It is let through nowhere. */
export async function hush(tabId: number, subject: string): Promise<void> {
  if (!(await framed(tabId, subject))) return;
  await session.hush(tabId, subject);
  await tell(tabId);
}

/** Leads away from the page around. */
export async function leave(tabId: number): Promise<void> {
  const href = await shown(tabId);
  if (href) await guard.leave({ tabId, href, finding: core.nothing }, false);
}
