import type { Hash } from '../../core/bytes.ts';

/** JSON documents by the SHA-256 of their canonical bytes: contents of proposals, configurations of resource sets. */
export type Contents = {
  /** Keeps a document on disk (evidence store). */
  put(bytes: Uint8Array): Promise<Hash>;
  /** From the own evidence store, else from any other centre (checked against the hash, then kept). @throws NotariumError `content-unavailable` */
  get(hash: Hash, options?: { signal?: AbortSignal; maxBytes?: number }): Promise<Uint8Array>;
};
