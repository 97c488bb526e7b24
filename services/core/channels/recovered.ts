import { fromHex, type Hash } from '../bytes.ts';
import type { Crypto } from '../crypto.ts';
import { NotariumError } from '../errors.ts';
import { appendLeaves, emptyFrontier, rootOf } from '../log/compactRange.ts';
import { leafHash } from '../sha256.ts';
import { keyHashOf } from './bill.ts';
import { isBillOf, type Party } from './party.ts';
import type { RequesterEventOf, RequesterMemory, RequesterParty, RequesterStep } from './requesterMemory.ts';
import { checkStatement } from './statement.ts';
import type { FoldedBill } from './update.ts';

/**
 * Checks a bill that the other side gives as a leaf of the evidence tree, as far as it can be judged alone: that the verifier has signed
 * it, that its key is the right one, and that each side has made its statement.
 * @throws NotariumError `bill-mismatch`, `bill-key-mismatch`, `statement-invalid`.
 */
export function checkFoldedBill(party: Party, { signed, key, first, second }: Omit<FoldedBill, 'leafIndex'>): void {
  const { network, channel, crypto } = party;
  const { bill } = signed;
  const data = { billId: bill.id };
  if (!isBillOf(party, signed))
    throw new NotariumError('bill-mismatch', 'it is not signed by the verifier for this channel', { data });
  if (keyHashOf(key, crypto.sha256) !== bill.keyHash) throw new NotariumError('bill-key-mismatch', undefined, { data });
  checkStatement(network, bill, first, { role: 'verifier', account: channel.verifier }, crypto);
  checkStatement(network, bill, second, { role: 'requester', account: channel.requester }, crypto);
}

/** Root of the evidence tree over digests of bills: 32 bytes each, in the order of their leaves. */
export function evidenceRootOf(digests: Uint8Array, { sha256 }: Pick<Crypto, 'sha256'>): Uint8Array {
  const leaves = new Uint8Array(digests.length);
  for (let at = 0; at < digests.length; at += 32) leaves.set(leafHash(digests.subarray(at, at + 32), sha256), at);
  return rootOf(appendLeaves(emptyFrontier, leaves), sha256);
}

/** Digest of a bill as bytes. */
export function digestBytesOf({ signed }: Pick<FoldedBill, 'signed'>): Uint8Array {
  return fromHex(signed.bill.digest);
}

/**
 * Takes paid bills in that this requester has lost, each checked and at its place of the evidence tree. What it still took to be on its
 * way is not proposed again.
 * @throws NotariumError `channel-evidence-mismatch` for a bill whose lock is open: it is not paid yet.
 */
export function takeRecovered(
  _: RequesterParty,
  memory: RequesterMemory,
  { bills: recovered }: RequesterEventOf<'recovered'>,
): RequesterStep {
  const bills = new Map(memory.bills);
  const open = new Set(memory.ledger.locks.map(({ billId }): Hash => billId));
  for (const { leafIndex, signed } of recovered) {
    const { id: billId } = signed.bill;
    if (open.has(billId))
      throw new NotariumError('channel-evidence-mismatch', 'its lock is open', { data: { leafIndex, billId } });
    bills.delete(billId);
  }
  const rows = recovered.map(({ leafIndex, ...bill }) => ({ ...bill, state: 'folded' as const, leafIndex }));
  return { memory: { ...memory, bills }, saves: false, bills: rows, effects: [] };
}
