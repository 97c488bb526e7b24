import { z } from 'zod';
import { fromHex, type Hex, toHex } from '../bytes.ts';
import { type Crypto, portableCrypto } from '../crypto.ts';
import { NotariumError } from '../errors.ts';
import { onesOf } from '../log/treeMath.ts';
import { hashSchema, hexSchema, uintSchema } from '../schemas.ts';
import { amountSchema } from './amount.ts';
import { type Bill, billSchema, maxBillCount, signedBillSchema } from './bill.ts';
import { type Change, type Ledger, type OpenLock, requesterBalanceOf, stateOf } from './ledger.ts';
import { type ChannelState, type Closing, closingSchema, maxLocks, maxVersion, signedStateSchema } from './state.ts';
import { statementSchema } from './statement.ts';

/** Most peaks that a tree of 2^53 - 1 leaves has. */
const maxPeaks = 53;

const billIdsSchema = z.array(hashSchema).max(maxLocks).readonly();

/** One lock that is paid: the bill, and the second evidence statement. */
export const foldSchema = z.strictObject({ billId: hashSchema, statement: statementSchema });

/**
 * How the requester proposes a state. Only what changes travels: both sides compute the state from the base, and the signature is over
 * that state.
 */
export const updateSchema = z.strictObject({
  channelId: hashSchema,
  /** Version of the newest state that both have signed; 0 before the first. */
  baseVersion: uintSchema.max(maxVersion),
  version: uintSchema.min(1).max(maxVersion),
  /** What the channel holds on chain. */
  held: amountSchema,
  folds: z.array(foldSchema).max(maxLocks).readonly(),
  drops: billIdsSchema,
  adds: billIdsSchema,
  /** Of the requester, over the new state; 64 bytes. */
  signature: hexSchema(64),
});

/** See {@link updateSchema}. */
export type Update = z.output<typeof updateSchema>;

/** The verifier's confirmation of evidence that is locked: the bill key and the first evidence statement. */
export const disclosureSchema = z.strictObject({ billId: hashSchema, key: hashSchema, statement: statementSchema });

/** See {@link disclosureSchema}. */
export type Disclosure = z.output<typeof disclosureSchema>;

const disclosuresSchema = z.array(disclosureSchema).max(maxLocks).readonly();

/** The verifier's answer to an update: its signature over the same state, 64 bytes, and what it confirms of the locks that were added. */
export const updateAnswerSchema = z.strictObject({ signature: hexSchema(64), disclosures: disclosuresSchema });

/** See {@link updateAnswerSchema}. */
export type UpdateAnswer = z.output<typeof updateAnswerSchema>;

/** How the requester proposes to close together. The version is that of the state which ends so. */
export const closeRequestSchema = z.strictObject({
  channelId: hashSchema,
  version: uintSchema.max(maxVersion),
  closing: closingSchema,
  signature: hexSchema(64),
});

/** See {@link closeRequestSchema}. */
export type CloseRequest = z.output<typeof closeRequestSchema>;

/** The verifier's signature over the same closing. */
export const closeAnswerSchema = z.strictObject({ signature: hexSchema(64) });

/** See {@link closeAnswerSchema}. */
export type CloseAnswer = z.output<typeof closeAnswerSchema>;

/** A closing that both have signed, 64 bytes each: whoever has it can end the channel at once. */
export const signedClosingSchema = z.strictObject({
  closing: closingSchema,
  requesterSignature: hexSchema(64),
  verifierSignature: hexSchema(64),
});

/** See {@link signedClosingSchema}. */
export type SignedClosing = z.output<typeof signedClosingSchema>;

/** Where a channel is in its life, as one side sees it. */
export const channelStatuses = ['open', 'proposed', 'ending', 'agreed', 'leaving', 'closing', 'settled'] as const;

/** What one side shows the other of a channel, so that both go on from the newest state that either has. */
export const channelViewSchema = z.strictObject({
  channelId: hashSchema,
  status: z.enum(channelStatuses),
  /** What the state knows the channel to hold. */
  held: amountSchema,
  /** The newest state that both have signed; null before the first. */
  latest: signedStateSchema.nullable(),
  /** Bills of the locks that are open in it, in their order. */
  locks: z.array(signedBillSchema).max(maxLocks).readonly(),
  /** Frontier of its evidence tree, the largest peak first. */
  peaks: z.array(hashSchema).max(maxPeaks).readonly(),
  /** What the verifier confirms of the open locks; the requester shows none. */
  disclosures: disclosuresSchema,
  /** Bills of open locks that the verifier gives up. */
  cancelled: billIdsSchema,
  closing: signedClosingSchema.nullable(),
});

/** See {@link channelViewSchema}. */
export type ChannelView = z.output<typeof channelViewSchema>;

/** Most uploads that one bill covers. */
export const maxUploads = 4096;

/** Which evidence a bill is asked for: uploads, and what the requester knows them to be together. */
export const billRequestSchema = z.strictObject({
  /** Ids of uploads, in the order of their digests. */
  uploads: z.array(z.string().min(1).max(128)).min(1).max(maxUploads).readonly(),
  digest: hashSchema,
  count: uintSchema.min(1).max(maxBillCount),
});

/** See {@link billRequestSchema}. */
export type BillRequest = z.output<typeof billRequestSchema>;

/** Bills are asked for by so many at once. */
export const billRequestsSchema = z.array(billRequestSchema).min(1).max(maxLocks).readonly();

/** A bill, or why there is none. */
export const billAnswerSchema = z.union([
  z.strictObject({ signed: signedBillSchema }),
  z.strictObject({ problem: z.strictObject({ code: z.string().max(64), detail: z.string().max(4096) }) }),
]);

/** See {@link billAnswerSchema}. */
export type BillAnswer = z.output<typeof billAnswerSchema>;

/** A bill that was folded, with all that its receipt needs of it: the tree's leaves in their order. */
export const foldedBillSchema = z.strictObject({
  leafIndex: uintSchema,
  signed: z.strictObject({ bill: billSchema, signature: hexSchema(64, 65) }),
  key: hashSchema,
  first: statementSchema,
  second: statementSchema,
});

/** See {@link foldedBillSchema}. */
export type FoldedBill = z.output<typeof foldedBillSchema>;

/** The change that an update stands for. `bills` are those that it adds, in its order. */
export function changeOf(update: Omit<Update, 'signature'>, bills: readonly Bill[]): Change {
  const { version, held, folds, drops } = update;
  return { version, held, folds: folds.map(({ billId }) => billId), drops, adds: bills };
}

/** The lock that pays a bill. */
export function lockOf({ id, keyHash, digest, amount, expiry }: Bill): OpenLock {
  return { billId: id, keyHash, digest, amount, expiry };
}

/**
 * The ledger that a view tells of, if it is that of the state in it. Signatures are for the caller to check.
 * @throws NotariumError `channel-update-invalid` when the parts are not those of the state.
 */
export function ledgerOfView(
  { held, latest, locks, peaks }: Pick<ChannelView, 'held' | 'latest' | 'locks' | 'peaks'>,
  crypto: Crypto = portableCrypto,
): Ledger {
  const state = latest?.state;
  if (!state) throw new NotariumError('channel-update-invalid', 'the view has no signed state');
  const { version, verifierBalance, evidenceCount } = state;
  const ledger: Ledger = {
    ...{ version, held, verifierBalance },
    locks: locks.map(({ bill }) => lockOf(bill)),
    evidence: { size: evidenceCount, peaks: peaks.map(fromHex) },
  };
  if (
    requesterBalanceOf(ledger) < 0n ||
    onesOf(evidenceCount).length !== peaks.length ||
    !sameState(stateOf(ledger, crypto), state)
  )
    throw new NotariumError('channel-update-invalid', 'the parts of the view are not those of its state');
  return ledger;
}

/** The frontier of a ledger's evidence tree as it travels. */
export function peaksOf({ evidence }: Ledger): Hex[] {
  return evidence.peaks.map((peak) => toHex(peak));
}

/** Whether two states are the same in all their fields. */
function sameState(one: ChannelState, other: ChannelState): boolean {
  return one.version === other.version && one.locksHash === other.locksHash && sameClosing(one, other);
}

/** Whether two closings are the same in all their fields. */
export function sameClosing(one: Closing, other: Closing): boolean {
  return (
    one.requesterBalance === other.requesterBalance &&
    one.verifierBalance === other.verifierBalance &&
    one.evidenceRoot === other.evidenceRoot &&
    one.evidenceCount === other.evidenceCount
  );
}
