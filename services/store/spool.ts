import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { NotariumError } from '../core/errors.ts';
import { decodeEntries, encodeEntries } from '../core/log/entryBundle.ts';
import { tileWidth } from '../core/log/tile.ts';

/** Entries set aside on disk until they are known to be right: a block of any size in constant memory. */
export type Spool = AsyncDisposable & { read(): AsyncGenerator<Uint8Array[]> };

/**
 * Writes the entries into a file of the folder, which is removed with the spool.
 * @throws NotariumError `block-invalid` when there are more or fewer than `count`; what the source throws.
 */
export async function spoolEntries(
  folder: string,
  source: AsyncIterable<readonly Uint8Array[]>,
  count: number,
): Promise<Spool> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, randomUUID());
  /** Bytes of each bundle in the file. */
  const sizes: number[] = [];
  const remove = (): Promise<void> => rm(path, { force: true });
  try {
    const file = await open(path, 'wx');
    try {
      let have = 0;
      for await (const entries of source) {
        have += entries.length;
        if (have > count) break;
        for (let start = 0; start < entries.length; start += tileWidth) {
          const bundle = encodeEntries(entries.slice(start, start + tileWidth));
          sizes.push(bundle.length);
          await file.writeFile(bundle);
        }
      }
      if (have !== count) {
        throw new NotariumError('block-invalid', `${have} records where the block has ${count}`, {
          data: { have, want: count },
        });
      }
    } finally {
      await file.close();
    }
  } catch (error) {
    await remove();
    throw error;
  }
  return {
    async *read() {
      const stream = createReadStream(path, { highWaterMark: 1024 * 1024 });
      let held: Buffer = Buffer.alloc(0);
      let next = 0;
      for await (const chunk of stream as AsyncIterable<Buffer>) {
        held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
        for (let size = sizes[next]; size !== undefined && size <= held.length; size = sizes[++next]) {
          yield decodeEntries(held.subarray(0, size));
          held = held.subarray(size);
        }
      }
    },
    [Symbol.asyncDispose]: remove,
  };
}
