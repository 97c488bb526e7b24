import type { Hash } from '../bytes.ts';
import { closingOf } from './ledger.ts';
import { checkClosing, ledgerShown } from './party.ts';
import { acceptProposal, takeCancelled, takeDisclosures, then, tidied } from './requesterAccept.ts';
import { withoutBills } from './requesterExchange.ts';
import {
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
  viewOfRequester,
} from './requesterMemory.ts';
import { closeDigest, type SignedState } from './state.ts';
import type { ChannelView, SignedClosing } from './update.ts';

/** Proposes to close together. From now on no state is signed, so that the verifier cannot end the channel by less than it has. */
export function end(party: RequesterParty, memory: RequesterMemory): RequesterStep {
  const closing = closingOf(memory.ledger, party.crypto);
  const signature = party.signer.sign(closeDigest(party.network, party.channelId, closing, party.crypto.keccak256));
  const left = withoutBills(memory, queuedBills(memory), 'channel-state');
  const ending = { ...commonOf(left.memory), state: 'ending' as const, closing, signature };
  return changed(ending, left.bills, ...left.effects, ...sentAgain(party, ending));
}

/** Takes the verifier's signature over the closing. */
export function takeCloseAnswer(
  party: RequesterParty,
  memory: RequesterMemory,
  { answer }: RequesterEventOf<'closeAnswer'>,
): RequesterStep {
  if (memory.state !== 'ending') return unchanged(memory);
  const { closing, signature } = memory;
  return agree(party, memory, { closing, requesterSignature: signature, verifierSignature: answer.signature });
}

/** Closes alone with the newest state. What is proposed may still be signed by the verifier, and handed in. */
export function leave(_: RequesterParty, memory: RequesterMemory): RequesterStep {
  const { memory: rest, bills, effects } = withoutBills(memory, queuedBills(memory), 'channel-state');
  const leaving: RequesterMemory = { ...commonOf(rest), abandoned: unanswered(memory), state: 'leaving' };
  return changed(leaving, bills, ...effects, { kind: 'startClosing', latest: memory.latest });
}

/** Goes on from what the verifier shows, or shows it what is newer here. */
export function takeView(
  party: RequesterParty,
  memory: RequesterMemory,
  { view }: RequesterEventOf<'view'>,
): RequesterStep {
  const version = view.latest?.state.version ?? 0;
  if (version < memory.ledger.version) return unchanged(memory, { kind: 'show', view: viewOfRequester(party, memory) });
  const adopted =
    view.latest && version > memory.ledger.version
      ? adopt(party, memory, { ...view, latest: view.latest })
      : unchanged(memory);
  const told = then(adopted, (now) => {
    const cancelled = takeCancelled(now, view.cancelled);
    return cancelled === now ? unchanged(now) : changed(cancelled, []);
  });
  const confirmed = then(told, (now) => takeDisclosures(party, now, view.disclosures));
  const { state } = confirmed.memory;
  return view.closing && (state === 'open' || state === 'proposed' || state === 'ending')
    ? then(confirmed, (now) => agree(party, now, view.closing!))
    : confirmed;
}

/** A state that both have signed is ours too, even where we do not remember having signed it. */
function adopt(
  party: RequesterParty,
  memory: RequesterMemory,
  view: ChannelView & { latest: SignedState },
): RequesterStep {
  const ledger = ledgerShown(party, view);
  const { version } = ledger;
  const own = unanswered(memory).find(({ next }) => next.version === version);
  // A bill that was given up after a refusal is in the state all the same.
  const shown = view.locks.map((signed): [Hash, RequesterBill] => [signed.bill.id, { signed }]);
  const bills = new Map([...shown, ...memory.bills]);
  const newer = { ...memory, bills, abandoned: unanswered(memory) };
  const adopted = own
    ? acceptProposal(party, newer, own, view.latest.verifierSignature)
    : adoptUnknown({ ...newer, bills: memory.bills }, ledger, view);
  return then(adopted, (now) => backTo(party, memory, now));
}

function adoptUnknown(
  memory: RequesterMemory,
  ledger: RequesterMemory['ledger'],
  view: ChannelView & { latest: SignedState },
): RequesterStep {
  const before = new Set(memory.ledger.locks.map(({ billId }) => billId));
  const shown = view.locks.map((signed): [string, RequesterBill] => [signed.bill.id, { signed }]);
  const open = new Set(shown.map(([billId]) => billId));
  const kept = [...memory.bills].filter(([billId]) => open.has(billId) || !before.has(billId));
  const bills = new Map([...shown, ...kept]) as RequesterMemory['bills'];
  const { version } = ledger;
  const adopted: RequesterMemory = {
    ...{ held: memory.held > ledger.held ? memory.held : ledger.held, ledger, latest: view.latest, bills },
    state: 'open',
    signedVersion: Math.max(memory.signedVersion, version),
    abandoned: memory.abandoned.filter(({ next }) => next.version > version),
  };
  // What had a lock before and has none now was paid or dropped by the one whose backup this is.
  const ended = [...memory.bills.values()].filter(({ signed: { bill } }) => !bills.has(bill.id));
  const rows = [
    ...view.locks.map((signed) => ({ signed, state: 'locked' as const })),
    ...ended.map(({ signed }) => ({ signed, state: 'gone' as const })),
  ];
  return then(changed(adopted, rows, { kind: 'stale', version }), tidied);
}

/** Adopting leaves nothing pending; what had begun before it goes on. */
function backTo(party: RequesterParty, before: RequesterMemory, now: RequesterMemory): RequesterStep {
  const common = commonOf(now);
  switch (before.state) {
    case 'open':
    case 'proposed':
    case 'settled':
      return unchanged(now);
    case 'ending':
      // A closing of the older state is signed already, so no further state can be.
      return now.ledger.locks.length === 0 ? end(party, now) : leave(party, now);
    case 'agreed':
      return unchanged({ ...common, state: 'agreed', agreed: before.agreed });
    case 'leaving':
      return unchanged({ ...common, state: 'leaving' });
    case 'closing':
      return unchanged({ ...common, state: 'closing', posted: before.posted });
  }
}

function agree(party: RequesterParty, memory: RequesterMemory, agreed: SignedClosing): RequesterStep {
  checkClosing(party, agreed);
  const { memory: rest, bills, effects } = withoutBills(memory, queuedBills(memory), 'channel-state');
  const next: RequesterMemory = { ...commonOf(rest), abandoned: unanswered(memory), state: 'agreed', agreed };
  return changed(next, bills, ...effects, { kind: 'closeTogether', closing: agreed });
}

/** What every state has. */
function commonOf({ held, ledger, latest, signedVersion, abandoned, bills }: RequesterMemory) {
  return { held, ledger, latest, signedVersion, abandoned, bills };
}
