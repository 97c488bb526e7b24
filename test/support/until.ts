/**
 * Waits for a condition: the first value that is neither undefined nor false.
 * @throws Error after the limit, with the last error of `look` as its cause.
 */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
  limitMs = 60_000,
): Promise<T> {
  const untilMs = performance.now() + limitMs;
  let cause: unknown;
  for (;;) {
    try {
      const value = await look();
      if (value !== undefined && value !== false) return value;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (performance.now() > untilMs) throw new Error(`waited ${limitMs} ms for: ${what}`, { cause });
    await new Promise((done) => setTimeout(done, 20));
  }
}
