import type { Hash, Hex } from '../bytes.ts';
import type { ErrorCode } from '../errors.ts';
import type { Bill, SignedBill } from './bill.ts';
import { firstLedger, type Ledger } from './ledger.ts';
import type { BillChange, ChannelEvent, Moment, Party, Posted, Settlement, Step } from './party.ts';
import type { Closing, SignedState } from './state.ts';
import type { Statement } from './statement.ts';
import {
  type ChannelView,
  type CloseAnswer,
  type CloseRequest,
  type FoldedBill,
  peaksOf,
  type SignedClosing,
  type Update,
  type UpdateAnswer,
} from './update.ts';

/** What a requester works with. */
export type RequesterParty = Party & {
  /** Longest time that an amount is locked for. */
  readonly maxLockSeconds: number;
  /** Where this requester keeps evidence, for its statements: empty for the evidence store. */
  readonly locator: string;
};

/** A bill that waits for its lock, or has one. */
export type RequesterBill = {
  readonly signed: SignedBill;
  readonly key?: Hash;
  /** Without it, a lock is not folded: the evidence is not confirmed. */
  readonly first?: Statement;
  readonly isCancelled?: true;
  /**
   * It is not proposed again. It is kept because a state that we have signed and the verifier has refused has its lock: handed in all the
   * same, that state may have it paid.
   */
  readonly isGivenUp?: true;
  /** When the key became public on chain, Unix seconds. */
  readonly revealedAt?: number;
};

/** An update that we have signed, and the ledger that it leads to. */
export type Proposal = { readonly update: Update; readonly next: Ledger };

type Common = {
  /** On chain. */
  readonly held: bigint;
  readonly ledger: Ledger;
  /** The newest state that both have signed; undefined before the first. */
  readonly latest: SignedState | undefined;
  /** Greatest version that we may ever have signed. */
  readonly signedVersion: number;
  /**
   * Newer states that we have signed and the verifier has refused: it can sign such a one all the same, and hand it in. They are kept so
   * that the channel can be settled then.
   */
  readonly abandoned: readonly Proposal[];
  /** Of open locks, and of those to come, in the order in which they were taken. */
  readonly bills: ReadonlyMap<Hash, RequesterBill>;
};

/** All that a requester must remember of a channel. */
export type RequesterMemory = Common &
  (
    | { readonly state: 'open' }
    | { readonly state: 'proposed'; readonly proposal: Proposal }
    /** A closing is signed by us: no state will be. */
    | { readonly state: 'ending'; readonly closing: Closing; readonly signature: Hex }
    | { readonly state: 'agreed'; readonly agreed: SignedClosing }
    /** It is about to hand its newest state in. */
    | { readonly state: 'leaving' }
    | { readonly state: 'closing'; readonly posted: Posted }
    | { readonly state: 'settled' }
  );

/** See {@link RequesterMemory}. */
export type RequesterState = RequesterMemory['state'];

/** What is asked for by a bill: the evidence, and the most that we pay for it. */
export type Wanted = Pick<Bill, 'digest' | 'count'> & { readonly maxAmount: bigint };

/** What can happen to a requester's channel. */
export type RequesterEvent =
  /** The process has started: the memory may be that of a backup. */
  | { readonly kind: 'resume'; readonly now: Moment }
  | { readonly kind: 'bill'; readonly signed: SignedBill; readonly wanted: Wanted; readonly now: Moment }
  /** Ours: to propose all that there is to change. */
  | { readonly kind: 'propose'; readonly now: Moment }
  | { readonly kind: 'answer'; readonly version: number; readonly answer: UpdateAnswer }
  /** The verifier's definite refusal; silence is none. */
  | { readonly kind: 'refused'; readonly version: number; readonly code: ErrorCode; readonly billId?: Hash }
  /** The verifier shows what it has. */
  | { readonly kind: 'view'; readonly view: ChannelView }
  /** Paid bills that the verifier has given back, checked: they were lost here. */
  | { readonly kind: 'recovered'; readonly bills: readonly FoldedBill[] }
  /** Ours: to close together. */
  | { readonly kind: 'end' }
  | { readonly kind: 'closeAnswer'; readonly answer: CloseAnswer }
  /** Ours: to close alone. */
  | { readonly kind: 'leave' }
  | { readonly kind: 'tick'; readonly now: Moment }
  | ChannelEvent;

/** What a requester does, once its memory is durable. What is sent, or done on chain, is sent and done again until it is answered. */
export type RequesterEffect =
  | { readonly kind: 'update'; readonly update: Update }
  | { readonly kind: 'close'; readonly request: CloseRequest }
  /** The verifier has an older state than ours. */
  | { readonly kind: 'show'; readonly view: ChannelView }
  /** The evidence of the bill is in the tree of a state that both have signed. */
  | { readonly kind: 'folded'; readonly billId: Hash; readonly leafIndex: number }
  /** The bill has not been paid, and will not be. */
  | { readonly kind: 'failed'; readonly billId: Hash; readonly code: ErrorCode }
  /** What the verifier has said of a locked bill is not right: it stays locked until it expires. */
  | { readonly kind: 'unconfirmed'; readonly billId: Hash; readonly code: ErrorCode }
  | { readonly kind: 'startClosing'; readonly latest: SignedState | undefined }
  | { readonly kind: 'challenge'; readonly latest: SignedState }
  | { readonly kind: 'settle'; readonly settlement: Settlement }
  | { readonly kind: 'closeTogether'; readonly closing: SignedClosing }
  /** The other side has a newer state than ours, which we do not know: we come from a backup. */
  | { readonly kind: 'stale'; readonly version: number };

/** See {@link Step}. */
export type RequesterStep = Step<RequesterMemory, RequesterEffect>;

/** One kind of event. */
export type RequesterEventOf<K extends RequesterEvent['kind']> = Extract<RequesterEvent, { kind: K }>;

/** A requester's memory of a channel that has just been opened. */
export function firstRequesterMemory(held: bigint): RequesterMemory {
  const ledger = firstLedger(held);
  return { state: 'open', held, ledger, latest: undefined, signedVersion: 0, abandoned: [], bills: new Map() };
}

/** What a requester shows the verifier. */
export function viewOfRequester(party: RequesterParty, memory: RequesterMemory): ChannelView {
  const { ledger, latest, bills, state } = memory;
  return {
    channelId: party.channelId,
    status: state,
    held: ledger.held,
    latest: latest ?? null,
    locks: ledger.locks.map(({ billId }) => bills.get(billId)!.signed),
    peaks: peaksOf(ledger),
    disclosures: [],
    cancelled: [],
    closing: memory.state === 'agreed' ? memory.agreed : null,
  };
}

/** All that we have signed beyond the newest state that both have. */
export function unanswered(memory: RequesterMemory): readonly Proposal[] {
  return memory.state === 'proposed' ? [...memory.abandoned, memory.proposal] : memory.abandoned;
}

/** The ledger of a version that somebody has handed in, as far as it is known: that of an older one is not. */
export function ledgerAt(memory: RequesterMemory, version: number): Ledger | undefined {
  if (version === memory.ledger.version) return memory.ledger;
  if (version === 0) return firstLedger(memory.held);
  return unanswered(memory).find(({ next }) => next.version === version)?.next;
}

/** Bills without a lock, neither in the newest state nor in the one that is proposed. */
export function queuedBills(memory: RequesterMemory): RequesterBill[] {
  const { locks } = memory.state === 'proposed' ? memory.proposal.next : memory.ledger;
  const locked = new Set([...locks, ...memory.ledger.locks].map(({ billId }) => billId));
  return [...memory.bills.values()].filter(({ signed, isGivenUp }) => !isGivenUp && !locked.has(signed.bill.id));
}

/** Bills whose locks are in states that we have signed and the verifier has not: it can sign them still. */
export function billsAtLarge(memory: RequesterMemory): ReadonlySet<Hash> {
  return new Set(unanswered(memory).flatMap(({ update }) => update.adds));
}

/** What is on its way, once more. */
export function sentAgain(party: RequesterParty, memory: RequesterMemory): RequesterEffect[] {
  if (memory.state === 'proposed') return [{ kind: 'update', update: memory.proposal.update }];
  if (memory.state !== 'ending') return [];
  const { closing, signature, ledger } = memory;
  return [{ kind: 'close', request: { channelId: party.channelId, version: ledger.version, closing, signature } }];
}

/** A step that changes nothing. */
export function unchanged(memory: RequesterMemory, ...effects: RequesterEffect[]): RequesterStep {
  return { memory, saves: false, bills: [], effects };
}

/** A step whose memory must be durable. */
export function changed(
  memory: RequesterMemory,
  bills: readonly BillChange[],
  ...effects: RequesterEffect[]
): RequesterStep {
  return { memory, saves: true, bills, effects };
}
