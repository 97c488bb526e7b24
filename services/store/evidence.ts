import { createHash, randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { Transform } from 'node:stream';
import { hexDigits } from '../core/bytes.ts';
import { type DurableDisk, isMissing } from './disk.ts';
import type { EvidenceStore } from './Store.ts';

/** Evidence on a disk: each content under its SHA-256, `ab/cd/<64 hex>`. */
export function evidenceStore({ disk, sync }: DurableDisk): EvidenceStore {
  const has = (digest: Uint8Array): Promise<boolean> => disk.exists(keyOf(digest));
  return {
    has,
    async put(content) {
      const hash = createHash('sha256');
      let sizeBytes = 0;
      const hashed = new Transform({
        transform(chunk: Uint8Array, _encoding, done) {
          hash.update(chunk);
          sizeBytes += chunk.length;
          done(null, chunk);
        },
      });
      content.on('error', (error) => hashed.destroy(error));
      // Its name is known only at the end: it arrives under another one, durably, and then moves.
      const arriving = `arriving/${randomUUID()}`;
      try {
        await disk.putStream(arriving, content.pipe(hashed));
        const digest = new Uint8Array(hash.digest());
        if (!(await has(digest))) await disk.copy(arriving, keyOf(digest));
        await sync();
        return { digest, sizeBytes };
      } finally {
        await disk.delete(arriving);
      }
    },
    async get(digest): Promise<Readable | undefined> {
      try {
        return await disk.getStream(keyOf(digest));
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    },
  };
}

function keyOf(digest: Uint8Array): string {
  if (digest.length !== 32) throw new RangeError('a digest is 32 bytes');
  const hex = hexDigits(digest);
  return `${hex.slice(0, 2)}/${hex.slice(2, 4)}/${hex}`;
}
