import { fromHex, type RecordId, toHex } from '../core/bytes.ts';
import { NotariumError } from '../core/errors.ts';
import { inclusionProof } from '../core/log/proof.ts';
import { entriesPath, tileWidth } from '../core/log/tile.ts';
import { rootFromInclusion } from '../core/log/verifyProof.ts';
import { buildReceipt, type Receipt } from '../core/receipt.ts';
import { leafHash, type Sha256 } from '../core/sha256.ts';
import type { Store } from '../store/Store.ts';

/**
 * The receipt of a record.
 * @throws NotariumError `record-not-found`, `record-not-anchored`, `record-refused` (data.refusal), `tile-corrupt`.
 */
export async function makeReceipt(store: Store, id: RecordId, sha256?: Sha256): Promise<Receipt> {
  const found = await store.findRecord(fromHex(id));
  if (!found) throw new NotariumError('record-not-found', id);
  if (found.where === 'refused') {
    throw new NotariumError('record-refused', found.refusal.reason, { data: { refusal: found.refusal } });
  }
  const block = found.where === 'log' ? await store.blockOfLeaf(found.leafIndex) : undefined;
  if (found.where === 'pool' || !block?.anchor) throw new NotariumError('record-not-anchored', id);
  const { header, signatures, anchor } = block;
  const path = await inclusionProof(found.leafIndex, header.treeSize, store.nodeReader(header.treeSize));
  const { entry, leafIndex } = found;
  const leaf = leafHash(entry, sha256);
  const root = rootFromInclusion({ leafHash: leaf, leafIndex, treeSize: header.treeSize, path }, sha256);
  // A receipt that proves nothing must not leave the house.
  if (!root || toHex(root) !== header.root) throw damaged(leafIndex);
  return buildReceipt({ entry, leafIndex, path, block: header, signatures, anchor });
}

function damaged(leafIndex: number): NotariumError {
  const path = entriesPath(Math.floor(leafIndex / tileWidth));
  const detail = `${path} or a hash tile above it: they do not lead from entry ${leafIndex} to its block`;
  return new NotariumError('tile-corrupt', detail, { data: { path, leafIndex } });
}
