import { Readable } from 'node:stream';
import type { Hash } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';
import { openSealedFile, sealFile } from '../../lib/activities/sealedFile.ts';
import type { AttachmentStore } from '../../store/activities/AttachmentStore.ts';
import type { AttachmentFiles } from './AttachmentFiles.ts';

/** Files of messages in a store of what is encrypted. */
export function keepAttachments(store: AttachmentStore): AttachmentFiles {
  const read = async (sealedDigest: Hash, start: number, sizeBytes?: number): Promise<Readable> => {
    const found = await store.open(sealedDigest, { start, ...(sizeBytes === undefined ? {} : { sizeBytes }) });
    if (!found) throw new NotariumError('not-found', 'no such attachment');
    return found.content;
  };
  return {
    async put(content) {
      const sealing = sealFile(content);
      await store.put(sealing.sealed);
      return sealing.summary();
    },
    async have(sealedDigest) {
      const isWhole = await store.has(sealedDigest);
      return { isWhole, sizeBytes: await store.arrived(sealedDigest) };
    },
    read: (sealedDigest, fromByte) => read(sealedDigest, fromByte),
    async fetch({ sealedDigest, sealedBytes }, fromByte, content) {
      await store.append(sealedDigest, sealedBytes, fromByte, content);
    },
    async open(file) {
      const { sealedDigest, sealedBytes: sizeBytes } = file;
      const sealed = { sizeBytes, read: (start: number, length: number) => read(sealedDigest, start, length) };
      return Readable.from(openSealedFile(sealed, file));
    },
    collect: (needs, olderThanMs) => store.collect(needs, olderThanMs),
  };
}
