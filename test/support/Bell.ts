/** Wakes all who wait for the next change. */
export class Bell {
  readonly #waiting = new Set<() => void>();

  ring(): void {
    for (const resolve of [...this.#waiting]) resolve();
  }

  /** Resolves at the next ring, after so long, or when the signal aborts. */
  next(signal?: AbortSignal, ms = 60_000): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(end);
        signal?.removeEventListener('abort', end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      this.#waiting.add(end);
      signal?.addEventListener('abort', end, { once: true });
      if (signal?.aborted) end();
    });
  }
}
