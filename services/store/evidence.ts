import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { hexDigits } from '../core/bytes.ts';
import type { DurableDisk } from './disk.ts';
import type { EvidenceStore } from './Store.ts';

/** Evidence on a disk, each content under its SHA-256: `ab/cd/<64 hex>`. It arrives in a folder beside it. */
export function evidenceStore({ disk, sync, moveIn }: DurableDisk, arrivals: string): EvidenceStore {
  const has = (digest: Uint8Array): Promise<boolean> => disk.exists(evidenceKey(digest));
  return {
    has,
    async put(content) {
      const hash = createHash('sha256');
      let sizeBytes = 0;
      const hashing = new Transform({
        transform(chunk: Uint8Array, _encoding, done) {
          hash.update(chunk);
          sizeBytes += chunk.length;
          done(null, chunk);
        },
      });
      await mkdir(arrivals, { recursive: true });
      const path = join(arrivals, randomUUID());
      try {
        // Its name is known only when all of it has been seen.
        await pipeline(content, hashing, createWriteStream(path));
        const digest = new Uint8Array(hash.digest());
        if (!(await has(digest))) {
          await moveIn(path, evidenceKey(digest));
          await sync();
        }
        return { digest, sizeBytes };
      } finally {
        await rm(path, { force: true });
      }
    },
    async get(digest): Promise<Readable | undefined> {
      return (await has(digest)) ? disk.getStream(evidenceKey(digest)) : undefined;
    },
  };
}

/** Name of a content in a folder or bucket. */
export function evidenceKey(digest: Uint8Array): string {
  if (digest.length !== 32) throw new RangeError('a digest is 32 bytes');
  const hex = hexDigits(digest);
  return `${hex.slice(0, 2)}/${hex.slice(2, 4)}/${hex}`;
}
