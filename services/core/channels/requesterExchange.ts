import type { Hash } from '../bytes.ts';
import { NotariumError } from '../errors.ts';
import type { Bill, SignedBill } from './bill.ts';
import { nextLedger, requesterBalanceOf, stateOf } from './ledger.ts';
import {
  type BillChange,
  digestOf,
  earliestOf,
  isBillOf,
  isSignedBy,
  latestOf,
  type Moment,
  makeStatement,
} from './party.ts';
import { acceptProposal, takeDisclosures, then } from './requesterAccept.ts';
import {
  billsAtLarge,
  changed,
  queuedBills,
  type RequesterBill,
  type RequesterEventOf,
  type RequesterMemory,
  type RequesterParty,
  type RequesterStep,
  sentAgain,
  unanswered,
  unchanged,
} from './requesterMemory.ts';
import { maxLocks } from './state.ts';
import { changeOf, type Update } from './update.ts';

/** Most bills that wait for their locks. */
export const maxQueued = 2 * maxLocks;

/** Most states that may be signed and refused, one after the other. After that nothing is proposed: the two do not get on. */
export const maxAbandoned = 16;

/** After a start, versions go on from so many for each second of Unix time: fewer are signed, and they fit until the year 2106. */
export const versionsPerSecond = 256;

/**
 * Begins anew after a start. Versions beyond what is known may have been signed since the backup was made that this may be: no other state
 * gets one of them, also when the same backup is restored twice.
 */
export function resumed(
  party: RequesterParty,
  memory: RequesterMemory,
  { now }: RequesterEventOf<'resume'>,
): RequesterStep {
  return unchanged(
    { ...memory, signedVersion: Math.max(memory.signedVersion, now.time * versionsPerSecond) },
    ...sentAgain(party, memory),
  );
}

/** Takes a bill, to be locked by one of the next proposals. */
export function takeBill(
  party: RequesterParty,
  memory: RequesterMemory,
  { signed, wanted, now }: RequesterEventOf<'bill'>,
): RequesterStep {
  const { bill } = signed;
  const { id: billId, amount, expiry } = bill;
  const mismatch = (detail: string) => new NotariumError('bill-mismatch', detail, { data: { billId } });
  if (bill.digest !== wanted.digest || bill.count !== wanted.count) throw mismatch('it is about other evidence');
  if (amount > wanted.maxAmount) throw mismatch(`${amount} is more than ${wanted.maxAmount}`);
  if (expiry > earliestOf(now) + party.maxLockSeconds) throw mismatch('it would lock the amount for too long');
  if (memory.bills.has(billId)) throw mismatch('there is a bill with this id already');
  if (!isLockable(party, expiry, now)) throw new NotariumError('bill-expired', undefined, { data: { billId } });
  if (!isBillOf(party, signed)) throw mismatch('it is not signed by the verifier for this channel');
  const queued = queuedBills(memory);
  if (queued.length >= maxQueued) throw new NotariumError('channel-locks-full', `${queued.length} bills wait`);
  const have = queued.reduce((rest, other) => rest - other.signed.bill.amount, freeBalance(memory));
  if (have < amount)
    throw new NotariumError('channel-balance-short', `${have} is left of ${amount}`, {
      data: { have: `${have}`, want: `${amount}` },
    });
  const bills = new Map(memory.bills).set(billId, { signed });
  return { memory: { ...memory, bills }, saves: false, bills: [{ signed, state: 'offered' }], effects: [] };
}

/** Proposes all that there is to change: what is confirmed is folded, what has expired is dropped, what waits is locked. */
export function propose(
  party: RequesterParty,
  memory: RequesterMemory,
  { now }: RequesterEventOf<'propose'>,
): RequesterStep {
  const late = queuedBills(memory).filter(({ signed }) => !isLockable(party, signed.bill.expiry, now));
  const { memory: kept, bills: gone, effects, saves } = withoutBills(memory, late, 'bill-expired');
  const { ledger } = kept;
  const folds: Bill[] = [];
  const drops: Hash[] = [];
  let dropped = 0n;
  for (const { billId, amount } of ledger.locks) {
    const known = kept.bills.get(billId)!;
    if (known.first) folds.push(known.signed.bill);
    else if (isDroppable(party, known, now)) {
      drops.push(billId);
      dropped += amount;
    }
  }
  const held = kept.held > ledger.held ? kept.held : ledger.held;
  const room = maxLocks - ledger.locks.length + folds.length + drops.length;
  const adds = payable(queuedBills(kept), requesterBalanceOf({ ...ledger, held }) + dropped, room);
  if (folds.length + drops.length + adds.length === 0 && held === ledger.held)
    return { memory: kept, saves, bills: gone, effects };
  if (unanswered(kept).length >= maxAbandoned)
    throw new NotariumError('channel-state', `the verifier has refused ${maxAbandoned} states`);
  const version = Math.max(kept.signedVersion, ledger.version) + 1;
  const update: Omit<Update, 'signature'> = {
    channelId: party.channelId,
    baseVersion: ledger.version,
    version,
    held,
    folds: folds.map((bill) => ({
      billId: bill.id,
      statement: makeStatement(party, bill, 'requester', party.locator),
    })),
    drops,
    adds: adds.map(({ id }) => id),
  };
  const next = nextLedger(ledger, changeOf(update, adds), party.crypto);
  const signature = party.signer.sign(digestOf(party, stateOf(next, party.crypto)));
  const proposal = { update: { ...update, signature }, next };
  return changed({ ...kept, state: 'proposed', proposal, signedVersion: version }, gone, ...effects, {
    kind: 'update',
    update: proposal.update,
  });
}

/** Takes the verifier's signature and what it confirms. A wrong signature is as good as none. */
export function takeAnswer(
  party: RequesterParty,
  memory: RequesterMemory,
  { version, answer }: RequesterEventOf<'answer'>,
): RequesterStep {
  // Late: the proposal was answered, or has been given up.
  if (memory.state !== 'proposed' || memory.proposal.next.version !== version) return unchanged(memory);
  const digest = digestOf(party, stateOf(memory.proposal.next, party.crypto));
  if (!isSignedBy(party, digest, answer.signature, party.channel.verifier))
    throw new NotariumError('channel-countersignature-invalid');
  return then(acceptProposal(party, memory, memory.proposal, answer.signature), (accepted) =>
    takeDisclosures(party, accepted, answer.disclosures),
  );
}

/** Gives a proposal up that the verifier will not sign, and the bill that it names. */
export function takeRefusal(
  _: RequesterParty,
  memory: RequesterMemory,
  { version, code, billId }: RequesterEventOf<'refused'>,
): RequesterStep {
  if (memory.state !== 'proposed' || memory.proposal.next.version !== version) return unchanged(memory);
  const { proposal, ...rest } = memory;
  const open: RequesterMemory = { ...rest, state: 'open', abandoned: unanswered(memory) };
  const refused = queuedBills(open).filter(({ signed }) => signed.bill.id === billId);
  const { memory: without, bills, effects } = withoutBills(open, refused, code);
  return changed(without, bills, ...effects);
}

/** The memory without bills that have no lock; of those that may have one by a refused state it is kept what the end needs. */
export function withoutBills(
  memory: RequesterMemory,
  queued: readonly RequesterBill[],
  code: NotariumError['code'],
): RequesterStep {
  const bills = new Map(memory.bills);
  const atLarge = billsAtLarge(memory);
  const gone: BillChange[] = [];
  for (const bill of queued) {
    const { signed } = bill;
    if (atLarge.has(signed.bill.id)) bills.set(signed.bill.id, { ...bill, isGivenUp: true });
    else {
      bills.delete(signed.bill.id);
      gone.push({ signed, state: 'gone' });
    }
  }
  return {
    memory: { ...memory, bills },
    // What marks a bill as given up is in the memory.
    saves: gone.length < queued.length,
    bills: gone,
    effects: queued.map(({ signed }) => ({ kind: 'failed', billId: signed.bill.id, code })),
  };
}

/** Whether the verifier still takes a lock of the bill, with a little to spare. */
function isLockable({ safetySeconds }: RequesterParty, expiry: SignedBill['bill']['expiry'], now: Moment): boolean {
  return latestOf(now) + 2 * safetySeconds < expiry;
}

function isDroppable(
  { safetySeconds }: RequesterParty,
  { signed, isCancelled, revealedAt }: RequesterBill,
  now: Moment,
): boolean {
  const { expiry } = signed.bill;
  if (isCancelled) return true;
  return earliestOf(now) > expiry + 2 * safetySeconds && !(revealedAt !== undefined && revealedAt <= expiry);
}

function freeBalance(memory: RequesterMemory): bigint {
  const ledger = memory.state === 'proposed' ? memory.proposal.next : memory.ledger;
  const held = memory.held > ledger.held ? memory.held : ledger.held;
  return requesterBalanceOf({ ...ledger, held });
}

/** The first bills that there is room and money for; none before another one that came before it. */
function payable(queued: readonly RequesterBill[], balance: bigint, room: number): Bill[] {
  const adds: Bill[] = [];
  let rest = balance;
  for (const { signed } of queued.slice(0, room)) {
    rest -= signed.bill.amount;
    if (rest < 0n) break;
    adds.push(signed.bill);
  }
  return adds;
}
