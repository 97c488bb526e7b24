import type { Hash } from '../bytes.ts';
import { NotariumError } from '../errors.ts';
import { closingOf, type Ledger, nextLedger, stateOf } from './ledger.ts';
import {
  type BillChange,
  checkClosing,
  digestOf,
  earliestOf,
  isSignedBy,
  latestOf,
  ledgerShown,
  makeStatement,
} from './party.ts';
import { closeDigest, maxLocks, type SignedState } from './state.ts';
import { checkStatement } from './statement.ts';
import {
  type ChannelView,
  type CloseRequest,
  changeOf,
  type Disclosure,
  type SignedClosing,
  sameClosing,
  type Update,
} from './update.ts';
import {
  changed,
  type Offer,
  unchanged,
  type VerifierEffect,
  type VerifierEvent,
  type VerifierLock,
  type VerifierMemory,
  type VerifierParty,
  type VerifierStep,
} from './verifierMemory.ts';

type EventOf<K extends VerifierEvent['kind']> = Extract<VerifierEvent, { kind: K }>;

/** Most bills that wait for their locks: twice what a requester has waiting, since answers with bills may be lost. */
export const maxOffered = 4 * maxLocks;

/** Offers a bill. Where too many wait, the oldest one goes: who still wants that asks for another one. */
export function offerBill(_: VerifierParty, memory: VerifierMemory, { offer }: EventOf<'offer'>): VerifierStep {
  const offered = new Map(memory.offered).set(offer.signed.bill.id, offer);
  const gone: BillChange[] = [];
  for (const [billId, { signed }] of offered) {
    if (offered.size <= maxOffered) break;
    offered.delete(billId);
    gone.push({ signed, state: 'gone' });
  }
  return { memory: { ...memory, offered }, saves: false, bills: [...gone, offeredRow(offer)], effects: [] };
}

/** Countersigns a state that the requester proposes, and confirms the evidence whose locks it adds. */
export function takeUpdate(
  party: VerifierParty,
  memory: VerifierMemory,
  { update, now }: EventOf<'update'>,
): VerifierStep {
  const { latest, ledger } = memory;
  if (update.channelId !== party.channelId)
    throw new NotariumError('channel-invalid', 'the update is of another channel');
  // The answer was lost: the same one again. It tells nothing new, whatever else the update says.
  if (latest && update.version === ledger.version && update.signature === latest.requesterSignature) {
    return unchanged(memory, {
      kind: 'answer',
      answer: { signature: latest.verifierSignature, disclosures: disclosuresOf(party, memory.locked, update.adds) },
    });
  }
  if (memory.state !== 'open') throw new NotariumError('channel-state', `it is ${memory.state}`);
  if (update.baseVersion !== ledger.version)
    throw new NotariumError('channel-base-stale', `${update.baseVersion} is not ${ledger.version}`, {
      data: { version: ledger.version },
    });
  if (update.held > memory.held)
    throw new NotariumError('channel-invalid', `it holds ${memory.held}, not ${update.held}`);
  const adds = update.adds.map((billId) => offerOf(party, memory, billId, latestOf(now)));
  for (const billId of update.drops) requireDroppable(party, memory, billId, earliestOf(now));
  const next = nextLedger(
    ledger,
    changeOf(
      update,
      adds.map(({ signed }) => signed.bill),
    ),
    party.crypto,
  );
  const state = stateOf(next, party.crypto);
  const digest = digestOf(party, state);
  if (!isSignedBy(party, digest, update.signature, party.channel.requester))
    throw new NotariumError('channel-update-invalid', 'it is not signed by the requester');
  checkFolds(party, memory, update);
  const verifierSignature = party.signer.sign(digest);
  const { offered, locked, bills } = billsAfter(party, memory, update, adds);
  const signedState = { state, requesterSignature: update.signature, verifierSignature };
  return changed({ ...memory, ledger: next, latest: signedState, offered, locked }, bills, {
    kind: 'answer',
    answer: { signature: verifierSignature, disclosures: disclosuresOf(party, locked, update.adds) },
  });
}

/** Where the bills are after an update, and what has changed of them. */
function billsAfter(
  party: VerifierParty,
  memory: VerifierMemory,
  update: Update,
  adds: readonly Offer[],
): { offered: Map<Hash, Offer>; locked: Map<Hash, VerifierLock>; bills: BillChange[] } {
  const offered = new Map(memory.offered);
  const locked = new Map(memory.locked);
  const bills: BillChange[] = [];
  update.folds.forEach(({ billId, statement }, at) => {
    const leafIndex = memory.ledger.evidence.size + at;
    bills.push({ signed: locked.get(billId)!.signed, state: 'folded', second: statement, leafIndex });
    locked.delete(billId);
  });
  for (const billId of update.drops) {
    bills.push({ signed: locked.get(billId)!.signed, state: 'dropped' });
    locked.delete(billId);
  }
  for (const { signed, note, locator = party.locator } of adds) {
    const first = makeStatement(party, signed.bill, 'verifier', locator);
    const noted = notedBy(note);
    bills.push({ signed, state: 'locked', first, ...noted });
    locked.set(signed.bill.id, { signed, first, isCancelled: false, ...noted });
    offered.delete(signed.bill.id);
  }
  return { offered, locked, bills };
}

/** Countersigns a closing: from then on no state is signed. */
export function agreeToClose(
  party: VerifierParty,
  memory: VerifierMemory,
  { request, now }: EventOf<'close'>,
): VerifierStep {
  const { channelId, version, signature } = request;
  if (channelId !== party.channelId) throw new NotariumError('channel-invalid', 'the closing is of another channel');
  if (memory.state === 'agreed' && signature === memory.agreed.requesterSignature)
    return unchanged(memory, { kind: 'closeAnswer', answer: { signature: memory.agreed.verifierSignature } });
  if (memory.state !== 'open') throw new NotariumError('channel-state', `it is ${memory.state}`);
  const { ledger } = memory;
  if (version !== ledger.version)
    throw new NotariumError('channel-base-stale', `${version} is not ${ledger.version}`, {
      data: { version: ledger.version },
    });
  const closing = checkedClosing(party, ledger, request);
  const verifierSignature = party.signer.sign(closeDigest(party.network, channelId, closing, party.crypto.keccak256));
  const agreed = { closing, requesterSignature: signature, verifierSignature };
  return agreedTo(memory, agreed, now.time, { kind: 'closeAnswer', answer: { signature: verifierSignature } });
}

/** Bills that were offered will not be locked any more. */
function agreedTo(
  memory: VerifierMemory,
  agreed: SignedClosing,
  agreedAt: number,
  ...effects: VerifierEffect[]
): VerifierStep {
  const bills = [...memory.offered.values()].map(({ signed }): BillChange => ({ signed, state: 'gone' }));
  return changed({ ...memory, state: 'agreed', agreed, agreedAt, offered: new Map() }, bills, ...effects);
}

/**
 * Goes on from a newer state, or a closing, that both have signed: ours comes from a backup. The requester shows it, or what this verifier
 * keeps apart.
 */
export function takeView(party: VerifierParty, memory: VerifierMemory, { view }: EventOf<'view'>): VerifierStep {
  const { latest, closing } = view;
  const isNewer = latest !== null && latest.state.version > memory.ledger.version;
  const adopted = isNewer ? adopt(party, memory, { ...view, latest }) : unchanged(memory);
  const { state } = adopted.memory;
  if (!closing || (state !== 'open' && state !== 'leaving')) return adopted;
  const agreed = rememberClosing(party, adopted.memory, closing);
  return { ...agreed, bills: [...adopted.bills, ...agreed.bills], effects: [...adopted.effects, ...agreed.effects] };
}

/** A closing that we have signed and forgotten: no state may follow it. It is handed in at once, since nobody knows its age. */
function rememberClosing(party: VerifierParty, memory: VerifierMemory, agreed: SignedClosing): VerifierStep {
  checkClosing(party, agreed);
  return agreedTo(memory, agreed, 0);
}

/** Bill keys and statements are made anew. */
function adopt(
  party: VerifierParty,
  memory: VerifierMemory,
  view: ChannelView & { readonly latest: SignedState },
): VerifierStep {
  const { latest } = view;
  const ledger = ledgerShown(party, view);
  const offered = new Map(memory.offered);
  const locked = new Map<Hash, VerifierLock>();
  const bills: BillChange[] = [];
  view.locks.forEach((signed) => {
    const { id } = signed.bill;
    const { note, locator = party.locator } = offered.get(id) ?? {};
    const first = makeStatement(party, signed.bill, 'verifier', locator);
    const noted = notedBy(note);
    locked.set(id, memory.locked.get(id) ?? { signed, first, isCancelled: false, ...noted });
    if (!memory.locked.has(id)) bills.push({ signed, state: 'locked', first, ...noted });
    offered.delete(id);
  });
  const held = ledger.held > memory.held ? ledger.held : memory.held;
  const adopted = { ...memory, held, ledger, latest, offered, locked };
  return changed(adopted, bills, { kind: 'stale', version: ledger.version });
}

/** Gives a bill up: one that is not locked will not be, and of a locked one the requester gets the amount back. */
export function cancelBill(_: VerifierParty, memory: VerifierMemory, { billId }: EventOf<'cancel'>): VerifierStep {
  const offer = memory.offered.get(billId);
  if (offer) {
    const offered = new Map(memory.offered);
    offered.delete(billId);
    return {
      memory: { ...memory, offered },
      saves: false,
      bills: [{ signed: offer.signed, state: 'gone' }],
      effects: [],
    };
  }
  const lock = memory.locked.get(billId);
  if (!lock) throw unknownBill(billId);
  return changed({ ...memory, locked: new Map(memory.locked).set(billId, { ...lock, isCancelled: true }) }, []);
}

function offerOf(party: VerifierParty, memory: VerifierMemory, billId: Hash, time: number): Offer {
  const offer = memory.offered.get(billId);
  if (!offer) throw unknownBill(billId);
  if (!isClaimable(party, offer.signed.bill.expiry, time))
    throw new NotariumError('bill-expired', undefined, { data: { billId } });
  return offer;
}

/** Whether there is time to claim a lock on chain. */
function isClaimable({ safetySeconds }: VerifierParty, expiry: number, time: number): boolean {
  return time + safetySeconds < expiry;
}

function requireDroppable(party: VerifierParty, { locked }: VerifierMemory, billId: Hash, time: number): void {
  const lock = locked.get(billId);
  if (!lock) throw unknownBill(billId);
  const { isCancelled, revealedAt, signed } = lock;
  if (isCancelled) return;
  const { expiry } = signed.bill;
  if (time <= expiry + party.safetySeconds || (revealedAt !== undefined && revealedAt <= expiry))
    throw new NotariumError('channel-update-invalid', 'the lock is not to be dropped', { data: { billId } });
}

function checkFolds(party: VerifierParty, { locked }: VerifierMemory, { folds }: Update): void {
  const want = { role: 'requester', account: party.channel.requester } as const;
  for (const { billId, statement } of folds)
    checkStatement(party.network, locked.get(billId)!.signed.bill, statement, want, party.crypto);
}

function checkedClosing(party: VerifierParty, ledger: Ledger, { closing, signature }: CloseRequest) {
  const own = closingOf(ledger, party.crypto);
  if (!sameClosing(own, closing)) throw new NotariumError('channel-update-invalid', 'the closing is not of that state');
  const digest = closeDigest(party.network, party.channelId, own, party.crypto.keccak256);
  if (!isSignedBy(party, digest, signature, party.channel.requester))
    throw new NotariumError('channel-update-invalid', 'it is not signed by the requester');
  return own;
}

function disclosuresOf(
  { keyOf }: VerifierParty,
  locked: VerifierMemory['locked'],
  billIds: readonly Hash[],
): Disclosure[] {
  return billIds.flatMap((billId) => {
    const lock = locked.get(billId);
    return lock ? [{ billId, key: keyOf(billId), statement: lock.first }] : [];
  });
}

function offeredRow({ signed, note }: Offer): BillChange {
  return { signed, state: 'offered', ...notedBy(note) };
}

function notedBy(note: string | undefined): { readonly note?: string } {
  return note === undefined ? {} : { note };
}

function unknownBill(billId: Hash): NotariumError {
  return new NotariumError('bill-unknown', undefined, { data: { billId } });
}
