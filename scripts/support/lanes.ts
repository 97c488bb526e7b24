/**
 * Works through a queue in several lanes at once: a lane that is free takes the first item that holds nothing which an item
 * under way holds too.
 * @throws Error what `work` throws; the other lanes then end after the item that they are at.
 */
export async function inLanes<T extends { readonly holds?: string }>(
  queue: readonly T[],
  lanes: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const waiting = [...queue];
  const held = new Set<string>();
  let changed = Promise.withResolvers<void>();
  const lane = async (): Promise<void> => {
    while (waiting.length > 0) {
      const at = waiting.findIndex(({ holds }) => holds === undefined || !held.has(holds));
      if (at === -1) {
        await changed.promise;
        continue;
      }
      const [item] = waiting.splice(at, 1) as [T];
      if (item.holds !== undefined) held.add(item.holds);
      try {
        await work(item);
      } catch (error) {
        waiting.length = 0;
        throw error;
      } finally {
        if (item.holds !== undefined) held.delete(item.holds);
        changed.resolve();
        changed = Promise.withResolvers();
      }
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}
