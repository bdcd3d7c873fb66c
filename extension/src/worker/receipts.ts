// What became of reports. It is asked for rarely and for all of them at once: about once a day by an alarm, and when
// somebody looks and the last answer is older than an hour. The question names receipts and nothing else. What was
// rejected may be listed after all, when others report it, and what stays on the list or has left it may come to be
// otherwise: such an ending is asked for when somebody looks, once a day.

import { decode, encode } from "@msgpack/msgpack";
import { due, past } from "./clock";
import type { Entry } from "../shared/entry";
import { api } from "../shared/ext";
import { alter, kept, serverOf, outcomeOf, type Receipt } from "./report";
import { post } from "./server";

const hour = 60 * 60_000;
/** How old an answer is that is asked for anew though nobody looks. */
const unseen = 18 * hour;
/** As many as the server answers for at once. */
const together = 50;

/** Whether a report has come to an end: nothing more will become of it unless others bring that about. */
function ended(entry: Entry): boolean {
  return ["rejected", "removed", "withdrawn", "unknown"].includes(entry.outcome) || (entry.kind === "mistake" && entry.outcome === "accepted");
}

/** The reports of which something may be learned that was last asked about so long ago. */
async function open(age: number, somebodyLooks = false): Promise<Entry[]> {
  return (await kept()).filter((entry) => {
    const again = somebodyLooks && ended(entry) && entry.outcome !== "removed" && entry.outcome !== "unknown";
    return entry.receipt && (again || !ended(entry)) && past(entry.asked ?? 0, Date.now()) < Date.now() - (again ? unseen : age);
  });
}

let asking: Promise<void> = Promise.resolve();

/**
 * Asks for what was not asked for in the last hour, if somebody looks, or else in the last 18; one question after the
 * other. Offline, what is known stays.
 */
export function follow(somebodyLooks: boolean): Promise<void> {
  return (asking = asking.then(() => ask(somebodyLooks)).catch(() => undefined));
}

async function ask(somebodyLooks: boolean): Promise<void> {
  const entries = await open(somebodyLooks ? hour : unseen, somebodyLooks);
  for (const server of new Set(entries.map(serverOf))) await askOne(server, entries.filter((entry) => serverOf(entry) === server));
}

async function askOne(server: string, entries: Entry[]): Promise<void> {
  for (let at = 0; at < entries.length; at += together) {
    const some = entries.slice(at, at + together);
    const body = encode({ receipts: some.map((entry) => entry.receipt).sort() });
    const { receipts } = decode((await post("/v1/receipts", body, {}, server)).body) as { receipts: Receipt[] | null };
    const answers = new Map((receipts ?? []).map((one) => [one.receipt, one]));
    for (const { id, receipt } of some) {
      const answer = answers.get(receipt);
      if (answer) await alter(id, (now) => ({ ...now, ...outcomeOf(answer), asked: Date.now() }));
    }
  }
}

export const alarm = "receipts";

/** Asks about once a day, at no time that two devices share, as long as there is something to learn. */
export async function keepAlarm(): Promise<void> {
  const waiting = (await open(0)).length > 0;
  const set = await api.alarms.get(alarm);
  if (!waiting && set) await api.alarms.clear(alarm);
  if (waiting && (!set || due(set.scheduledTime, Date.now(), 31 * hour) !== set.scheduledTime)) await api.alarms.create(alarm, { when: Date.now() + (20 + 10 * Math.random()) * hour });
}
