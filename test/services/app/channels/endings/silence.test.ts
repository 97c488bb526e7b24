import { expect } from 'chai';
import type { VerifierApi } from '../../../../../services/app/channels/VerifierApi.ts';
import type { Hash } from '../../../../../services/core/bytes.ts';
import { until } from '../../../../support/until.ts';
import {
  billSeconds,
  challengeSeconds,
  closingAgeSeconds,
  digestOf,
  type EndingsKit,
  endingsKit,
  endOf,
  expectContent,
  expectProof,
  preserveAll,
  price,
  type RequesterProcess,
  uploaded,
  type VerifierProcess,
} from './endingsKit.ts';
import { type FaultyWire, faultyWire, type Loss, losses, type Step, steps } from './faultyWire.ts';

/** The exchange up to a silence: `names` are preserved, the content `last` is on its way. */
type Broken = {
  readonly what: string;
  readonly step: Step | 'key';
  readonly loss: Loss;
  readonly channelId: Hash;
  readonly names: readonly string[];
  readonly last: string;
  readonly wire: FaultyWire;
  readonly side: RequesterProcess;
  readonly channel: Awaited<ReturnType<EndingsKit['open']>>;
};

/** Takes the payment, signs for it, and never says the key. */
const withholdsKeys = (api: VerifierApi): VerifierApi => ({
  ...api,
  update: async (update) => ({ ...(await api.update(update)), disclosures: [] }),
  channel: async (id) => ({ ...(await api.channel(id)), disclosures: [] }),
});

/** Every step, question and answer; and the key alone. */
const breaks: readonly { step: Step | 'key'; loss: Loss }[] = [
  ...steps.flatMap((step) => losses.map((loss) => ({ step, loss }))),
  { step: 'key', loss: 'answer' },
];

describe('endings when one side falls silent', () => {
  let kit: EndingsKit;
  let alive: VerifierProcess;
  const started: RequesterProcess[] = [];
  let made = 0;

  before(async () => {
    kit = await endingsKit();
    alive = await kit.verifier(1, 'verifier');
  });
  afterEach(async () => {
    await Promise.all(started.splice(0).map((side) => side.stop()));
  });
  after(async () => {
    await kit?.[Symbol.asyncDispose]();
  });

  /** Two contents are preserved; the exchange of the third breaks at the step. */
  async function broken(
    verifier: VerifierProcess,
    account: number,
    { step, loss }: (typeof breaks)[number],
  ): Promise<Broken> {
    const channel = await kit.open(account);
    const channelId = kit.idOf(channel);
    const what = `${step} ${loss} ${++made}`;
    let isWithheld = false;
    const wire = faultyWire(verifier.desk, (api) => ({
      ...api,
      update: (update) => (isWithheld ? withholdsKeys(api) : api).update(update),
      channel: (id) => (isWithheld ? withholdsKeys(api) : api).channel(id),
    }));
    const side = await kit.requester(channel, `requester ${what}`, wire.api);
    started.push(side);
    const names = [`first ${what}`, `second ${what}`];
    await preserveAll(verifier, channelId, side, names);
    const last = `last ${what}`;
    const item = await uploaded(verifier, channelId, last);
    const settled = { what, step, loss, channelId, names, last, wire, side, channel };
    if (step === 'key') {
      isWithheld = true;
      void side.requester.preserve(item).catch(() => undefined);
      await until('it is locked', () => side.requester.memory.ledger.locks.length === 1);
      return settled;
    }
    const cut = wire.cutAt(step, loss);
    const sent = side.requester.preserve(item).catch(() => undefined);
    if (step === 'close') {
      await sent;
      void side.requester.closeTogether().catch(() => undefined);
    }
    await cut;
    return settled;
  }

  /** The verifier has what the answer was lost to, or what the requester has signed before. */
  const lastIsPaid = ({ step, loss }: Pick<Broken, 'step' | 'loss'>): boolean =>
    !(step === 'bills' || (step === 'lock' && loss === 'question'));

  /** The verifier's newest state is on chain, and the keys of its locks are. */
  async function isAnswered(channelId: Hash): Promise<boolean> {
    const { stranger } = kit.chain;
    const status = await stranger.status(channelId);
    if (status.status === 'settled') return true;
    const { latest, locks } = await alive.desk.channel(channelId);
    const keys = await Promise.all(locks.map(({ bill }) => stranger.revealedAt(bill.keyHash)));
    return (
      status.status === 'closing' && status.version === latest!.state.version && keys.every((at) => at !== undefined)
    );
  }

  /** What was preserved is proved by either side's records, and the verifier has the contents still. */
  async function expectEvidence({ channelId, names, last, side, step }: Broken, isPaid: boolean): Promise<void> {
    for (const name of names) {
      await expectProof(kit, await side.receipt(digestOf(name)), name);
      await expectProof(kit, await alive.desk.receipt(channelId, digestOf(name)), name);
      await expectContent(alive, channelId, name);
    }
    if (!isPaid) return;
    await expectContent(alive, channelId, last);
    // Who withholds the key withholds its statement too: its amount is the one that was in flight.
    if (step !== 'key') await expectProof(kit, await side.receipt(digestOf(last)), last);
  }

  it('of the verifier, which does its duties on chain: it gets what it has confirmed, and no more', async () => {
    const all = await Promise.all(breaks.map((each) => broken(alive, 1, each)));
    const ends = all.map(({ side, channelId }) => side.settlement.end(channelId, 'alone'));
    // It hands its own newest state in, and makes the keys of its locks public.
    await Promise.all(
      all.map(({ channelId, what }) =>
        until(`the verifier has answered on chain: ${what}`, () => isAnswered(channelId)),
      ),
    );
    // It speaks again: what it has confirmed and was not heard is confirmed now.
    for (const { wire } of all) wire.heal();
    await Promise.all(
      all.map(({ side, step, what, channelId }) =>
        until(`it is confirmed: ${what}`, async () => {
          const { ledger, bills } = side.requester.memory;
          const { latest } = await alive.desk.channel(channelId);
          if (step === 'key') return true;
          return (
            ledger.version === latest!.state.version && ledger.locks.every(({ billId }) => bills.get(billId)?.first)
          );
        }),
      ),
    );
    await kit.pass(challengeSeconds + 1);
    await Promise.all(ends);
    for (const each of all) {
      const isPaid = lastIsPaid(each);
      expect(await endOf(kit, each.channelId), each.what).to.deep.equal({
        paid: price * (isPaid ? 3n : 2n),
        count: isPaid ? 3 : 2,
      });
      await expectEvidence(each, isPaid);
    }
  });

  it('of the verifier for ever: nothing is paid that it has not confirmed, and the rest comes back', async () => {
    const dead = await kit.verifier(3, 'dead verifier');
    const all = await Promise.all(breaks.map((each) => broken(dead, 3, each)));
    await dead.stop();
    const ends = all.map(({ side, channelId }) => side.settlement.end(channelId, 'alone'));
    await Promise.all(
      all.map(({ channelId }) =>
        until('it closes', async () => {
          const { status } = await kit.chain.stranger.status(channelId);
          return status === 'closing' || status === 'settled';
        }),
      ),
    );
    await kit.pass(challengeSeconds + 1);
    await Promise.all(ends);
    for (const each of all) {
      // Only what both have folded: a lock pays with a key on chain, and nobody is there to put it there.
      const isPaid = each.step === 'close';
      expect(await endOf(kit, each.channelId), each.what).to.deep.equal({
        paid: price * (isPaid ? 3n : 2n),
        count: isPaid ? 3 : 2,
      });
      for (const name of isPaid ? [...each.names, each.last] : each.names)
        await expectProof(kit, await until('its receipt', () => each.side.receipt(digestOf(name))), name);
    }
  });

  it('of the requester for ever: the verifier gets what it has confirmed, by the chain and in time', async () => {
    // Time jumped before while its transactions were under way: it would keep to a greater distance from every expiry.
    await alive.stop();
    alive = await kit.verifier(1, 'verifier');
    const all = await Promise.all(breaks.filter(({ step }) => step !== 'key').map((each) => broken(alive, 1, each)));
    await Promise.all(started.splice(0).map((side) => side.stop()));
    const locked = all.filter(({ step, loss }) => (step === 'lock' && loss === 'answer') || (step === 'fold' && loss === 'question')); // biome-ignore format: one condition
    expect(locked).to.have.length(2);
    await kit.pass(billSeconds - billSeconds / 4 - 60);
    for (const { channelId } of locked) expect((await kit.chain.stranger.status(channelId)).status).to.equal('open');
    await kit.pass(61);
    await Promise.all(
      locked.map(({ channelId, what }) => until(`it closes in time: ${what}`, () => isAnswered(channelId))),
    );
    // The others have no lock that would expire: they are too old one day.
    await kit.pass(closingAgeSeconds);
    await Promise.all(
      all.map(({ channelId, what }) =>
        until(`it closes: ${what}`, async () => (await kit.chain.stranger.status(channelId)).status !== 'open'),
      ),
    );
    await kit.pass(challengeSeconds + 1);
    for (const each of all) {
      const isPaid = lastIsPaid(each);
      expect(await endOf(kit, each.channelId), each.what).to.deep.equal({
        paid: price * (isPaid ? 3n : 2n),
        count: isPaid ? 3 : 2,
      });
    }
    // It comes back after the end: what is proved is proved to it as well.
    for (const each of all) {
      const side = await kit.requester(each.channel, `requester ${each.what}`, alive.desk);
      started.push(side);
      await until('it knows the end', () => side.requester.memory.state === 'settled');
      await expectEvidence({ ...each, side }, lastIsPaid(each));
    }
  });
});
