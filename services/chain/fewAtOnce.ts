const mostAtOnce = 8;

/** Asks for each item, some at a time; answers in the order of the items. */
export async function fewAtOnce<T, R>(items: readonly T[], ask: (item: T) => Promise<R>): Promise<R[]> {
  const answers: R[] = [];
  for (let start = 0; start < items.length; start += mostAtOnce) {
    answers.push(...(await Promise.all(items.slice(start, start + mostAtOnce).map(ask))));
  }
  return answers;
}
