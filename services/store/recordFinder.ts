import { toHex } from '../core/bytes.ts';
import type { StoreContext } from './context.ts';
import { locate } from './locate.ts';
import type { FoundRecord } from './PoolRow.ts';
import type { Store } from './Store.ts';

type Waiting = {
  readonly id: Uint8Array;
  resolve(found: FoundRecord | undefined): void;
  reject(error: unknown): void;
};

/** `Store.findRecord`: calls that come while a look-up is under way are answered by the next one, all together. */
export function recordFinder(context: StoreContext): Store['findRecord'] {
  let waiting: Waiting[] = [];
  let isRunning = false;

  const run = async (): Promise<void> => {
    while (waiting.length > 0) {
      const taken = waiting;
      waiting = [];
      try {
        const found = await locate(
          context,
          context.reader,
          taken.map(({ id }) => id),
        );
        for (const { id, resolve } of taken) resolve(found.get(toHex(id)));
      } catch (error) {
        await oneByOne(taken, error);
      }
    }
    isRunning = false;
  };

  /** One damaged entry must fail only those who ask for it. */
  const oneByOne = async (taken: readonly Waiting[], error: unknown): Promise<void> => {
    if (taken.length === 1) return taken[0]!.reject(error);
    for (const { id, resolve, reject } of taken) {
      await locate(context, context.reader, [id]).then((found) => resolve(found.get(toHex(id))), reject);
    }
  };

  return (id) =>
    new Promise((resolve, reject) => {
      waiting.push({ id, resolve, reject });
      if (isRunning) return;
      isRunning = true;
      // After this turn, so that calls made together go together.
      queueMicrotask(() => void run());
    });
}
