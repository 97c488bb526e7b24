// Whoever is asked has work to do: what takes longer is asked for less often, at the price of a sixteenth of the time.
const shortestMs = 20;
const longestMs = 250;

/**
 * Waits for a condition: the first value that is neither undefined nor false.
 * @throws Error after the limit, with the last error of `look` as its cause.
 */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
  limitMs = 120_000,
): Promise<T> {
  const startMs = performance.now();
  let cause: unknown;
  for (;;) {
    try {
      const value = await look();
      if (value !== undefined && value !== false) return value;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    const waitedMs = performance.now() - startMs;
    if (waitedMs > limitMs) throw new Error(`waited ${limitMs} ms for: ${what}`, { cause });
    await new Promise((done) => setTimeout(done, Math.min(longestMs, shortestMs + waitedMs / 16)));
  }
}
