import type { Hash } from '../bytes.ts';
import { firstLedger, type Ledger } from './ledger.ts';
import { type BillChange, earliestOf, latestOf, type Moment, paidLocks, settlementOf } from './party.ts';
import {
  changed,
  unchanged,
  type VerifierEffect,
  type VerifierEvent,
  type VerifierMemory,
  type VerifierParty,
  type VerifierStep,
} from './verifierMemory.ts';

type EventOf<K extends VerifierEvent['kind']> = Extract<VerifierEvent, { kind: K }>;

/** More was paid in. */
export function deposited(_: VerifierParty, memory: VerifierMemory, { held }: EventOf<'deposited'>): VerifierStep {
  return held === memory.held ? unchanged(memory) : changed({ ...memory, held }, []);
}

/** Closes alone with the newest state. */
export function left(_: VerifierParty, memory: VerifierMemory): VerifierStep {
  return changed({ ...memory, state: 'leaving', offered: new Map() }, offersGone(memory), {
    kind: 'startClosing',
    latest: memory.latest,
  });
}

/** Somebody has handed a state in: the next tick does what that asks for. */
export function closed(_: VerifierParty, memory: VerifierMemory, event: EventOf<'closing'>): VerifierStep {
  const { version, deadline } = event;
  if (memory.state === 'settled') return unchanged(memory);
  // Within one closing, versions only grow: an event that is given twice.
  if (memory.state === 'closing' && deadline === memory.posted.deadline && version <= memory.posted.version)
    return unchanged(memory);
  const isStale = version > memory.ledger.version;
  return changed(
    { ...memory, state: 'closing', posted: { version, deadline }, offered: new Map() },
    offersGone(memory),
    ...(isStale ? [{ kind: 'stale', version } as const] : []),
  );
}

/** A reorganisation took the closing away: it is begun again. */
export function reopened(party: VerifierParty, memory: VerifierMemory): VerifierStep {
  return memory.state === 'closing' ? left(party, memory) : unchanged(memory);
}

/** A key is public, maybe one of an open lock. */
export function revealed(_: VerifierParty, memory: VerifierMemory, { keyHash, at }: EventOf<'revealed'>): VerifierStep {
  const lock = memory.ledger.locks.find((open) => open.keyHash === keyHash);
  if (!lock) return unchanged(memory);
  const known = memory.locked.get(lock.billId)!;
  if (known.revealedAt === at) return unchanged(memory);
  return changed({ ...memory, locked: new Map(memory.locked).set(lock.billId, { ...known, revealedAt: at }) }, []);
}

/** The channel has ended. Locks that were paid are in its evidence, the others went back. */
export function settled(_: VerifierParty, memory: VerifierMemory, event: EventOf<'settled'>): VerifierStep {
  if (memory.state === 'settled') return unchanged(memory);
  const bills = offersGone(memory);
  const { ledger, locked } = memory;
  if (memory.state === 'closing' && memory.posted.version === ledger.version) {
    const paid = paidLocks(ledger, memory.posted.deadline, (billId) => locked.get(billId)!.revealedAt);
    if (event.evidenceCount === ledger.evidence.size + paid.length) {
      for (const { billId } of ledger.locks) {
        const { signed } = locked.get(billId)!;
        const at = paid.findIndex((lock) => lock.billId === billId);
        bills.push(
          at < 0 ? { signed, state: 'dropped' } : { signed, state: 'folded', leafIndex: ledger.evidence.size + at },
        );
      }
    }
  }
  return changed({ ...memory, state: 'settled', offered: new Map() }, bills);
}

/** Does what time asks for: keys that must be public before their locks expire, and what the closing needs. */
export function ticked(party: VerifierParty, memory: VerifierMemory, { now }: EventOf<'tick'>): VerifierStep {
  switch (memory.state) {
    case 'open': {
      const keys = keysDue(party, memory, now);
      if (keys.length === 0) return unchanged(memory);
      const { memory: leaving, bills, effects } = left(party, memory);
      return changed(leaving, bills, { kind: 'reveal', keys }, ...effects);
    }
    case 'agreed':
      // The requester wants its money, and is first. Should it not come to it, everything can be ended without it.
      return now.time < memory.agreedAt + party.safetySeconds
        ? unchanged(memory)
        : unchanged(memory, { kind: 'closeTogether', closing: memory.agreed });
    case 'leaving':
      return unchanged(memory, ...revealing(keysDue(party, memory, now)), {
        kind: 'startClosing',
        latest: memory.latest,
      });
    case 'closing':
      return unchanged(memory, ...whileClosing(party, memory, now));
    case 'settled':
      return unchanged(memory);
  }
}

/** When the next tick is needed, Unix seconds; undefined for never. What is closing is watched by who settles it. */
export function verifierDueAt(
  party: Pick<VerifierParty, 'safetySeconds'>,
  memory: VerifierMemory,
  time: number,
): number | undefined {
  if (memory.state === 'agreed') return memory.agreedAt + party.safetySeconds;
  if (memory.state !== 'open') return undefined;
  const open = secretLocks(memory).filter(({ expiry }) => time <= expiry + party.safetySeconds);
  if (open.length === 0) return undefined;
  return Math.min(...open.map(({ expiry }) => expiry)) - party.safetySeconds;
}

function whileClosing(
  party: VerifierParty,
  memory: VerifierMemory & { state: 'closing' },
  now: Moment,
): VerifierEffect[] {
  const { ledger, latest, posted, held } = memory;
  if (now.chainTime > posted.deadline) {
    const ended = posted.version === 0 ? firstLedger(held) : ledger;
    return ended.version === posted.version ? [{ kind: 'settle', settlement: settlementOf(party, ended) }] : [];
  }
  const keys = secretLocks(memory)
    .filter(({ expiry }) => earliestOf(now) <= expiry)
    .map(({ billId }) => party.keyOf(billId));
  const isOld = latest !== undefined && posted.version < ledger.version;
  return [...(isOld ? [{ kind: 'challenge', latest } as const] : []), ...revealing(keys)];
}

/** Keys of locks that are near their expiry, and not past it by both clocks. */
function keysDue(party: VerifierParty, memory: VerifierMemory, now: Moment): Hash[] {
  return secretLocks(memory)
    .filter(({ expiry }) => latestOf(now) >= expiry - party.safetySeconds && earliestOf(now) <= expiry)
    .map(({ billId }) => party.keyOf(billId));
}

/** Open locks that pay only once their keys are public. */
function secretLocks({ ledger, locked }: VerifierMemory): Ledger['locks'] {
  return ledger.locks.filter(({ billId }) => {
    const { isCancelled, revealedAt } = locked.get(billId)!;
    return !isCancelled && revealedAt === undefined;
  });
}

function revealing(keys: readonly Hash[]): VerifierEffect[] {
  return keys.length === 0 ? [] : [{ kind: 'reveal', keys }];
}

function offersGone({ offered }: VerifierMemory): BillChange[] {
  return [...offered.values()].map(({ signed }) => ({ signed, state: 'gone' }));
}
