import type { Hash } from '../../../../services/core/bytes.ts';
import { nextLedger, stateOf } from '../../../../services/core/channels/ledger.ts';
import { digestOf, makeStatement } from '../../../../services/core/channels/party.ts';
import type { SignedState } from '../../../../services/core/channels/state.ts';
import { closeDigest } from '../../../../services/core/channels/state.ts';
import type { UpdateAnswer } from '../../../../services/core/channels/update.ts';
import { NotariumError } from '../../../../services/core/errors.ts';
import { bob, hashOf, mallory, network } from './channelKit.ts';
import type { Message, World } from './World.ts';

/** Something that a dishonest side does; `n` chooses. */
export type Deed = (world: World, n: number) => void;

const pick = <T>(from: readonly T[], n: number): T | undefined => from[n % Math.max(1, from.length)];

function post(world: World, latest: SignedState | undefined): void {
  world.orders.push({ kind: 'startClosing', latest });
  if (latest) world.orders.push({ kind: 'challenge', latest });
}

/** Any state that both have signed, or none, is handed in again. */
const postOld: Deed = (world, n) => post(world, n % 5 === 0 ? undefined : pick(world.states, n)?.signed);

/** Whatever was sent to the other side comes once more. */
const replay =
  (to: Message['to']): Deed =>
  (world, n) => {
    const message = pick(
      world.sent.filter((each) => each.to === to),
      n,
    );
    if (message) world.net.push(message);
  };

/** What a verifier may try: it signs what it has refused, keeps keys back, lies in its answers. */
export const evilVerifier: Readonly<Record<string, Deed>> = {
  postOld,
  replay: replay('requester'),
  postRefused(world, n) {
    const proposal = pick(world.proposals, n);
    if (!proposal) return;
    const state = stateOf(proposal.next);
    const verifierSignature = bob.sign(digestOf(world.parties.verifier, state));
    post(world, { state, requesterSignature: proposal.update.signature, verifierSignature });
  },
  revealAny(world, n) {
    const signed = pick(world.offered, n);
    if (signed) world.orders.push({ kind: 'reveal', keys: [world.parties.verifier.keyOf(signed.bill.id)] });
  },
  lie(world, n) {
    world.tamper = (answer) => altered(answer, n);
  },
  hide(world, n) {
    const message = pick(
      world.sent.filter((each) => each.kind === 'view'),
      n,
    );
    if (message?.kind !== 'view') return;
    const { view } = message;
    const lies = [
      { ...view, disclosures: [] },
      { ...view, cancelled: view.locks.map(({ bill }) => bill.id) },
      { ...view, locks: view.locks.slice(1) },
      { ...view, held: view.held + 1n },
      { ...view, latest: null },
    ];
    world.net.push({ ...message, view: lies[n % lies.length]! });
  },
  refuse(world, n) {
    const at = world.net.findIndex((message) => message.kind === 'update');
    const message = world.net[at];
    if (message?.kind !== 'update') return;
    // Half of the time it takes the update all the same.
    if (n % 2 === 0) world.net.splice(at, 1);
    const { version, adds } = message.update;
    const billId = pick(adds, n);
    const code = pick(['bill-unknown', 'channel-base-stale', 'channel-invalid'] as const, n)!;
    world.net.unshift({ to: 'requester', kind: 'refused', version, code, ...(billId ? { billId } : {}) });
  },
};

/** What a requester may try: states that are not due, old closings, silence. */
export const evilRequester: Readonly<Record<string, Deed>> = {
  postOld,
  replay: replay('verifier'),
  forge(world, n) {
    const party = world.parties.requester;
    const { ledger, offered, locked } = world.verifier.memory;
    // One kind of change, or all.
    const some = (ids: Iterable<Hash>, kind: number): Hash[] =>
      n % 4 === kind || n % 4 === 3 ? [...ids].filter((_, at) => (n + at) % 3 !== 0) : [];
    const folds = some(locked.keys(), 0).map((billId) => ({
      billId,
      statement: makeStatement(
        n % 11 === 7 ? { ...party, signer: mallory } : party,
        locked.get(billId)!.signed.bill,
        'requester',
        '',
      ),
    }));
    const drops = some(locked.keys(), 1);
    const adds = some(offered.keys(), 2);
    const version = ledger.version + (n % 7);
    const held = ledger.held + (n % 9 === 5 ? 1000n : 0n);
    try {
      const bills = adds.map((billId) => offered.get(billId)!.signed.bill);
      const change = { version, held, folds: folds.map(({ billId }) => billId), drops, adds: bills };
      const signature = party.signer.sign(digestOf(party, stateOf(nextLedger(ledger, change))));
      const { channelId } = party;
      const update = { channelId, baseVersion: ledger.version, version: Math.max(1, version), held };
      world.send({ to: 'verifier', kind: 'update', update: { ...update, folds, drops, adds, signature } });
    } catch (error) {
      if (!(error instanceof NotariumError)) throw error;
    }
  },
  closeOld(world, n) {
    const chosen = pick(world.states, n);
    if (!chosen) return;
    const { channelId, signer } = world.parties.requester;
    const { version, locksHash: _, ...closing } = chosen.signed.state;
    const signature = signer.sign(closeDigest(network, channelId, closing));
    const newest = world.verifier.memory.ledger.version;
    const request = { channelId, version: n % 2 === 0 ? version : newest, closing, signature };
    world.send({ to: 'verifier', kind: 'close', request });
  },
};

function altered(answer: UpdateAnswer, n: number): UpdateAnswer {
  const [first, ...rest] = answer.disclosures;
  const lies: UpdateAnswer[] = [
    { ...answer, disclosures: [] },
    { ...answer, signature: mallory.sign(new Uint8Array(32)) },
    { ...answer, disclosures: first ? [{ ...first, key: hashOf('no key') }, ...rest] : [] },
    {
      ...answer,
      disclosures: first ? [{ ...first, statement: { ...first.statement, locator: 'elsewhere' } }, ...rest] : [],
    },
    { ...answer, disclosures: rest[0] && first ? [{ ...first, billId: rest[0].billId }] : [] },
  ];
  return lies[n % lies.length]!;
}
