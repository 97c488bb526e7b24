import { Readable } from 'node:stream';
import { NotariumError } from '../../core/errors.ts';
import { openSealedFile, sealFile } from '../../lib/activities/sealedFile.ts';
import type { AttachmentStore } from '../../store/activities/AttachmentStore.ts';
import type { AttachmentFiles } from './AttachmentFiles.ts';

/** Files of messages in a store of what is encrypted. */
export function keepAttachments(store: AttachmentStore): AttachmentFiles {
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
    async read(sealedDigest, fromByte) {
      const found = await store.open(sealedDigest, { start: fromByte });
      if (!found) throw new NotariumError('not-found', 'no such attachment');
      return found.content;
    },
    async fetch({ sealedDigest, sealedBytes }, fromByte, content) {
      await store.append(sealedDigest, sealedBytes, fromByte, content);
    },
    async open(file) {
      const { sealedDigest, sealedBytes: sizeBytes } = file;
      const read = async (start: number, length: number): Promise<Readable> => {
        const found = await store.open(sealedDigest, { start, sizeBytes: length });
        if (!found) throw new NotariumError('not-found', 'no such attachment');
        return found.content;
      };
      return Readable.from(openSealedFile({ sizeBytes, read }, file));
    },
    collect: (needs, olderThanMs) => store.collect(needs, olderThanMs),
  };
}
