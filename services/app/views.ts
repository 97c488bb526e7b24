import { fromHex, type RecordId, toHex } from '../core/bytes.ts';
import { slotAt } from '../core/committee.ts';
import { parseEntry } from '../core/record.ts';
import type { NotariumRecord } from '../core/recordSchema.ts';
import type { Store } from '../store/Store.ts';
import type { StoredBlock } from '../store/StoredBlock.ts';
import type { BlockView, RecordView } from './Centre.ts';
import type { CentreParts } from './CentreParts.ts';
import { poolAcceptance, watchPooled } from './poolAcceptance.ts';

/** A block as the API shows it. */
export function blockView({ header, hash, state, count, signatures, anchor }: StoredBlock): BlockView {
  return { header, hash, state, count, signatures, ...(anchor ? { anchor } : {}) };
}

/** A record and where it stands; undefined when it is not known. */
export async function recordView(
  parts: Pick<CentreParts, 'store' | 'signer' | 'network' | 'clock' | 'periodSeconds' | 'settings'>,
  id: RecordId,
): Promise<RecordView | undefined> {
  const { store, signer, network, clock, periodSeconds, settings } = parts;
  const idBytes = fromHex(id);
  const found = await store.findRecord(idBytes);
  if (!found) return undefined;
  const { record } = parseEntry(found.entry);
  const successor = await store.successorOf(idBytes);
  const common = { id, record, ...(successor ? { supersededBy: toHex(successor) } : {}) };
  switch (found.where) {
    case 'pool': {
      const { seq } = found;
      const includeBySlot = slotAt(clock.nowMs(), periodSeconds) + settings.promiseSlots;
      const [promised] = await watchPooled(store, [{ ...found, id: idBytes }], includeBySlot);
      // A record stays in the pool until its block is confirmed; who judges the promise must know of that block.
      const block = (await store.liveBlocks()).find(
        ({ range }) => range && range.firstSeq <= seq && seq <= range.lastSeq,
      );
      return {
        ...common,
        state: 'pooled',
        ...(block ? { height: block.header.height } : {}),
        acceptance: await poolAcceptance(network, signer, id, promised!),
      };
    }
    case 'refused':
      return { ...common, state: 'refused', refusal: found.refusal };
    case 'log':
      return { ...common, ...(await loggedView(store, found.leafIndex)) };
  }
}

/** A record of the log, by its entry. */
export async function entryView(store: Store, leafIndex: number, entry: Uint8Array): Promise<RecordView> {
  const { record, id, idBytes }: { record: NotariumRecord; id: RecordId; idBytes: Uint8Array } = parseEntry(entry);
  const successor = await store.successorOf(idBytes);
  return {
    id,
    record,
    ...(successor ? { supersededBy: toHex(successor) } : {}),
    ...(await loggedView(store, leafIndex)),
  };
}

async function loggedView(store: Store, leafIndex: number) {
  const block = await store.blockOfLeaf(leafIndex);
  return { state: 'logged' as const, leafIndex, ...(block ? { height: block.header.height } : {}) };
}
