import { expect } from 'chai';
import { messageOf } from '../../../../services/app/activities/Activities.ts';
import type { Opened } from '../../../../services/app/activities/exchange/arrived.ts';
import { HeldMessages } from '../../../../services/app/activities/exchange/HeldMessages.ts';
import { activityProtocols } from '../../../../services/app/activities/exchange/items.ts';
import { NotariumError } from '../../../../services/core/errors.ts';
import { silentLogger } from '../../../../services/lib/logger.ts';
import type { Net } from '../../../../services/net/Net.ts';
import { noteOn, person, randomHash, say } from '../../../support/activityKit.ts';
import { type ActivityNode, ActivityWorld, blameless, operator, reaches } from '../../../support/activityNodes.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { activityOf, hostilePeer, sealedIn } from '../../../support/hostilePeer.ts';
import { until } from '../../../support/until.ts';

const order = { kind: 'industrial', request: 'information' } as const;

describe('messages that came too early', () => {
  let world: ActivityWorld;
  beforeEach(() => {
    world = new ActivityWorld();
  });
  afterEach(() => world.close());

  /** An activity of three, the last of whom does what it likes and never answers what it is asked for. */
  async function withSilentMember(wrapNet: (net: Net) => Net = (net) => net) {
    const settings = { requestMs: 4_000 };
    const [buyer, seller, third] = (await world.open(3, {
      settings,
      wrapNet: (net) => wrapNet(blameless(net)),
    })) as [ActivityNode, ActivityNode, ActivityNode];
    const receivers = [seller.name, third.name];
    const sent = await buyer.desk.start(operator, { ...order, receivers, body: 0 });
    await reaches(sent.message, seller, third);
    const peer = await hostilePeer(world, third);
    let asked = 0;
    peer.answers.set(activityProtocols.messages, async function* (_frames, _from, signal) {
      asked++;
      await new Promise((_resolve, reject) => signal.addEventListener('abort', reject));
      yield new Uint8Array(0);
    });
    return { buyer, seller, peer, ...sent, asked: () => asked };
  }

  it('are answered in time, though their sender gives nothing of what they build on', async () => {
    const { buyer, peer, activity, asked } = await withSilentMember();
    const place = await activityOf(buyer, activity);
    const items: string[] = [];
    for (let at = 0; at < 6; at++)
      items.push(JSON.stringify(await sealedIn(place, await noteOn(place, peer.person, randomHash()))));
    // Each of them alone takes half a minute.
    const answers = await peer.deliver(buyer, ...items);
    expect(answers.map(({ ack }) => ack?.stage)).to.deep.equal(items.map(() => 'delivered'));
    expect(await buyer.store.held(activity)).to.have.length(items.length);
    // At once, or in its turn.
    await until('it is asked', () => asked() > 0);
  });

  it('of one that gives nothing do not hold up what others wait for', async () => {
    let refusals = 3;
    const { buyer, seller, peer, activity, message, asked } = await withSilentMember((net) => {
      const real = net.handle.bind(net);
      return Object.assign(net, {
        handle: (...[protocol, handler]: Parameters<typeof real>) =>
          real(protocol, (frames, from, signal) => {
            if (protocol === activityProtocols.messages && refusals-- > 0) throw new NotariumError('peer-busy');
            return handler(frames, from, signal);
          }),
      });
    });
    const place = await activityOf(buyer, activity);
    const items: string[] = [];
    for (let at = 0; at < 40; at++) {
      const other = { activity: randomHash(), epoch: 0, group: place.group, on: randomHash() };
      items.push(JSON.stringify(await sealedIn(place, await say(peer.person, 'note', other, at))));
    }
    await peer.deliver(buyer, ...items);
    await until('it is asked', () => asked() > 0);
    const own = await seller.desk.start(operator, { ...order, receivers: [buyer.name], body: 0 });
    await reaches(own.message, buyer);
    // A note on a version that the buyer does not have: its delivery was given up.
    await buyer.close();
    const version = await seller.desk.update(operator, own.activity, { body: 1 });
    const { sealDigest } = (await seller.store.message(version.message))!;
    await seller.store.delivered([{ sealDigest, member: buyer.address, state: 'refused' }]);
    const note = await seller.desk.note(operator, own.activity, { on: version.message, body: 'early' });
    await buyer.open();
    await world.connect();
    await reaches(note.message, buyer);
    expect(refusals).to.be.lessThan(1);
    expect(await buyer.has(message)).to.equal(true);
  });

  it('tell nobody but the sender of a seal that it is known here', async () => {
    const { buyer, seller, peer } = await withSilentMember();
    // The peer has no part in it, and has got hold of it.
    const secret = await buyer.desk.start(operator, { ...order, receivers: [seller.name], body: 'secret' });
    const message = messageOf((await buyer.store.message(secret.message))!);
    const envelope = await sealedIn(await activityOf(buyer, secret.activity), message);
    for (const node of [buyer, seller]) {
      await reaches(secret.message, node);
      expect(await peer.envelope(node, envelope)).to.include({ code: 'activity-message-invalid' });
    }
  });

  it('are asked for of nobody before there is a network', async () => {
    const parts = { settings: { retryMs: 1, maxRetryMs: 1 }, logger: silentLogger } as never;
    const held = new HeldMessages(parts, new AbortController().signal);
    await expectCode('peer-unreachable', held.gather({} as Opened, [person(1).address]));
  });
});
