import { expect } from 'chai';
import fc from 'fast-check';
import type { Hash } from '../../../../services/core/bytes.ts';
import { makeStatement, type Step } from '../../../../services/core/channels/party.ts';
import { stepRequester } from '../../../../services/core/channels/requester.ts';
import type { RequesterMemory } from '../../../../services/core/channels/requesterMemory.ts';
import { stepVerifier } from '../../../../services/core/channels/verifier.ts';
import { crypto, parties } from './channelKit.ts';
import { type Deed, evilRequester, evilVerifier } from './evil.ts';
import { goodRules, type Rules, stepSeconds, World } from './World.ts';

/** Who keeps to the rules. A backup is restored only where both do: what it hides, a dishonest other side would keep to itself. */
type Mode = 'both' | 'requester' | 'verifier';

const everyday: Readonly<Record<string, Deed>> = {
  askBill: (world, n) =>
    world.send({
      to: 'verifier',
      kind: 'askBill',
      name: `evidence ${world.sent.length}`,
      amount: BigInt(1 + (n % 40)),
    }),
  round(world, n) {
    for (let count = 1 + (n % 3); count > 0; count--) everyday.askBill!(world, n);
    everyday.deliverAll!(world, n);
    everyday.propose!(world, n);
    if (n % 4 !== 0) everyday.deliverAll!(world, n);
  },
  propose: (world) => void world.tellRequester({ kind: 'propose', now: world.now }),
  deliver(world, n) {
    const [message] = world.net.splice(n % 3 === 0 ? n % Math.max(1, world.net.length) : 0, 1);
    if (message) world.deliver(message);
  },
  deliverAll(world) {
    for (let left = 20; left > 0 && world.net.length > 0; left--) world.deliver(world.net.shift()!);
  },
  duplicate(world, n) {
    const message = world.net[n % Math.max(1, world.net.length)];
    if (message) world.net.push(message);
  },
  lose: (world, n) => void world.net.splice(n % Math.max(1, world.net.length), 1),
  tick: (world) => world.tick(),
  wait: (world, n) => world.advance(1 + (n % 40)),
  waitLong(world, n) {
    for (let steps = n % 40; steps > 0; steps--) world.advance(stepSeconds);
  },
  ask: (world) => world.send({ to: 'verifier', kind: 'ask' }),
  deposit: (world, n) => world.deposit(BigInt(n)),
};

const troubles: Readonly<Record<string, Deed>> = {
  crashRequester: (world, n) => crashAt(world, 'requester', n),
  crashVerifier: (world, n) => crashAt(world, 'verifier', n),
  requesterAway: (world, n) => world.absent('requester', 40 * (n % 10)),
  verifierAway: (world, n) => world.absent('verifier', 40 * (n % 10)),
  cancel(world, n) {
    const signed = world.offered[n % Math.max(1, world.offered.length)];
    if (signed && !world.tellVerifier({ kind: 'cancel', billId: signed.bill.id })) world.forgone.add(signed.bill.id);
  },
};

const ends: Readonly<Record<string, Deed>> = {
  end: (world) => void world.tellRequester({ kind: 'end' }),
  requesterLeaves: (world) => void world.tellRequester({ kind: 'leave' }),
  verifierLeaves: (world) => void world.tellVerifier({ kind: 'leave' }),
};

// Of one side only: what both have forgotten, nobody can know.
const backups: Readonly<Record<string, Deed>> = {
  requesterBackup(world, n) {
    world.restored ??= 'requester';
    if (world.restored === 'requester') world.restart('requester', 1 + (n % 5));
  },
  verifierBackup(world, n) {
    world.restored ??= 'verifier';
    if (world.restored !== 'verifier') return;
    // Bills that were offered since, and locks that the requester has not heard of, are lost with their amounts.
    for (const { billId } of world.verifier.memory.ledger.locks) world.forgone.add(billId);
    world.restart('verifier', 1 + (n % 5));
  },
};

function crashAt(world: World, who: 'requester' | 'verifier', n: number): void {
  if (n % 3 === 0) world.restart(who);
  else world[who].crash = n % 3 === 1 ? 'beforeSave' : 'afterSave';
}

const deedsOf: Readonly<Record<Mode, readonly Deed[]>> = {
  both: [...common(), ...times(2, backups)],
  requester: [...common(), ...times(3, evilVerifier)],
  verifier: [...common(), ...times(3, evilRequester)],
};

/** What ends a channel comes seldom: there would be nothing to be seen. */
function common(): Deed[] {
  const { round, propose, deliverAll } = everyday;
  return [...times(4, everyday), ...times(8, { round, propose, deliverAll }), ...times(3, troubles), ...times(1, ends)];
}

function times(count: number, deeds: Readonly<Record<string, Deed | undefined>>): Deed[] {
  return Array.from({ length: count }, () => Object.values(deeds) as Deed[]).flat();
}

/** Whoever is honest ends the channel: together if the other one is honest too, otherwise alone. */
function finish(world: World, mode: Mode): void {
  for (const who of ['requester', 'verifier'] as const) world[who].crash = undefined;
  const isOver = () => world.chain.ended !== undefined;
  if (mode === 'both') {
    for (let rounds = 0; rounds < 60 && !isOver(); rounds++) {
      world.send({ to: 'verifier', kind: 'ask' });
      for (let left = 50; left > 0 && world.net.length > 0; left--) world.deliver(world.net.shift()!);
      world.tellRequester({ kind: 'propose', now: world.now });
      for (let left = 50; left > 0 && world.net.length > 0; left--) world.deliver(world.net.shift()!);
      world.tellRequester({ kind: 'end' });
      world.advance(stepSeconds);
    }
  } else if (mode === 'requester') {
    world.verifier.isOnline = false;
    world.tellRequester({ kind: 'leave' });
  } else {
    world.requester.isOnline = false;
    world.tellVerifier({ kind: 'leave' });
  }
  for (let rounds = 0; rounds < 40 && !isOver(); rounds++) world.advance(stepSeconds);
}

/** What is wrong with how it has ended; nothing, if all rules are kept. */
function judge(world: World, mode: Mode): string[] {
  const { ended, held } = world.chain;
  const { doubts } = world;
  if (!ended) return [...doubts, `not finished: ${world.requester.memory.state}, ${world.verifier.memory.state}`];
  const found = doubts.filter((doubt) => mode !== 'verifier' || !doubt.includes('the requester has signed'));
  if (ended.requester + ended.verifier !== held) found.push('money is lost or made');
  if (mode !== 'requester') {
    // Every key that has left the verifier is paid, unless it was away, or has given the amount up.
    const due = sum([...world.disclosed].filter(([billId]) => !world.forgone.has(billId)));
    if (ended.verifier < due) found.push(`the verifier has ${ended.verifier} of ${due}`);
    if (ended.version !== 'together' && mode === 'verifier' && ended.version < world.verifier.memory.ledger.version)
      found.push('an old state of the verifier was settled');
  }
  if (mode !== 'verifier') {
    // Beyond what is confirmed, the requester pays only for locks of one state: those in flight.
    const confirmed = sum(world.confirmed);
    const inFlight = ended.paid.filter((billId) => !world.confirmed.has(billId));
    const amounts = new Map(world.offered.map(({ bill }) => [bill.id, bill.amount]));
    const lost = sum(inFlight.map((billId): [Hash, bigint] => [billId, amounts.get(billId)!]));
    if (ended.verifier > confirmed + lost) found.push(`the requester pays ${ended.verifier} for ${confirmed}`);
    // What it takes to be preserved is in the evidence that was settled.
    if (ended.evidenceCount < world.preserved.size)
      found.push(`${ended.evidenceCount} of ${world.preserved.size} left`);
    const { version } = world.requester.memory.ledger;
    if (ended.version !== 'together' && ended.version < version)
      found.push('an old state of the requester was settled');
  }
  return found;
}

const sum = (amounts: Iterable<readonly [Hash, bigint]>): bigint =>
  [...amounts].reduce((total, [, amount]) => total + amount, 0n);

const walk = fc.array(fc.tuple(fc.nat(999), fc.nat(999)), { minLength: 10, maxLength: 90, size: 'max' });

function run(mode: Mode, steps: readonly (readonly [number, number])[], rules: Rules): string[] {
  const world = new World(rules);
  const deeds = deedsOf[mode];
  for (const [deed, n] of steps) deeds[deed % deeds.length]!(world, n);
  finish(world, mode);
  return judge(world, mode);
}

const property = (mode: Mode, rules: Rules = goodRules) =>
  fc.property(walk, (steps) => {
    const found = run(mode, steps, rules);
    if (found.length > 0) throw new Error(found.join('; '));
  });

/** A rule that is broken on purpose: the same step, but for what it says. */
const broken: Readonly<
  Record<string, { readonly mode: Mode; readonly rules: Partial<Rules>; readonly found: RegExp }>
> = {
  'a verifier that makes no key public in time': {
    mode: 'verifier',
    rules: {
      verifier: (party, memory, event) =>
        event.kind === 'tick' && memory.state === 'open'
          ? { memory, saves: false, bills: [], effects: [] }
          : stepVerifier(party, memory, event),
    },
    found: /the verifier has \d+ of \d+/,
  },
  'a verifier that lets go of locks before they expire': {
    mode: 'verifier',
    rules: {
      verifier: (party, memory, event) =>
        stepVerifier(
          party,
          memory,
          event.kind === 'update' && event.update.adds.length === 0
            ? { ...event, now: { time: 1e9, chainTime: 1e9 } }
            : event,
        ),
    },
    found: /the verifier has \d+ of \d+/,
  },
  'a verifier that answers before its memory is durable': {
    mode: 'both',
    rules: { verifier: (...of) => ({ ...stepVerifier(...of), saves: false, bills: [] }) },
    found: /signed two states|the verifier has \d+ of \d+|left/,
  },
  'a verifier that does not challenge': {
    mode: 'verifier',
    rules: { verifier: (...of) => withoutChallenge(stepVerifier(...of)) },
    found: /an old state of the verifier|the verifier has \d+ of \d+/,
  },
  'a requester that does not challenge': {
    mode: 'requester',
    rules: { requester: (...of) => withoutChallenge(stepRequester(...of)) },
    found: /an old state of the requester|\d+ of \d+ left/,
  },
  'a requester that pays without a confirmation': {
    mode: 'requester',
    rules: {
      requester: (party, memory, event) =>
        stepRequester(party, event.kind === 'propose' ? { ...memory, bills: believed(memory.bills) } : memory, event),
    },
    found: /the requester pays/,
  },
  'a requester that signs the numbers of a backup again': {
    mode: 'both',
    rules: {
      requester: (party, memory, event) =>
        stepRequester(party, memory, event.kind === 'resume' ? { ...event, now: { time: 0, chainTime: 0 } } : event),
    },
    found: /the requester has signed two states/,
  },
};

function withoutChallenge<M, E extends { kind: string }>(step: Step<M, E>): Step<M, E> {
  return { ...step, effects: step.effects.filter(({ kind }) => kind !== 'challenge') };
}

/** The bills as if the verifier had confirmed each. */
function believed(bills: RequesterMemory['bills']): RequesterMemory['bills'] {
  const { verifier } = parties();
  return new Map(
    [...bills].map(([billId, bill]) => [
      billId,
      { ...bill, first: bill.first ?? makeStatement(verifier, bill.signed.bill, 'verifier', 'believed') },
    ]),
  );
}

describe(`the exchange, whatever happens to it (${crypto.name})`, () => {
  for (const mode of ['both', 'requester', 'verifier'] as const) {
    it(`harms nobody who keeps to the rules (honest: ${mode})`, () => {
      fc.assert(property(mode), { numRuns: 150, seed: 20261122 });
    });
  }

  for (const [what, { mode, rules, found }] of Object.entries(broken)) {
    it(`would harm by ${what}`, () => {
      const result = fc.check(property(mode, { ...goodRules, ...rules }), {
        numRuns: 3000,
        seed: 1,
        endOnFailure: true,
      });
      expect(result.failed, `in ${result.numRuns} runs`).to.equal(true);
      expect(String(result.errorInstance)).to.match(found);
    });
  }
});
