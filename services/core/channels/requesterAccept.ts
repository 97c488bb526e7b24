import type { Hash } from '../bytes.ts';
import { isNotariumError } from '../errors.ts';
import { keyHashOf } from './bill.ts';
import { stateOf } from './ledger.ts';
import type { BillChange } from './party.ts';
import type {
  Proposal,
  RequesterBill,
  RequesterEffect,
  RequesterMemory,
  RequesterParty,
  RequesterStep,
} from './requesterMemory.ts';
import { billsAtLarge, changed, unchanged } from './requesterMemory.ts';
import { checkStatement } from './statement.ts';
import type { Disclosure } from './update.ts';

/** The memory once the verifier has signed a proposal, and what the bills in it have come to. Nothing is pending then. */
export function acceptProposal(
  party: RequesterParty,
  memory: RequesterMemory,
  { update, next }: Proposal,
  verifierSignature: `0x${string}`,
): RequesterStep {
  const bills = new Map(memory.bills);
  const rows: BillChange[] = [];
  const effects: RequesterEffect[] = [];
  update.folds.forEach(({ billId, statement }, at) => {
    const leafIndex = memory.ledger.evidence.size + at;
    rows.push({ signed: bills.get(billId)!.signed, state: 'folded', second: statement, leafIndex });
    effects.push({ kind: 'folded', billId, leafIndex });
    bills.delete(billId);
  });
  for (const billId of update.drops) {
    rows.push({ signed: bills.get(billId)!.signed, state: 'dropped' });
    effects.push({ kind: 'failed', billId, code: 'bill-expired' });
    bills.delete(billId);
  }
  // A bill that was given up after a refusal may be in the state that the verifier has signed all the same.
  for (const billId of update.adds) {
    const bill = bills.get(billId);
    if (bill) rows.push({ signed: bill.signed, state: 'locked' });
  }
  const accepted: RequesterMemory = {
    ...{ held: memory.held, signedVersion: memory.signedVersion, bills, ledger: next },
    state: 'open',
    latest: { state: stateOf(next, party.crypto), requesterSignature: update.signature, verifierSignature },
    abandoned: memory.abandoned.filter((other) => other.next.version > next.version),
  };
  return then(changed(accepted, rows, ...effects), tidied);
}

/** Ends with what was kept of bills that were given up: one has a lock after all, another can have none any more. */
export function tidied(memory: RequesterMemory): RequesterStep {
  const atLarge = billsAtLarge(memory);
  const locked = new Set(memory.ledger.locks.map(({ billId }) => billId));
  const bills = new Map<Hash, RequesterBill>();
  const gone: BillChange[] = [];
  for (const [billId, bill] of memory.bills) {
    const { isGivenUp, ...rest } = bill;
    if (locked.has(billId)) bills.set(billId, rest);
    else if (!isGivenUp || atLarge.has(billId)) bills.set(billId, bill);
    else gone.push({ signed: bill.signed, state: 'gone' });
  }
  return { memory: { ...memory, bills }, saves: false, bills: gone, effects: [] };
}

/** Takes in what the verifier confirms of open locks. What is wrong is as if it had not been said. */
export function takeDisclosures(
  party: RequesterParty,
  memory: RequesterMemory,
  disclosures: readonly Disclosure[],
): RequesterStep {
  const bills = new Map(memory.bills);
  const rows: BillChange[] = [];
  const effects: RequesterEffect[] = [];
  const open = new Set(memory.ledger.locks.map(({ billId }) => billId));
  for (const disclosure of disclosures) {
    const { billId, key, statement } = disclosure;
    const known = bills.get(billId);
    if (!known || !open.has(billId) || known.first) continue;
    const code = faultOf(party, known, disclosure);
    if (code) effects.push({ kind: 'unconfirmed', billId, code });
    else {
      bills.set(billId, { ...known, key, first: statement });
      rows.push({ signed: known.signed, state: 'locked', key, first: statement });
    }
  }
  if (rows.length === 0) return unchanged(memory, ...effects);
  return changed({ ...memory, bills }, rows, ...effects);
}

/** The memory with the bills that the verifier gives up marked so. */
export function takeCancelled(memory: RequesterMemory, cancelled: readonly Hash[]): RequesterMemory {
  const told = cancelled.filter(
    (billId) => memory.bills.get(billId)?.isCancelled === undefined && memory.bills.has(billId),
  );
  if (told.length === 0) return memory;
  const bills = new Map(memory.bills);
  for (const billId of told) bills.set(billId, { ...bills.get(billId)!, isCancelled: true });
  return { ...memory, bills };
}

/** Two steps, one after the other, as one. */
export function then(first: RequesterStep, second: (memory: RequesterMemory) => RequesterStep): RequesterStep {
  const next = second(first.memory);
  return {
    memory: next.memory,
    saves: first.saves || next.saves,
    bills: [...first.bills, ...next.bills],
    effects: [...first.effects, ...next.effects],
  };
}

function faultOf(party: RequesterParty, { signed }: RequesterBill, { key, statement }: Disclosure) {
  const { bill } = signed;
  if (keyHashOf(key, party.crypto.sha256) !== bill.keyHash) return 'bill-key-mismatch' as const;
  try {
    checkStatement(party.network, bill, statement, { role: 'verifier', account: party.channel.verifier }, party.crypto);
    return undefined;
  } catch (error) {
    if (isNotariumError(error)) return error.code;
    throw error;
  }
}
