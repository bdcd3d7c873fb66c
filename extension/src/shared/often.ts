/**
 * Counts what happens now and then. The function says, of each time, whether it is too often: more than `most` times at
 * once, or faster than every `rest` ms for long.
 */
export function often(most: number, rest: number): () => boolean {
  let count = 0;
  let last = 0;
  return () => {
    const now = Date.now();
    count = Math.max(0, count - (now - last) / rest) + 1;
    last = now;
    return count > most;
  };
}
