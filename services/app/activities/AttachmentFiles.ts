import type { Readable } from 'node:stream';
import type { Attachment } from '../../core/activities/contents.ts';
import type { Hash } from '../../core/bytes.ts';
import type { AttachmentNeeds } from '../../store/activities/AttachmentStore.ts';

/** Files of messages on this machine, each encrypted under a key of its own, by the digest of what is encrypted. */
export type AttachmentFiles = {
  /** Encrypts a file as it comes, and keeps it. */
  put(content: Readable): Promise<Omit<Attachment, 'name' | 'mediaType'>>;
  /** Bytes of it that are here; `isWhole`: all of them, checked. */
  have(sealedDigest: Hash): Promise<{ readonly sizeBytes: number; readonly isWhole: boolean }>;
  /** What is encrypted, from a byte on. */
  read(sealedDigest: Hash, fromByte: number): Promise<Readable>;
  /**
   * Goes on with a file of another member from the byte on to which it is here. What comes is bounded, and kept only once it is what the digest
   * names; where it is another one, nothing of it stays.
   * @throws NotariumError `attachment-mismatch`, `upload-conflict`.
   */
  fetch(
    file: Pick<Attachment, 'sealedDigest' | 'sealedBytes'>,
    fromByte: number,
    content: AsyncIterable<Uint8Array>,
  ): Promise<void>;
  /** The file as it is, decrypted as it is read; every piece is checked before it is given. */
  open(file: Attachment): Promise<Readable>;
  /** Removes what nothing needs and is older than that; nothing that is being written. */
  collect(needs: AttachmentNeeds, olderThanMs: number): Promise<{ readonly files: number; readonly sizeBytes: number }>;
};
