/** Waits until the condition gives something, asking every 10 ms; fails after the limit. */
export async function until<T>(
  condition: () => Promise<T | undefined | false | null> | T | undefined | false | null,
  limitMs = 10_000,
): Promise<T> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const value = await condition();
    if (value !== undefined && value !== false && value !== null) return value;
    if (performance.now() > deadline) throw new Error(`did not come true within ${limitMs} ms: ${condition}`);
    await new Promise((done) => setTimeout(done, 10));
  }
}
