import type { Address, Hash, Hex } from '../bytes.ts';
import type { Crypto } from '../crypto.ts';
import { NotariumError } from '../errors.ts';
import { recoverAddress, signatureBytes } from '../signature.ts';
import { type Bill, billDigest, type SignedBill } from './bill.ts';
import type { Channel, ChannelNetwork } from './channel.ts';
import { type Ledger, type OpenLock, stateOf } from './ledger.ts';
import { type ChannelState, closeDigest, type SignedState, stateDigest } from './state.ts';
import { type Statement, type StatementRole, statementDigest } from './statement.ts';
import { type ChannelView, ledgerOfView, type SignedClosing } from './update.ts';

/**
 * Signs for one side of a channel. At once and the same each time: the machines compute what they send, and send the same again after a
 * crash.
 */
export type ChannelSigner = {
  readonly address: Address;
  /** 33 bytes, compressed. */
  readonly publicKey: Hex;
  /** 64 bytes by EIP-2098. */
  sign(digest: Uint8Array): Hex;
};

/** What a side of a channel works with. */
export type Party = {
  readonly network: ChannelNetwork;
  readonly channelId: Hash;
  readonly channel: Channel;
  readonly signer: ChannelSigner;
  readonly crypto: Crypto;
  /** How long before a lock's expiry the verifier goes on chain, and how long after it a lock can be dropped. */
  readonly safetySeconds: number;
};

/** Both clocks, Unix seconds: the machine's own, and that of the newest block. Whatever is judged by time is judged by the worse of the two. */
export type Moment = { readonly time: number; readonly chainTime: number };

/** The moment by the clock that is ahead. */
export function latestOf({ time, chainTime }: Moment): number {
  return Math.max(time, chainTime);
}

/** The moment by the clock that is behind. */
export function earliestOf({ time, chainTime }: Moment): number {
  return Math.min(time, chainTime);
}

/** What the chain says of a channel of ours. */
export type ChannelEvent =
  /** More was paid in: the channel holds so much now. */
  | { readonly kind: 'deposited'; readonly channelId: Hash; readonly held: bigint }
  /** A state was handed in, or a newer one; `deadline` is the last second, Unix, in which it can be challenged. */
  | {
      readonly kind: 'closing';
      readonly channelId: Hash;
      readonly version: number;
      readonly deadline: number;
    }
  /** A reorganisation took the closing away. */
  | { readonly kind: 'reopened'; readonly channelId: Hash }
  | { readonly kind: 'settled'; readonly channelId: Hash; readonly evidenceCount: number }
  /** A bill key is public; of a lock in any channel. `at`: Unix seconds. */
  | { readonly kind: 'revealed'; readonly keyHash: Hash; readonly key: Hash; readonly at: number };

/** A state that was handed in on chain. */
export type Posted = { readonly version: number; readonly deadline: number };

/** All that a settlement needs beside the salt, which the chain has. */
export type Settlement = {
  readonly state: ChannelState;
  readonly locks: readonly OpenLock[];
  /** Of the evidence tree, the largest first. */
  readonly peaks: readonly Uint8Array[];
};

/** A bill that a side keeps durably, as it is after a step. What is not said stays as it was. */
export type BillChange = {
  readonly signed: SignedBill;
  readonly state: BillState;
  readonly key?: Hash;
  readonly first?: Statement;
  readonly second?: Statement;
  /** Of its digest in the evidence tree. */
  readonly leafIndex?: number;
  /** What its keeper notes with it. */
  readonly note?: string;
};

/**
 * offered: no signed state has its lock yet. locked: the newest one has. folded: paid, its digest is in the evidence tree. dropped: the lock
 * went back to the requester. gone: it will never be locked.
 */
export const billStates = ['offered', 'locked', 'folded', 'dropped', 'gone'] as const;

/** See {@link billStates}. */
export type BillState = (typeof billStates)[number];

/**
 * What an event leads to. Where `saves` holds, the memory must be durable, together with the changed bills, before any of the effects:
 * each may tell the other side or the chain something that cannot be taken back.
 */
export type Step<Memory, Effect> = {
  readonly memory: Memory;
  readonly saves: boolean;
  readonly bills: readonly BillChange[];
  readonly effects: readonly Effect[];
};

/** Locks that a settlement pays, in their order: the key was public in time. */
export function paidLocks(
  { locks }: Pick<Ledger, 'locks'>,
  deadline: number,
  revealedAt: (billId: Hash) => number | undefined,
): OpenLock[] {
  return locks.filter(({ billId, expiry }) => {
    const at = revealedAt(billId);
    return at !== undefined && at <= Math.min(expiry, deadline);
  });
}

/** What a ledger settles with. */
export function settlementOf(party: Party, ledger: Ledger): Settlement {
  return { state: stateOf(ledger, party.crypto), locks: ledger.locks, peaks: ledger.evidence.peaks };
}

/** Whether the account has made the signature over the digest; false also for what is no signature. */
export function isSignedBy({ crypto }: Party, digest: Uint8Array, signature: Hex, account: Address): boolean {
  try {
    return recoverAddress(crypto, digest, signatureBytes(signature)) === account;
  } catch {
    return false;
  }
}

/** What both sides sign for a state of the channel. */
export function digestOf({ network, channelId, crypto }: Party, state: ChannelState): Uint8Array {
  return stateDigest(network, channelId, state, crypto.keccak256);
}

/** @throws NotariumError `channel-countersignature-invalid` for a closing that not both sides have signed. */
export function checkClosing(party: Party, { closing, requesterSignature, verifierSignature }: SignedClosing): void {
  const { network, channelId, channel, crypto } = party;
  const digest = closeDigest(network, channelId, closing, crypto.keccak256);
  if (
    !isSignedBy(party, digest, requesterSignature, channel.requester) ||
    !isSignedBy(party, digest, verifierSignature, channel.verifier)
  )
    throw new NotariumError('channel-countersignature-invalid', 'the closing is not signed by both');
}

/** Our evidence statement on a bill. */
export function makeStatement(
  { network, signer, crypto }: Party,
  bill: Bill,
  role: StatementRole,
  locator: string,
): Statement {
  const signature = signer.sign(statementDigest(network, bill, { role, locator }, crypto.keccak256));
  return { role, locator, publicKey: signer.publicKey, signature };
}

/** Whether the verifier has signed the bill, and it is of this channel. */
export function isBillOf(party: Party, { bill, signature }: SignedBill): boolean {
  const digest = billDigest(party.network, bill, party.crypto.keccak256);
  return bill.channelId === party.channelId && isSignedBy(party, digest, signature, party.channel.verifier);
}

/**
 * The ledger of the state that the other side shows, once it is known that both have signed it and all bills in it.
 * @throws NotariumError `channel-invalid` for another channel, `channel-countersignature-invalid`, `channel-update-invalid`,
 *   `bill-mismatch`.
 */
export function ledgerShown(party: Party, view: ChannelView & { latest: SignedState }): Ledger {
  const { channelId, channel, crypto } = party;
  if (view.channelId !== channelId) throw new NotariumError('channel-invalid', 'the view is of another channel');
  const { state, requesterSignature, verifierSignature } = view.latest;
  const digest = digestOf(party, state);
  if (!isSignedBy(party, digest, requesterSignature, channel.requester))
    throw new NotariumError('channel-countersignature-invalid', 'the state shown is not signed by the requester');
  if (!isSignedBy(party, digest, verifierSignature, channel.verifier))
    throw new NotariumError('channel-countersignature-invalid', 'the state shown is not signed by the verifier');
  const ledger = ledgerOfView(view, crypto);
  const foreign = view.locks.find((signed) => !isBillOf(party, signed));
  if (foreign)
    throw new NotariumError('bill-mismatch', 'a bill in the view is not signed by the verifier', {
      data: { billId: foreign.bill.id },
    });
  return ledger;
}
