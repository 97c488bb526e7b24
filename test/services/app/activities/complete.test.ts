import { expect } from 'chai';
import { messageOf } from '../../../../services/app/activities/Activities.ts';
import type { ActivitySettings } from '../../../../services/app/activities/ActivityHost.ts';
import { activityProtocols, framesOf, maxListed } from '../../../../services/app/activities/exchange/items.ts';
import { signParcel } from '../../../../services/core/activities/parcel.ts';
import { NotariumError } from '../../../../services/core/errors.ts';
import { packFields } from '../../../../services/lib/activities/fieldDigests.ts';
import type { Net } from '../../../../services/net/Net.ts';
import { activityNetwork, randomHash, say, withFields } from '../../../support/activityKit.ts';
import { type ActivityNode, ActivityWorld, blameless, operator, reaches } from '../../../support/activityNodes.ts';
import { changingAnswers, deliver, sealedIn } from '../../../support/activityWire.ts';
import { hostilePeer } from '../../../support/hostilePeer.ts';
import { until } from '../../../support/until.ts';

const order = { kind: 'industrial', request: 'information' } as const;

describe('what a member of an activity lacks', () => {
  let world: ActivityWorld;
  beforeEach(() => {
    world = new ActivityWorld();
  });
  afterEach(() => world.close());

  it('and its sender did not give it, comes from another member', async () => {
    const [buyer, seller, carrier] = await world.open(3);
    const { activity, message } = await buyer.desk.start(operator, {
      ...{ ...order, receivers: [seller.name, carrier.name], body: 1 },
    });
    await reaches(message, seller, carrier);
    const first = messageOf((await buyer.store.message(message))!);
    const place = { activity, epoch: 0, group: first.head.group, on: message };
    const toSeller = await say(buyer.person, 'note', place, 'for the seller alone');
    const toCarrier = await say(buyer.person, 'note', place, 'for the carrier alone');
    await deliver(buyer, seller, [sealedIn(first, toSeller)]);
    await deliver(buyer, carrier, [sealedIn(first, toCarrier)]);
    await reaches(toSeller.id, carrier);
    await reaches(toCarrier.id, seller);
    expect((await seller.store.message(toCarrier.id))!.sealDigest).to.equal(
      (await carrier.store.message(toCarrier.id))!.sealDigest,
    );
    for (const node of [seller, carrier])
      await until('nothing is in doubt', async () => (await node.desk.show(operator, activity)).doubts.length === 0);
  });

  it('of the history that it was given with parts left out, comes from another member', async () => {
    const withheld = new Set<number>();
    const withholding = (net: Net): Net =>
      changingAnswers(net, activityProtocols.messages, (items) =>
        items.filter((item) => !withheld.has((JSON.parse(item) as { place: number }).place)),
      );
    const [buyer] = await world.open(1, { wrapNet: withholding });
    const [seller, carrier] = await world.open(2);
    const { activity, message } = await buyer.desk.start(operator, { ...order, receivers: [seller.name], body: 1 });
    const noted = await buyer.desk.note(operator, activity, { on: message, body: 'nothing builds on this' });
    await reaches(noted.message, seller);
    // The beginning, and a note.
    withheld.add(0).add(1);
    const added = await buyer.desk.changeMembers(operator, activity, {
      add: [{ party: carrier.name, role: 'receiver' }],
    });
    await reaches(added.message, seller, carrier);
    await reaches(noted.message, carrier);
    const { parcel } = await carrier.desk.message(operator, activity, noted.message);
    expect(parcel.body).to.have.property('body', 'nothing builds on this');
  });

  it('and nobody gives, is told as long as a member says that it has it', async () => {
    const claimed = new Set<string>();
    const claiming = (net: Net): Net =>
      changingAnswers(net, activityProtocols.compare, (items) =>
        claimed.size === 0 ? items : items.map(() => JSON.stringify({ ids: [...claimed] })),
      );
    const nodes = await world.open(2, { wrapNet: claiming, settings: { incompleteMs: 200 } });
    // The one with the lower address asks.
    const [honest, other] = nodes.toSorted((a, b) => (a.address < b.address ? -1 : 1)) as [ActivityNode, ActivityNode];
    const missing = randomHash();
    claimed.add(missing);
    const { activity, message } = await honest.desk.start(operator, { ...order, receivers: [other.name], body: 1 });
    await reaches(message, other);
    const problem = await until('it is told', () =>
      honest.problems.list().find(({ code }) => code === 'activity-incomplete'),
    );
    expect(problem.detail).not.to.contain(other.name).and.not.to.contain(other.address);
    const { doubts } = await honest.desk.show(operator, activity);
    expect(doubts).to.have.length(1);
    expect(doubts[0]).to.deep.include({ member: other.address, kind: 'lacking', messages: [missing] });
    claimed.clear();
    await until('it is over', () => !honest.problems.has('activity-incomplete'));
    expect((await honest.desk.show(operator, activity)).doubts).to.deep.equal([]);
  });

  /** Two members of an activity, and a next version by the first one that has gone to nobody. */
  async function withBase(settings: Partial<ActivitySettings>) {
    const nodes = await world.open(2, { settings: { incompleteMs: 200, ...settings } });
    const [buyer, seller] = nodes as [ActivityNode, ActivityNode];
    const { activity, message } = await buyer.desk.start(operator, { ...order, receivers: [seller.name], body: 1 });
    await reaches(message, seller);
    const first = messageOf((await buyer.store.message(message))!);
    const place = { activity, epoch: 0, group: first.head.group };
    const base = await say(buyer.person, 'update', { ...place, builds: [message], number: 2 }, 'base');
    return { buyer, seller, first, place, base };
  }

  it('to take what has come, is told as long as that does not come', async () => {
    const { buyer, seller, first, place, base } = await withBase({});
    const note = await say(buyer.person, 'note', { ...place, on: base.id }, 'on the base');
    await deliver(buyer, seller, [sealedIn(first, note)]);
    await until('it is told', () => seller.problems.has('activity-incomplete'));
    await deliver(buyer, seller, [sealedIn(first, base)]);
    await reaches(note.id, seller);
    await until('it is over', () => !seller.problems.has('activity-incomplete'));
  });

  it('is not what a body waits for that nobody has time to check', async () => {
    const { buyer, seller, first, place, base } = await withBase({ checkMs: -1 });
    const plain = await say(buyer.person, 'note', { ...place, on: base.id });
    const parcel = await withFields(plain, await packFields({ price: 12 }), buyer.person.signer);
    const note = await signParcel(activityNetwork, parcel, buyer.person.signer);
    await deliver(buyer, seller, [sealedIn(first, note)]);
    await until('its base is missing', () => seller.problems.has('activity-incomplete'));
    await deliver(buyer, seller, [sealedIn(first, base)]);
    await reaches(base.id, seller);
    await until('and is there', () => !seller.problems.has('activity-incomplete'));
    expect(await seller.has(note.id)).to.equal(false);
  });

  it('is found after a start, too', async () => {
    const [buyer, seller, carrier] = await world.open(3);
    const { activity, message } = await buyer.desk.start(operator, {
      ...{ ...order, receivers: [seller.name, carrier.name], body: 1 },
    });
    await reaches(message, seller, carrier);
    await carrier.close();
    const first = messageOf((await buyer.store.message(message))!);
    const place = { activity, epoch: 0, group: first.head.group, on: message };
    const note = await say(buyer.person, 'note', place, 'for the seller alone');
    await deliver(buyer, seller, [sealedIn(first, note)]);
    await Promise.all([seller.close(), buyer.close()]);
    await Promise.all([seller.open(), carrier.open(), buyer.open()]);
    await world.connect();
    await reaches(note.id, carrier, buyer);
  });

  it('keeps no other member waiting where one answers slowly, and no ids are followed that are not in their order', async () => {
    const asked: string[] = [];
    const recording = (net: Net): Net => {
      const request = net.request.bind(net);
      return Object.assign(blameless(net), {
        request: ((to, protocol, ...rest) => {
          if (protocol === activityProtocols.compare) asked.push(to);
          return request(to, protocol, ...rest);
        }) as Net['request'],
      });
    };
    const nodes = await world.open(3, { wrapNet: recording, settings: { requestMs: 120_000 } });
    const [buyer, slow, seller] = nodes.toSorted((a, b) => (a.address < b.address ? -1 : 1)) as [
      ActivityNode,
      ActivityNode,
      ActivityNode,
    ];
    const one = await buyer.desk.start(operator, { ...order, receivers: [slow.name, seller.name], body: 1 });
    const two = await buyer.desk.start(operator, { ...order, receivers: [seller.name], body: 2 });
    await reaches(one.message, slow, seller);
    await reaches(two.message, seller);
    // Two pages of the same ids; then nothing.
    const ids = Array.from({ length: maxListed }, randomHash).toSorted();
    let answers = 0;
    const silent = Promise.withResolvers<void>();
    let isGivenUp = false;
    const peer = await hostilePeer(world, slow);
    peer.answers.set(activityProtocols.compare, async function* (frames, from, signal) {
      // The seller asks it, too, at some time.
      if (from !== buyer.address) throw new NotariumError('peer-busy');
      const items = await Array.fromAsync(frames);
      if (++answers > 2) {
        silent.resolve();
        await new Promise((_resolve, reject) => signal.addEventListener('abort', reject)).finally(() => {
          isGivenUp = true;
        });
      }
      if (items.length > 0) yield* framesOf([JSON.stringify({ ids })]);
    });
    await buyer.desk.update(operator, one.activity, { body: 'x' });
    await silent.promise;
    expect(await buyer.counted('messages_refused_total', { code: 'peer-answer-invalid' })).to.be.greaterThan(0);
    const before = asked.length;
    const said = await buyer.desk.update(operator, two.activity, { body: 'y' });
    await reaches(said.message, seller);
    await until('the other member is asked', () => asked.slice(before).includes(seller.address));
    expect(isGivenUp).to.equal(false);
  });
});
