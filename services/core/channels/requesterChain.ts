import { type BillChange, makeStatement, paidLocks, settlementOf } from './party.ts';
import {
  changed,
  ledgerAt,
  type RequesterEffect,
  type RequesterEventOf,
  type RequesterMemory,
  type RequesterParty,
  type RequesterStep,
  sentAgain,
  unanswered,
  unchanged,
} from './requesterMemory.ts';

/** More was paid in: the next proposal says so. */
export function deposited(
  _: RequesterParty,
  memory: RequesterMemory,
  { held }: RequesterEventOf<'deposited'>,
): RequesterStep {
  return held === memory.held ? unchanged(memory) : changed({ ...memory, held }, []);
}

/** Somebody has handed a state in: the next tick does what that asks for. */
export function closed(_: RequesterParty, memory: RequesterMemory, event: RequesterEventOf<'closing'>): RequesterStep {
  const { version, deadline } = event;
  if (memory.state === 'settled') return unchanged(memory);
  // Within one closing, versions only grow: an event that is given twice.
  if (memory.state === 'closing' && deadline === memory.posted.deadline && version <= memory.posted.version)
    return unchanged(memory);
  const { held, ledger, latest, signedVersion, bills } = memory;
  const closing: RequesterMemory = {
    ...{ held, ledger, latest, signedVersion, bills, abandoned: unanswered(memory) },
    ...{ state: 'closing', posted: { version, deadline } },
  };
  return changed(
    closing,
    [],
    ...((ledgerAt(closing, version) ?? version < ledger.version) ? [] : [{ kind: 'stale', version } as const]),
  );
}

/** A reorganisation took the closing away: it is begun again. */
export function reopened(_: RequesterParty, memory: RequesterMemory): RequesterStep {
  if (memory.state !== 'closing') return unchanged(memory);
  const { held, ledger, latest, signedVersion, bills, abandoned } = memory;
  return changed({ ...{ held, ledger, latest, signedVersion, bills, abandoned }, state: 'leaving' }, [], {
    kind: 'startClosing',
    latest,
  });
}

/** A bill key is public: the verifier has it paid by the chain. */
export function revealed(
  _: RequesterParty,
  memory: RequesterMemory,
  { keyHash, key, at }: RequesterEventOf<'revealed'>,
): RequesterStep {
  const known = [...memory.bills.values()].find(({ signed }) => signed.bill.keyHash === keyHash);
  if (!known || known.revealedAt === at) return unchanged(memory);
  const { signed } = known;
  const bills = new Map(memory.bills).set(signed.bill.id, { ...known, key, revealedAt: at });
  const isOpen = memory.ledger.locks.some(({ billId }) => billId === signed.bill.id);
  return changed({ ...memory, bills }, [{ signed, key, state: isOpen ? 'locked' : 'offered' }]);
}

/** The channel has ended: every bill that is left is paid now, or never. */
export function settled(
  party: RequesterParty,
  memory: RequesterMemory,
  event: RequesterEventOf<'settled'>,
): RequesterStep {
  if (memory.state === 'settled') return unchanged(memory);
  const { held, ledger, latest, signedVersion } = memory;
  const posted = memory.state === 'closing' ? memory.posted : { version: ledger.version, deadline: 0 };
  const final = ledgerAt(memory, posted.version);
  const rows: BillChange[] = [];
  const effects: RequesterEffect[] = [];
  const leaves = new Map<string, number>();
  if (final) {
    const folds = unanswered(memory).find(({ next }) => next === final)?.update.folds ?? [];
    for (const [at, { billId }] of folds.entries()) leaves.set(billId, ledger.evidence.size + at);
    const paid = paidLocks(final, posted.deadline, (billId) => memory.bills.get(billId)?.revealedAt);
    // It has not ended as we know it: no place in the tree is certain.
    if (event.evidenceCount < final.evidence.size) leaves.clear();
    // Where more was paid than we know of, what the state had folded is certain still.
    else if (event.evidenceCount === final.evidence.size + paid.length)
      for (const [at, { billId }] of paid.entries()) leaves.set(billId, final.evidence.size + at);
  }
  for (const [billId, { signed, first, isGivenUp }] of memory.bills) {
    const leafIndex = leaves.get(billId);
    if (leafIndex === undefined) {
      rows.push({ signed, state: 'dropped' });
      // Who waited for one that was given up was told then.
      if (!isGivenUp) effects.push({ kind: 'failed', billId, code: 'channel-state' });
    } else {
      // What the chain has paid needs our statement as much as what we have folded.
      const second = makeStatement(party, signed.bill, 'requester', party.locator);
      rows.push({ signed, state: 'folded', leafIndex, second });
      effects.push(
        first ? { kind: 'folded', billId, leafIndex } : { kind: 'unconfirmed', billId, code: 'statement-invalid' },
      );
    }
  }
  const ended: RequesterMemory = {
    ...{ held, ledger, latest, signedVersion, bills: new Map(), abandoned: [] },
    state: 'settled',
  };
  return changed(ended, rows, ...effects);
}

/** Does what time asks for, and what has not been answered once more. */
export function ticked(
  party: RequesterParty,
  memory: RequesterMemory,
  { now }: RequesterEventOf<'tick'>,
): RequesterStep {
  switch (memory.state) {
    case 'open':
    case 'settled':
      return unchanged(memory);
    case 'proposed':
    case 'ending':
      return unchanged(memory, ...sentAgain(party, memory));
    case 'agreed':
      return unchanged(memory, { kind: 'closeTogether', closing: memory.agreed });
    case 'leaving':
      return unchanged(memory, { kind: 'startClosing', latest: memory.latest });
    case 'closing': {
      const { posted, ledger, latest } = memory;
      if (now.chainTime <= posted.deadline) {
        const isOld = latest !== undefined && posted.version < ledger.version;
        return unchanged(memory, ...(isOld ? [{ kind: 'challenge', latest } as const] : []));
      }
      const final = ledgerAt(memory, posted.version);
      return unchanged(memory, ...(final ? [{ kind: 'settle', settlement: settlementOf(party, final) } as const] : []));
    }
  }
}
