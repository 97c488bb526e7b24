import { toHex } from '../../core/bytes.ts';
import type { Party } from '../../core/channels/party.ts';
import { checkFoldedBill, digestBytesOf, evidenceRootOf } from '../../core/channels/recovered.ts';
import type { SignedState } from '../../core/channels/state.ts';
import type { FoldedBill } from '../../core/channels/update.ts';
import { isNotariumError, NotariumError } from '../../core/errors.ts';
import { hashBytes } from '../../core/sha256.ts';
import type { ChannelStore } from '../../store/channels/ChannelStore.ts';
import type { VerifierApi } from './VerifierApi.ts';

/** What lost evidence is fetched with. */
export type RecoveryParts = {
  readonly party: Party;
  /** Signed by both: its total digest says which bills were paid, and in which order. */
  readonly latest: SignedState;
  readonly store: Pick<ChannelStore, 'evidence' | 'leafCount'>;
  readonly api: Pick<VerifierApi, 'evidence'>;
  readonly signal: AbortSignal;
  /** Keeps bills durably, each where it belongs. */
  readonly keep: (bills: readonly FoldedBill[]) => Promise<void>;
};

/** Leaves that are missing: from the first on, before the last. */
type Gap = { readonly from: number; readonly to: number };

/** Bills that are read and asked for at once. */
const pageSize = 256;

/**
 * Fetches the paid bills that a store lacks from the verifier. They are fetched twice, so that they need not all be in memory: nothing is
 * kept before all of them are known to rebuild the total digest that both sides have signed.
 * @returns How many there were.
 * @throws NotariumError `channel-evidence-mismatch` when the verifier gives anything else, and what the verifier's API throws.
 */
export async function recoverEvidence(parts: RecoveryParts): Promise<number> {
  const { party, latest, store, keep } = parts;
  const { evidenceCount, evidenceRoot } = latest.state;
  const { channelId } = party;
  if ((await store.leafCount(channelId, evidenceCount)) === evidenceCount) return 0;
  const digests = new Uint8Array(hashBytes * evidenceCount);
  const gaps = await gapsOf(parts, digests);
  for await (const page of pagesOf(parts, gaps))
    for (const bill of page) digests.set(digestBytesOf(bill), hashBytes * bill.leafIndex);
  if (toHex(evidenceRootOf(digests, party.crypto)) !== evidenceRoot)
    throw mismatch(`the ${evidenceCount} bills do not have the total digest that both have signed`);
  let count = 0;
  for await (const page of pagesOf(parts, gaps)) {
    const changed = page.find((bill) => Buffer.compare(digestBytesOf(bill), leafOf(digests, bill.leafIndex)) !== 0);
    if (changed) throw mismatch('the second time it is another bill', { leafIndex: changed.leafIndex });
    await keep(page);
    count += page.length;
  }
  return count;
}

/** Fills in what the store has; gives what it has not. */
async function gapsOf({ party, latest, store }: RecoveryParts, digests: Uint8Array): Promise<Gap[]> {
  const { evidenceCount } = latest.state;
  const gaps: Gap[] = [];
  for (let next = 0; next < evidenceCount; ) {
    const rows = await store.evidence(party.channelId, next, pageSize);
    for (const { signed, leafIndex = evidenceCount } of rows) {
      if (leafIndex >= evidenceCount) break;
      if (leafIndex > next) gaps.push({ from: next, to: leafIndex });
      digests.set(digestBytesOf({ signed }), hashBytes * leafIndex);
      next = leafIndex + 1;
    }
    const isLast = rows.length < pageSize || (rows.at(-1)?.leafIndex ?? 0) >= evidenceCount;
    if (!isLast) continue;
    if (next < evidenceCount) gaps.push({ from: next, to: evidenceCount });
    break;
  }
  return gaps;
}

/** What the verifier says of these leaves, each bill checked by itself. */
async function* pagesOf(
  { party, api, signal }: RecoveryParts,
  gaps: readonly Gap[],
): AsyncGenerator<FoldedBill[], void, void> {
  for (const { from, to } of gaps) {
    for (let next = from; next < to; ) {
      const limit = Math.min(pageSize, to - next);
      const page = await api.evidence(party.channelId, next, limit, signal);
      if (page.length === 0 || page.length > limit)
        throw mismatch(`${page.length} bills of ${limit}`, { leafIndex: next });
      for (const bill of page) {
        if (bill.leafIndex !== next) throw mismatch(`leaf ${next} is missing`, { leafIndex: next });
        checkBill(party, bill);
        next++;
      }
      yield page;
    }
  }
}

function checkBill(party: Party, bill: FoldedBill): void {
  const { leafIndex } = bill;
  try {
    checkFoldedBill(party, bill);
  } catch (cause) {
    if (!isNotariumError(cause)) throw cause;
    throw mismatch(`leaf ${leafIndex}: ${cause.message}`, { leafIndex, code: cause.code }, cause);
  }
}

function leafOf(digests: Uint8Array, leafIndex: number): Uint8Array {
  return digests.subarray(hashBytes * leafIndex, hashBytes * (leafIndex + 1));
}

function mismatch(detail: string, data: Readonly<Record<string, unknown>> = {}, cause?: unknown): NotariumError {
  return new NotariumError('channel-evidence-mismatch', detail, { data, cause });
}
