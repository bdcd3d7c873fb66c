// A proof of work (package work in Go), which the server asks for while reports come faster than it wants to take them.
// It is searched in slices of a few milliseconds, so that a page that is opened meanwhile is checked as fast as ever;
// how far it has come is kept with the report, so that the death of the worker costs little.

import * as core from "./core";
import type { Work } from "../shared/entry";

/** The server forgets a challenge after ten minutes. */
const life = 9 * 60_000;

/** What is harder than this, some half a minute, is not tried: a server that asks for it is damaged or hostile. */
const hardest = 24;

/** Slices between two times that the progress is kept. */
const often = 32;

/** What a challenge of the server says: "hex zeros"; undefined if it says nothing that can be done. */
export function read(challenge: string): Work | undefined {
  const [, hex, zeros] = /^((?:[0-9a-f]{2}){1,48}) (\d{1,2})$/.exec(challenge) ?? [];
  if (!hex || Number(zeros) > hardest) return undefined;
  return { challenge: hex, zeros: Number(zeros), number: 0, found: false, since: Date.now() };
}

export const fresh = (work: Work | undefined): work is Work => work !== undefined && work.since <= Date.now() && Date.now() - work.since < life;

/** Searches on where it stopped, for the report with this id. */
export async function search(work: Work, id: string, keep: (work: Work) => Promise<unknown>): Promise<Work> {
  const [challenge, name] = [bytes(work.challenge), bytes(id)];
  for (let slice = 1; !work.found; slice++) {
    work = { ...work, ...(await core.work(challenge, name, work.zeros, work.number)) };
    if (work.found || slice % often === 0) await keep(work);
    else await new Promise((resolve) => setTimeout(resolve));
  }
  return work;
}

/** What is sent beside the report. */
export const proof = (work: Work, id: string): Record<string, string> => ({ "Khien-Work": `${work.challenge} ${id} ${work.number}` });

export const bytes = (hex: string): Uint8Array => Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
