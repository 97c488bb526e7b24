import { NotariumError } from '../../core/errors.ts';

/** Longest path that is taken: twice what Linux opens. */
const mostBytes = 8192;

/**
 * Paths from a stream of bytes, each as soon as it is whole; empty ones are left out.
 * @param isNull Each ends with a zero byte, else with a line feed; the last one need not.
 * @throws NotariumError `usage-invalid` for one that is too long.
 */
export async function* pathsFrom(
  source: AsyncIterable<Uint8Array>,
  isNull: boolean,
): AsyncGenerator<string, void, void> {
  const end = isNull ? 0 : 10;
  let rest = Buffer.alloc(0);
  for await (const chunk of source) {
    rest = rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk]);
    let start = 0;
    for (let at = rest.indexOf(end, start); at >= 0; at = rest.indexOf(end, start)) {
      if (at > start) yield pathOf(rest.subarray(start, at), isNull);
      start = at + 1;
    }
    rest = rest.subarray(start);
    if (rest.length > mostBytes) throw tooLong();
  }
  if (rest.length > 0) yield pathOf(rest, isNull);
}

function pathOf(bytes: Buffer, isNull: boolean): string {
  if (bytes.length > mostBytes) throw tooLong();
  if (!isNull && bytes.includes(0)) throw new NotariumError('usage-invalid', 'the paths end with zero bytes: give -0');
  return bytes.toString();
}

function tooLong(): NotariumError {
  return new NotariumError('usage-invalid', `a path is longer than ${mostBytes} bytes`);
}
