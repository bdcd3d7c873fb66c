// The clock of this device, which may be wrong: then newer lists are refused, and the list in use looks too old or
// never old. All times are in one unit, seconds or milliseconds, and since 1970.

/**
 * In seconds: a clock that is less wrong than this does no harm. What is signed is taken a day before its time, and
 * holds for days.
 */
const tolerance = 24 * 60 * 60;

/** What the server said the time was, in the header of an answer, and what this device said then; in seconds. */
export interface Heard {
  here: number;
  there: number;
}

/**
 * By how many seconds this device's clock is ahead of the time; less than zero where it is behind, and 0 where nothing
 * says that it is wrong. What was signed was signed in the past: a clock that says otherwise is behind, whatever
 * anybody says. That one is ahead only the server can tell, and what it says is shown to a person and decides nothing.
 */
export function ahead(now: number, signed: number, heard: Heard | undefined): number {
  // What was said longer ago, or in a future, was said before the clock was set.
  if (heard && heard.there >= signed - tolerance && now >= heard.here && now - heard.here < tolerance) {
    const off = heard.here - heard.there;
    return Math.abs(off) > tolerance ? off : 0;
  }
  return now < signed - tolerance ? now - signed : 0;
}

/** In seconds: how long after it was signed a list is renewed at the latest, as a rule. */
const life = 7 * 24 * 60 * 60;

/**
 * The time, as far as what was signed proves it. A clock that says more is not believed where something would be thrown
 * away.
 */
export const proven = (now: number, signed: number): number => Math.min(now - ahead(now, signed, undefined), signed + life);

/** Whether the server has said within a day that the clock is right. */
export function isConfirmed(now: number, heard: Heard | undefined): boolean {
  return heard !== undefined && now >= heard.here && now - heard.here < tolerance && Math.abs(heard.here - heard.there) <= tolerance;
}

/**
 * A time for something that is never put off for longer than most. One that lies further ahead was noted by a clock
 * that was wrong: it has come.
 */
export const due = (when: number, now: number, most: number): number => (when - now > most ? now : when);

/** A time in the past. One that lies ahead was noted by a clock that was wrong: it is as good as never. */
export const past = (when: number, now: number): number => (when > now ? 0 : when);
