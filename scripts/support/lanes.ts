/** What a lane has to know of an item. */
export type Item = {
  readonly name: string;
  /** Items that hold the same thing never run at the same time. */
  readonly holds?: string;
  /** Does not begin before all items of this name have ended, if there are any. */
  readonly after?: string;
};

/**
 * Works through a queue in several lanes at once: a lane that is free takes the first item that need not wait for another.
 * @throws Error what `work` throws; the other lanes then end after the item that they are at.
 */
export async function inLanes<T extends Item>(
  queue: readonly T[],
  lanes: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const waiting = [...queue];
  const running = new Set<T>();
  let changed = Promise.withResolvers<void>();
  const lane = async (): Promise<void> => {
    while (waiting.length > 0) {
      const at = waiting.findIndex((item) => mayBegin(item, waiting, running));
      if (at === -1) {
        if (running.size === 0) throw new Error(`${waiting.map(({ name }) => name).join(', ')} wait for one another`);
        await changed.promise;
        continue;
      }
      const [item] = waiting.splice(at, 1) as [T];
      running.add(item);
      try {
        await work(item);
      } catch (error) {
        waiting.length = 0;
        throw error;
      } finally {
        running.delete(item);
        changed.resolve();
        changed = Promise.withResolvers();
      }
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

function mayBegin({ holds, after }: Item, waiting: readonly Item[], running: ReadonlySet<Item>): boolean {
  for (const other of running) if ((holds !== undefined && other.holds === holds) || other.name === after) return false;
  return after === undefined || !waiting.some(({ name }) => name === after);
}
