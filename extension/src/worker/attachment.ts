// Pictures on their way to the server. One is taken when somebody asks for it, lies on this device until they have seen
// it and said that it may go, and follows its report: it is sent when the report is acknowledged, and until the server
// has taken it or never will. Before it is sent, the server is asked whether it takes it now, since it would be refused
// as a whole: then it may want a proof of work first.

import { due, isConfirmed } from "./clock";
import { api, own } from "../shared/ext";
import { all, drop, put, type Picture } from "../shared/pictures";
import { find, serverOf } from "./report";
import { post, ServerError } from "./server";
import * as session from "../shared/session";
import { status } from "./store";
import * as pow from "./pow";

/**
 * Takes a picture of what a window shows, for a report, and opens it to be seen. The click on the button of the
 * extension gives the right to.
 */
export async function take(report: string, windowId: number): Promise<boolean> {
  const image = await api.tabs.captureVisibleTab(windowId, { format: "png" }).catch(() => undefined);
  // Of a private window nothing is put on the disk.
  if (!image || !(await find(report)) || (await session.report(report))) return false;
  const body = Uint8Array.from(atob(image.slice(image.indexOf(",") + 1)), (c) => c.charCodeAt(0));
  await put({ report, body, state: "draft", due: 0, tries: 0, taken: Date.now() });
  await api.tabs.create({ url: own(`redact.html#${report}`) });
  return true;
}

/** How long is tried to send a picture, and a draft is kept that nobody looks at, in milliseconds. */
const patience = 7 * 24 * 60 * 60_000;
const forgotten = 60 * 60_000;

let flushing: Promise<number> | undefined;

/**
 * Sends what may go and whose report has arrived. Returns when to try again, in Unix milliseconds; 0 if there is
 * nothing to try.
 */
export function flush(): Promise<number> {
  return (flushing ??= drain().finally(() => (flushing = undefined)));
}

async function drain(): Promise<number> {
  let next = 0;
  for (const picture of await all()) {
    const due = await step(picture);
    if (due > 0) next = next === 0 ? due : Math.min(next, due);
  }
  return next;
}

/** Sends a picture, with a proof of work for its receipt where the server wants one. */
async function upload(picture: Picture, receipt: string, server: string): Promise<void> {
  const headers = { "Content-Type": "image/jpeg", "Khien-Receipt": receipt };
  let asked = picture.work;
  if (!pow.fresh(asked)) {
    asked = await post("/v1/pictures", new Uint8Array(), headers, server).then(
      () => undefined,
      (err: unknown) => {
        if (err instanceof ServerError && err.status === 400) return undefined; // an older server does not know the question
        const wanted = err instanceof ServerError ? pow.read(err.challenge) : undefined;
        if (!wanted) throw err;
        return wanted;
      },
    );
  }
  if (!asked) {
    await post("/v1/pictures", picture.body, headers, server);
    return;
  }
  const found = await pow.search(asked, receipt, (work) => put({ ...picture, work }));
  // It counts once: whatever becomes of this, the next try asks anew.
  await put({ ...picture, work: undefined });
  await post("/v1/pictures", picture.body, { ...headers, ...pow.proof(found, receipt) }, server);
}

async function step(picture: Picture): Promise<number> {
  const entry = await find(picture.report);
  const age = Date.now() - picture.taken;
  const old = picture.state === "draft" ? age > forgotten : age > patience && isConfirmed(Math.floor(Date.now() / 1000), (await status()).heard);
  if (!entry || entry.state === "refused" || old) {
    await drop(picture.report);
    return 0;
  }
  if (picture.state === "draft") return picture.taken + forgotten + 1000;
  if (!entry.receipt) return 0; // the report comes first, and brings us back
  if (due(picture.due, Date.now(), 7 * 60 * 60_000) > Date.now()) return picture.due;
  const tried = { ...picture, tries: picture.tries + 1, due: Date.now() + Math.min(30_000 * 2 ** picture.tries, 6 * 60 * 60_000) };
  await put(tried);
  try {
    await upload(tried, entry.receipt, serverOf(entry));
  } catch (err) {
    // The server never takes it: it is no picture to it, or one too many, or the report is gone.
    if (!(err instanceof ServerError) || ![400, 404, 409, 413].includes(err.status)) return tried.due;
  }
  await drop(picture.report);
  return 0;
}
