import type { Hash } from '../bytes.ts';
import type { SignedBill } from './bill.ts';
import { firstLedger, type Ledger } from './ledger.ts';
import type { BillChange, ChannelEvent, Moment, Party, Posted, Settlement, Step } from './party.ts';
import type { SignedState } from './state.ts';
import type { Statement } from './statement.ts';
import type { ChannelView, CloseAnswer, CloseRequest, SignedClosing, Update, UpdateAnswer } from './update.ts';
import { peaksOf } from './update.ts';

/** What a verifier works with: it can make every bill key anew. */
export type VerifierParty = Party & {
  readonly keyOf: (billId: Hash) => Hash;
  /** Where its statements say that evidence is: empty for the evidence store. */
  readonly locator: string;
};

/** A bill that no signed state has locked yet. */
export type Offer = {
  readonly signed: SignedBill;
  /** What its keeper notes with it. */
  readonly note?: string;
  /** Where its evidence is, if elsewhere than all: of a list of digests. */
  readonly locator?: string;
};

/** What a verifier knows of an open lock. Its key has been disclosed: the answer with it may have left. */
export type VerifierLock = {
  readonly signed: SignedBill;
  readonly first: Statement;
  /** Of the {@link Offer}. */
  readonly note?: string;
  /** The verifier gives the amount up. */
  readonly isCancelled: boolean;
  /** When the key became public on chain, Unix seconds. */
  readonly revealedAt?: number;
};

type Common = {
  /** On chain. */
  readonly held: bigint;
  readonly ledger: Ledger;
  /** The newest state that both have signed; undefined before the first. */
  readonly latest: SignedState | undefined;
  readonly offered: ReadonlyMap<Hash, Offer>;
  readonly locked: ReadonlyMap<Hash, VerifierLock>;
};

/** All that a verifier must remember of a channel. */
export type VerifierMemory = Common &
  (
    | { readonly state: 'open' }
    /** A closing is signed by both; `agreedAt` by its clock. */
    | { readonly state: 'agreed'; readonly agreed: SignedClosing; readonly agreedAt: number }
    /** It is about to hand its newest state in. */
    | { readonly state: 'leaving' }
    | { readonly state: 'closing'; readonly posted: Posted }
    | { readonly state: 'settled' }
  );

/** See {@link VerifierMemory}. */
export type VerifierState = VerifierMemory['state'];

/** What can happen to a verifier's channel. */
export type VerifierEvent =
  /** A bill of ours, to be shown to the requester. */
  | { readonly kind: 'offer'; readonly offer: Offer }
  | { readonly kind: 'update'; readonly update: Update; readonly now: Moment }
  | { readonly kind: 'close'; readonly request: CloseRequest; readonly now: Moment }
  /** The requester shows what it has. */
  | { readonly kind: 'view'; readonly view: ChannelView }
  /** Ours: a bill is given up. */
  | { readonly kind: 'cancel'; readonly billId: Hash }
  /** Ours: to close alone. */
  | { readonly kind: 'leave' }
  | { readonly kind: 'tick'; readonly now: Moment }
  | ChannelEvent;

/** What a verifier does, once its memory is durable. Those on chain are done again until the chain shows them. */
export type VerifierEffect =
  | { readonly kind: 'answer'; readonly answer: UpdateAnswer }
  | { readonly kind: 'closeAnswer'; readonly answer: CloseAnswer }
  | { readonly kind: 'startClosing'; readonly latest: SignedState | undefined }
  | { readonly kind: 'challenge'; readonly latest: SignedState }
  | { readonly kind: 'reveal'; readonly keys: readonly Hash[] }
  | { readonly kind: 'settle'; readonly settlement: Settlement }
  | { readonly kind: 'closeTogether'; readonly closing: SignedClosing }
  /** The other side has a newer state than ours: we come from a backup. */
  | { readonly kind: 'stale'; readonly version: number };

/** See {@link Step}. */
export type VerifierStep = Step<VerifierMemory, VerifierEffect>;

/** A verifier's memory of a channel that has just been opened. */
export function firstVerifierMemory(held: bigint): VerifierMemory {
  return { state: 'open', held, ledger: firstLedger(held), latest: undefined, offered: new Map(), locked: new Map() };
}

/** What a verifier shows the requester. */
export function viewOfVerifier(party: VerifierParty, memory: VerifierMemory): ChannelView {
  const { ledger, locked } = memory;
  return {
    ...viewToKeep(party, memory),
    disclosures: ledger.locks.map(({ billId }) => ({
      billId,
      key: party.keyOf(billId),
      statement: locked.get(billId)!.first,
    })),
    cancelled: ledger.locks.filter(({ billId }) => locked.get(billId)!.isCancelled).map(({ billId }) => billId),
  };
}

/** What a verifier keeps of a channel apart from all else: its newest state and closing, and what it needs to go on from them. No keys. */
export function viewToKeep({ channelId }: VerifierParty, memory: VerifierMemory): ChannelView {
  const { ledger, latest, locked, state } = memory;
  return {
    ...{ channelId, status: state, held: ledger.held, latest: latest ?? null },
    locks: ledger.locks.map(({ billId }) => locked.get(billId)!.signed),
    peaks: peaksOf(ledger),
    ...{ disclosures: [], cancelled: [], closing: memory.state === 'agreed' ? memory.agreed : null },
  };
}

/** A step that changes nothing. */
export function unchanged(memory: VerifierMemory, ...effects: VerifierEffect[]): VerifierStep {
  return { memory, saves: false, bills: [], effects };
}

/** A step whose memory must be durable. */
export function changed(
  memory: VerifierMemory,
  bills: readonly BillChange[],
  ...effects: VerifierEffect[]
): VerifierStep {
  return { memory, saves: true, bills, effects };
}
