import { parseEntry } from '../../core/record.ts';
import { leafHash } from '../../core/sha256.ts';
import type { CentreParts } from '../CentreParts.ts';
import type { BlockLeaves } from './Replication.ts';

/**
 * Leaves of the log from a size on: those whose anchors a deep reorganisation has taken (reanchorLog.ts). They stand at the
 * beginning of the block that anchors them again, so that a centre that never had them can vote for it too.
 */
export async function orphanedTail(
  { store, crypto }: Pick<CentreParts, 'store' | 'crypto'>,
  from: number,
): Promise<BlockLeaves> {
  const size = store.logSize() - from;
  const ids = new Uint8Array(32 * size);
  const leafHashes = new Uint8Array(32 * size);
  for (let at = 0; at < size; at++) {
    const entry = await store.entry(from + at);
    ids.set(parseEntry(entry, { crypto }).idBytes, 32 * at);
    leafHashes.set(leafHash(entry, crypto.sha256), 32 * at);
  }
  return { ids, leafHashes };
}
