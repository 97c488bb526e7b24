import { fromHex, type RecordId } from '../core/bytes.ts';
import { NotariumError } from '../core/errors.ts';
import { inclusionProof } from '../core/log/proof.ts';
import { buildReceipt, type Receipt } from '../core/receipt.ts';
import type { Store } from '../store/Store.ts';

/**
 * The receipt of a record.
 * @throws NotariumError `record-not-found`, `record-not-anchored`, `record-refused` (data.refusal).
 */
export async function makeReceipt(store: Store, id: RecordId): Promise<Receipt> {
  const found = await store.findRecord(fromHex(id));
  if (!found) throw new NotariumError('record-not-found', id);
  if (found.where === 'refused') {
    throw new NotariumError('record-refused', found.refusal.reason, { data: { refusal: found.refusal } });
  }
  const block = found.where === 'log' ? await store.blockOfLeaf(found.leafIndex) : undefined;
  if (found.where === 'pool' || !block?.anchor) throw new NotariumError('record-not-anchored', id);
  const { header, signatures, anchor } = block;
  const path = await inclusionProof(found.leafIndex, header.treeSize, store.nodeReader(header.treeSize));
  return buildReceipt({ entry: found.entry, leafIndex: found.leafIndex, path, block: header, signatures, anchor });
}
