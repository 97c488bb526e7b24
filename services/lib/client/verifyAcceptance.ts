import {
  type Acceptance,
  acceptanceSchema,
  checkAcceptance,
  checkRefusal,
  refusalSchema,
} from '../../core/acceptance.ts';
import { slotStartMs } from '../../core/committee.ts';
import { type Crypto, portableCrypto } from '../../core/crypto.ts';
import { NotariumError } from '../../core/errors.ts';
import type { RecordFate } from './recordFate.ts';
import { isKnownCentre, networkOf, type TrustedNetwork } from './TrustedNetwork.ts';

/** Largest file with an acceptance in it: a record and a promise, indented. */
export const maxAcceptanceBytes = 1 << 17;

/** What an acceptance turned out to be. */
export type AcceptanceVerdict = {
  readonly status: 'kept' | 'refused' | 'pending' | 'broken';
  /** Unix milliseconds at which the promise is due, the time for anchoring included. */
  readonly dueMs: number;
  readonly detail: string;
};

/**
 * Reads an acceptance: alone, or inside the answer or file that carries it.
 * @throws NotariumError `acceptance-malformed`.
 */
export function asAcceptance(value: unknown): Acceptance {
  const inner = typeof value === 'object' && value !== null && 'acceptance' in value ? value.acceptance : value;
  const parsed = acceptanceSchema.safeParse(inner);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw new NotariumError('acceptance-malformed', `${issue.path.join('.') || 'acceptance'}: ${issue.message}`);
}

/**
 * Judges a promise. The receipt in `fate` must have been verified. A record that is not in a block of the promised slot or
 * an earlier one, after that slot and the chain's grace, is provable misconduct, unless a centre's signed refusal says why.
 * While such a block waits for confirmations, the answer is pending.
 * @param nowMs Time that the verifier trusts: the chain's, or its own clock's.
 * @throws NotariumError `acceptance-signer-unknown`, the signature codes: then nobody promised anything;
 *   `record-not-anchored` where only the chain knows whether the block of the record was anchored in time.
 */
export function verifyAcceptance(
  acceptance: Acceptance,
  fate: RecordFate,
  trusted: TrustedNetwork,
  nowMs: number,
  crypto: Crypto = portableCrypto,
): AcceptanceVerdict {
  const network = networkOf(trusted);
  if (!isKnownCentre(trusted, acceptance.centre)) {
    throw new NotariumError('acceptance-signer-unknown', undefined, { data: { have: acceptance.centre } });
  }
  checkAcceptance(network, acceptance, crypto);
  const { includeBySlot, recordId } = acceptance;
  const dueMs = slotStartMs(includeBySlot + 1, trusted.periodSeconds) + trusted.graceSeconds * 1000;
  const verdict = (status: AcceptanceVerdict['status'], detail: string): AcceptanceVerdict => ({
    status,
    dueMs,
    detail,
  });
  if (fate.kind === 'logged') {
    const { slot, height } = fate.receipt.block;
    return slot <= includeBySlot
      ? verdict('kept', `in block ${height}, slot ${slot}, promised by slot ${includeBySlot}`)
      : verdict('broken', `in block ${height} only, slot ${slot}, promised by slot ${includeBySlot}`);
  }
  if (fate.kind === 'refused') {
    const refusal = refusalSchema.safeParse(fate.refusal);
    if (refusal.success && refusal.data.recordId === recordId && isKnownCentre(trusted, refusal.data.centre)) {
      checkRefusal(network, refusal.data, crypto);
      return verdict('refused', `refused with a signature: ${refusal.data.reason}`);
    }
  }
  if (fate.kind === 'sealed' && fate.slot <= includeBySlot) {
    const block = `block ${fate.height}, slot ${fate.slot}, promised by slot ${includeBySlot}`;
    if (fate.isAnchored) return verdict('pending', `in ${block}: anchored, and not yet confirmed`);
    if (fate.isAnchored === undefined && nowMs >= dueMs) {
      // Anchored in the last moment, say, and not yet seen by the centre.
      throw new NotariumError('record-not-anchored', `sealed in ${block}: ask the chain whether it has that block`);
    }
  }
  return nowMs < dueMs
    ? verdict('pending', `promised by slot ${includeBySlot}, due ${new Date(dueMs).toISOString()}`)
    : verdict('broken', `not in the log, due ${new Date(dueMs).toISOString()}`);
}
