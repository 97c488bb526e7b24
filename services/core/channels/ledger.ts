import { fromHex, type Hash, toHex } from '../bytes.ts';
import { type Crypto, portableCrypto } from '../crypto.ts';
import { NotariumError } from '../errors.ts';
import { appendLeaves, emptyFrontier, type Frontier, rootOf } from '../log/compactRange.ts';
import { leafHash } from '../sha256.ts';
import type { Bill } from './bill.ts';
import { type ChannelState, type Closing, type Lock, locksHashOf, maxLocks, maxVersion } from './state.ts';

/** A lock that a state has open, and the bill that it pays. */
export type OpenLock = Lock & { readonly billId: Hash };

/** A state together with what its two hashes stand for: all that is needed to make the next one. */
export type Ledger = {
  readonly version: number;
  /** What the channel holds on chain, as far as the state knows of deposits. */
  readonly held: bigint;
  readonly verifierBalance: bigint;
  readonly locks: readonly OpenLock[];
  /** Of the evidence tree. */
  readonly evidence: Frontier;
};

/** What changes from one state to the next; done in this order. */
export type Change = {
  readonly version: number;
  /** What the channel holds now: not less than before. */
  readonly held: bigint;
  /** Bills whose locks are paid: each digest becomes a leaf of the evidence tree, in this order. */
  readonly folds: readonly Hash[];
  /** Bills whose locks go back to the requester. */
  readonly drops: readonly Hash[];
  /** Bills that are locked. */
  readonly adds: readonly Bill[];
};

/** Before the first state that is signed. */
export function firstLedger(held: bigint): Ledger {
  return { version: 0, held, verifierBalance: 0n, locks: [], evidence: emptyFrontier };
}

/** What the requester has that is in no lock. */
export function requesterBalanceOf({ held, verifierBalance, locks }: Ledger): bigint {
  return locks.reduce((rest, { amount }) => rest - amount, held - verifierBalance);
}

/** The state that both sides sign. */
export function stateOf(ledger: Ledger, crypto: Crypto = portableCrypto): ChannelState {
  const { version, verifierBalance, locks, evidence } = ledger;
  return {
    version,
    requesterBalance: requesterBalanceOf(ledger),
    verifierBalance,
    locksHash: locksHashOf(locks, crypto.keccak256),
    evidenceRoot: toHex(rootOf(evidence, crypto.sha256)),
    evidenceCount: evidence.size,
  };
}

/** What both sides sign to end the channel as it stands; only where no lock is open. */
export function closingOf(ledger: Ledger, crypto: Crypto = portableCrypto): Closing {
  if (ledger.locks.length > 0) throw new NotariumError('channel-state', `${ledger.locks.length} locks are open`);
  const { version: _, locksHash: __, ...closing } = stateOf(ledger, crypto);
  return closing;
}

/**
 * The ledger after a change: the one function by which both sides compute the next state. It knows the rules of a state only; whether a
 * fold's key is known, or a drop is due, is for each side to judge.
 * @throws NotariumError `channel-update-invalid`, `channel-locks-full`, `channel-balance-short` with data `{ have, want }`.
 */
export function nextLedger(base: Ledger, change: Change, crypto: Crypto = portableCrypto): Ledger {
  const { version, held, folds, drops, adds } = change;
  if (version <= base.version || version > maxVersion) throw invalid(`version ${version} after ${base.version}`);
  if (held < base.held) throw invalid('the channel cannot hold less than before');
  if (folds.length + drops.length + adds.length === 0 && held === base.held) throw invalid('it changes nothing');
  const open = new Map(base.locks.map((lock) => [lock.billId, lock]));
  const taken = (billId: Hash): OpenLock => {
    const lock = open.get(billId);
    if (!lock) throw invalid(`no lock is open for bill ${billId}`);
    open.delete(billId);
    return lock;
  };
  const paid = folds.map(taken);
  for (const billId of drops) taken(billId);
  for (const { id, keyHash, digest, amount, expiry } of adds) {
    if (open.has(id)) throw invalid(`bill ${id} is locked already`);
    open.set(id, { billId: id, keyHash, digest, amount, expiry });
  }
  if (open.size > maxLocks) throw new NotariumError('channel-locks-full', `${open.size} of ${maxLocks}`);
  const next: Ledger = {
    version,
    held,
    verifierBalance: paid.reduce((sum, { amount }) => sum + amount, base.verifierBalance),
    locks: [...open.values()],
    evidence: appended(base.evidence, paid, crypto),
  };
  const rest = requesterBalanceOf(next);
  if (rest < 0n) {
    const [have, want] = [requesterBalanceOf({ ...base, held }), requesterBalanceOf({ ...base, held }) - rest];
    throw new NotariumError('channel-balance-short', `${have} is left of ${want}`, {
      data: { have: `${have}`, want: `${want}` },
    });
  }
  return next;
}

function appended(evidence: Frontier, paid: readonly OpenLock[], crypto: Crypto): Frontier {
  if (paid.length === 0) return evidence;
  const leaves = new Uint8Array(32 * paid.length);
  paid.forEach(({ digest }, index) => {
    leaves.set(leafHash(fromHex(digest), crypto.sha256), 32 * index);
  });
  return appendLeaves(evidence, leaves);
}

function invalid(detail: string): NotariumError {
  return new NotariumError('channel-update-invalid', detail);
}
