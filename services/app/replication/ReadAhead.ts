import type { Address } from '../../core/bytes.ts';

type Entries = readonly Uint8Array[];

/** Which entries of the log, `to` not included, from whom. */
export type LogRange = { readonly peer: Address; readonly from: number; readonly to: number };

type Held = LogRange & { readonly entries: AsyncIterable<Entries>; readonly stop: AbortController };

const maxHeldBytes = 16 * 1024 * 1024;

/**
 * Fetches the entries of the next block while those of one are written down. One range at a time; so much of it is held in
 * memory, and the rest waits at its source.
 */
export class ReadAhead {
  #held: Held | undefined;

  /** Begins to read a range; what was held before is given up. */
  start(range: LogRange, open: (signal: AbortSignal) => AsyncIterable<Entries>): void {
    this.close();
    const stop = new AbortController();
    this.#held = { ...range, entries: eagerly(open(stop.signal), maxHeldBytes), stop };
  }

  /** The entries of exactly this range, if they are being read; what else is held is given up. */
  take({ peer, from, to }: LogRange): AsyncIterable<Entries> | undefined {
    const held = this.#held;
    if (held?.peer === peer && held.from === from && held.to === to) {
      this.#held = undefined;
      return held.entries;
    }
    this.close();
    return undefined;
  }

  /** Gives up what is held. */
  close(): void {
    this.#held?.stop.abort();
    this.#held = undefined;
  }
}

/** Reads a source before anybody asks for it, so many bytes far. What it throws comes when it has been read up to there. */
function eagerly(source: AsyncIterable<Entries>, maxBytes: number): AsyncIterable<Entries> {
  const ready: Entries[] = [];
  let heldBytes = 0;
  let end: { readonly error?: unknown } | undefined;
  let changed = Promise.withResolvers<void>();
  const change = (): void => {
    changed.resolve();
    changed = Promise.withResolvers();
  };
  void (async () => {
    try {
      for await (const entries of source) {
        ready.push(entries);
        heldBytes += sizeOf(entries);
        change();
        while (heldBytes > maxBytes) await changed.promise;
      }
      end = {};
    } catch (error) {
      end = { error };
    }
    change();
  })();
  return (async function* () {
    for (;;) {
      const entries = ready.shift();
      if (entries) {
        heldBytes -= sizeOf(entries);
        change();
        yield entries;
      } else if (!end) {
        await changed.promise;
      } else if ('error' in end) {
        throw end.error;
      } else {
        return;
      }
    }
  })();
}

function sizeOf(entries: Entries): number {
  return entries.reduce((sum, { length }) => sum + length, 0);
}
