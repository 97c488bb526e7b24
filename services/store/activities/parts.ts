// Well below the parameters that one statement may have: 32,766 on SQLite.
const largest = 256;

/**
 * Rows for statements of several, by powers of two: so few lengths that the database keeps all of the statements prepared.
 */
export function inParts<T>(rows: readonly T[]): T[][] {
  const parts: T[][] = [];
  for (let at = 0; at < rows.length; ) {
    const count = Math.min(largest, 2 ** Math.floor(Math.log2(rows.length - at)));
    parts.push(rows.slice(at, at + count));
    at += count;
  }
  return parts;
}

/** The first things that have so many bytes together, one at least. */
export function firstBytes<T>(items: readonly T[], most: number, sizeOf: (item: T) => number): T[] {
  let sum = 0;
  const end = items.findIndex((item, index) => {
    sum += sizeOf(item);
    return index > 0 && sum > most;
  });
  return end < 0 ? [...items] : items.slice(0, end);
}
