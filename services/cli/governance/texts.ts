/** A Unix time in seconds, for people. */
export function timeText(unixSeconds: number): string {
  // Whoever made the time may have made it up.
  const date = new Date(1000 * unixSeconds);
  return Number.isNaN(date.getTime()) ? `${unixSeconds}` : date.toISOString().replace('.000Z', 'Z');
}

/** A duration for people: its two greatest units. */
export function durationText(seconds: number): string {
  const units: readonly [string, number][] = [
    ['d', 86_400],
    ['h', 3_600],
    ['min', 60],
    ['s', 1],
  ];
  const first = units.findIndex(([, size]) => seconds >= size);
  if (first < 0) return '0 s';
  let left = Math.floor(seconds);
  const parts = units.slice(first, first + 2).map(([name, size]) => {
    const count = Math.floor(left / size);
    left -= count * size;
    return count === 0 ? '' : `${count} ${name}`;
  });
  return parts.filter((part) => part !== '').join(' ');
}

/** A count with its noun. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
