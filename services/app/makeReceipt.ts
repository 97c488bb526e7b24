import { fromHex, type RecordId } from '../core/bytes.ts';
import { NotariumError } from '../core/errors.ts';
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
  const { entry, leafIndex } = found;
  const path = await store.inclusionPath({ leafIndex, leafHash: leafHash(entry, sha256) }, header);
  return buildReceipt({ entry, leafIndex, path, block: header, signatures, anchor });
}
