import type { Address } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';

type Entries = readonly Uint8Array[];

/** Which entries of the log, `to` not included, from whom. */
export type LogRange = { readonly peer: Address; readonly from: number; readonly to: number };

type Held = LogRange & { readonly reading: Reading; readonly stop: AbortController };

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
    this.#held = { ...range, reading: eagerly(open(stop.signal), maxHeldBytes, stop.signal), stop };
  }

  /**
   * The entries of exactly this range, if they are being read; what else is held is given up, and what has failed: its
   * source may have it by now. They throw `peer-timeout` when they have not all come in so many milliseconds from now.
   */
  take({ peer, from, to }: LogRange, limitMs: number): AsyncIterable<Entries> | undefined {
    const held = this.#held;
    if (held?.peer === peer && held.from === from && held.to === to && !held.reading.hasFailed()) {
      this.#held = undefined;
      return endedAfter(held, limitMs);
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

/** Gives what is held. Its source is ended when that has taken too long, and when nobody reads on. */
async function* endedAfter({ peer, reading, stop }: Held, limitMs: number): AsyncGenerator<Entries> {
  const isLate = (): void => stop.abort(new NotariumError('peer-timeout', `${limitMs} ms`, { data: { peer } }));
  const timer = setTimeout(isLate, limitMs);
  try {
    yield* reading.entries;
  } finally {
    clearTimeout(timer);
    stop.abort();
  }
}

type Reading = { readonly entries: AsyncIterable<Entries>; hasFailed(): boolean };

/**
 * Reads a source before anybody asks for it, so many bytes far, until the signal aborts. What it throws comes when it has
 * been read up to there.
 */
function eagerly(source: AsyncIterable<Entries>, maxBytes: number, signal: AbortSignal): Reading {
  const ready: Entries[] = [];
  let heldBytes = 0;
  let end: { readonly error?: unknown } | undefined;
  let changed = Promise.withResolvers<void>();
  const change = (): void => {
    changed.resolve();
    changed = Promise.withResolvers();
  };
  signal.addEventListener('abort', change);
  void (async () => {
    try {
      for await (const entries of source) {
        ready.push(entries);
        heldBytes += sizeOf(entries);
        change();
        while (heldBytes > maxBytes && !signal.aborted) await changed.promise;
        signal.throwIfAborted();
      }
      end = {};
    } catch (error) {
      end = { error };
    }
    change();
  })();
  const entries = (async function* (): AsyncGenerator<Entries> {
    for (;;) {
      const some = ready.shift();
      if (some) {
        heldBytes -= sizeOf(some);
        change();
        yield some;
      } else if (!end) {
        await changed.promise;
      } else if ('error' in end) {
        throw end.error;
      } else {
        return;
      }
    }
  })();
  return { entries, hasFailed: () => end !== undefined && 'error' in end };
}

function sizeOf(entries: Entries): number {
  return entries.reduce((sum, { length }) => sum + length, 0);
}
