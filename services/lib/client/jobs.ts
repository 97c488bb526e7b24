/**
 * Runs a job for each item, at most `limit` at a time, and gives the results in the order of the items. Takes from the
 * source only as the results are taken: a slow reader slows the source (back-pressure). A job that throws ends the whole.
 */
export async function* mapInOrder<T, R>(
  items: AsyncIterable<T> | Iterable<T>,
  limit: number,
  job: (item: T, index: number) => Promise<R>,
): AsyncGenerator<R> {
  const running: Promise<R>[] = [];
  let index = 0;
  for await (const item of items) {
    const result = job(item, index++);
    // Its failure is seen when its turn comes; until then it must not count as unhandled.
    result.catch(() => {});
    running.push(result);
    if (running.length >= limit) yield await running.shift()!;
  }
  for (const result of running) yield await result;
}

/** Groups items, a group being full at `maxCount` items or before `maxSize` of their sizes is exceeded. */
export async function* inGroups<T>(
  items: AsyncIterable<T> | Iterable<T>,
  options: { maxCount: number; maxSize: number; sizeOf: (item: T) => number },
): AsyncGenerator<T[]> {
  let group: T[] = [];
  let size = 0;
  for await (const item of items) {
    const itemSize = options.sizeOf(item);
    if (group.length > 0 && (group.length >= options.maxCount || size + itemSize > options.maxSize)) {
      yield group;
      group = [];
      size = 0;
    }
    group.push(item);
    size += itemSize;
  }
  if (group.length > 0) yield group;
}
