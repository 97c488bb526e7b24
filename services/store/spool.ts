import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { NotariumError } from '../core/errors.ts';
import { decodeEntries, encodeEntries } from '../core/log/entryBundle.ts';
import { tileWidth } from '../core/log/tile.ts';
import { leafHash } from '../core/sha256.ts';
import { nativeSha256 as sha256 } from '../lib/nativeSha256.ts';

/** Entries set aside until they are known to be right; of a large block only the hashes stand in memory. */
export type Spool = AsyncDisposable & {
  /** 32 bytes for each entry. */
  readonly leafHashes: Uint8Array;
  read(): AsyncIterable<readonly Uint8Array[]>;
};

const maxMemoryBytes = 8 * 1024 * 1024;

/**
 * Sets entries aside: in memory while they are few, else in a file of the folder, which is removed with the spool.
 * @throws NotariumError `block-invalid` when there are more or fewer than `count`; what the source throws.
 */
export async function spoolEntries(
  folder: string,
  source: AsyncIterable<readonly Uint8Array[]>,
  count: number,
): Promise<Spool> {
  const leafHashes = new Uint8Array(32 * count);
  const held: (readonly Uint8Array[])[] = [];
  let heldBytes = 0;
  let file: SpoolFile | undefined;
  try {
    let have = 0;
    for await (const entries of source) {
      if (have + entries.length > count) throw wrongCount(have + entries.length, count);
      for (const [at, entry] of entries.entries()) leafHashes.set(leafHash(entry, sha256), 32 * (have + at));
      have += entries.length;
      held.push(entries);
      heldBytes += entries.reduce((sum, entry) => sum + entry.length, 0);
      if (!file && heldBytes <= maxMemoryBytes) continue;
      file ??= await SpoolFile.create(folder);
      for (const some of held.splice(0)) await file.append(some);
    }
    if (have !== count) throw wrongCount(have, count);
    await file?.written();
  } catch (error) {
    await file?.remove();
    throw error;
  }
  return {
    leafHashes,
    async *read() {
      if (file) yield* file.read();
      else yield* held;
    },
    async [Symbol.asyncDispose]() {
      await file?.remove();
    },
  };
}

function wrongCount(have: number, want: number): NotariumError {
  return new NotariumError('block-invalid', `${have} records where the block has ${want}`, { data: { have, want } });
}

/** Bundles one after another in a file. */
class SpoolFile {
  readonly #path: string;
  readonly #file: FileHandle;
  /** Bytes of each bundle. */
  readonly #sizes: number[] = [];

  private constructor(path: string, file: FileHandle) {
    this.#path = path;
    this.#file = file;
  }

  static async create(folder: string): Promise<SpoolFile> {
    await mkdir(folder, { recursive: true });
    const path = join(folder, randomUUID());
    return new SpoolFile(path, await open(path, 'wx'));
  }

  async append(entries: readonly Uint8Array[]): Promise<void> {
    for (let start = 0; start < entries.length; start += tileWidth) {
      const bundle = encodeEntries(entries.slice(start, start + tileWidth));
      this.#sizes.push(bundle.length);
      await this.#file.writeFile(bundle);
    }
  }

  written(): Promise<void> {
    return this.#file.close();
  }

  async *read(): AsyncGenerator<Uint8Array[]> {
    const stream = createReadStream(this.#path, { highWaterMark: 1024 * 1024 });
    let held: Buffer = Buffer.alloc(0);
    let next = 0;
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
      for (let size = this.#sizes[next]; size !== undefined && size <= held.length; size = this.#sizes[++next]) {
        yield decodeEntries(held.subarray(0, size));
        held = held.subarray(size);
      }
    }
  }

  /** Closes it too; a second time does nothing. */
  async remove(): Promise<void> {
    await this.#file.close().catch(() => undefined);
    await rm(this.#path, { force: true });
  }
}
