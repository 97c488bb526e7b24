import { randomBytes } from 'node:crypto';
import { x25519 } from '@noble/curves/ed25519.js';
import { expect } from 'chai';
import { type Hash, toHex } from '../../../../services/core/bytes.ts';
import { type ActivityNode, ActivityWorld, operator, reaches } from '../../../support/activityNodes.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { until } from '../../../support/until.ts';

const order = { kind: 'industrial', request: 'information' } as const;

describe('members of activities', function () {
  this.timeout(60_000);
  let world: ActivityWorld;
  let nodes: [ActivityNode, ActivityNode, ActivityNode, ActivityNode];
  beforeEach(async () => {
    world = new ActivityWorld();
    nodes = (await world.open(4)) as typeof nodes;
  });
  afterEach(() => world.close());

  /** Buyer and seller, with three versions. */
  async function begun(history: boolean): Promise<{ activity: Hash; messages: Hash[] }> {
    const [buyer, seller] = nodes;
    const { activity, message } = await buyer.desk.start(operator, {
      ...{ ...order, rules: { history }, receivers: [seller.name], body: { step: 1 } },
    });
    const second = await buyer.desk.update(operator, activity, { body: { step: 2 } });
    await reaches(second.message, seller);
    const third = await seller.desk.update(operator, activity, { body: { step: 3 } });
    await reaches(third.message, buyer);
    return { activity, messages: [message, second.message, third.message] };
  }

  it('that join later are given what was before, where the rules say so', async () => {
    const [buyer, seller, carrier] = nodes;
    const { activity, messages } = await begun(true);
    const changed = await buyer.desk.changeMembers(operator, activity, {
      add: [{ party: carrier.name, role: 'receiver' }],
    });
    await reaches(changed.message, seller, carrier);
    await reaches(messages[2]!, carrier);
    expect(await carrier.state(activity)).to.deep.equal(await buyer.state(activity));
    const first = await carrier.desk.message(operator, activity, messages[0]!);
    expect(first.sealDigest, 'the seal that the log has').to.equal(
      (await buyer.desk.message(operator, activity, messages[0]!)).sealDigest,
    );
    const next = await carrier.desk.update(operator, activity, { body: { step: 4 } });
    await reaches(next.message, buyer, seller);
    await carrier.close();
    await carrier.open();
    expect(await carrier.state(activity)).to.deep.equal(await buyer.state(activity));
  });

  it('that join later are given nothing from before, where the rules say so, and where it stands to build on', async () => {
    const [buyer, seller, carrier] = nodes;
    const { activity, messages } = await begun(false);
    const changed = await buyer.desk.changeMembers(operator, activity, {
      add: [{ party: carrier.name, role: 'receiver' }],
    });
    await reaches(changed.message, seller, carrier);
    const base = await until('it has where it stands', async () => (await carrier.state(activity)).heads[0]);
    const { parcel, sender } = await carrier.desk.message(operator, activity, base);
    expect(parcel.body).to.have.property('body').that.deep.equals({ step: 3 });
    expect(sender).to.equal(buyer.address);
    expect(parcel.head).to.include({ type: 'update', number: 4 });
    expect((await carrier.store.known(messages)).size).to.equal(0);
    const own = await carrier.desk.update(operator, activity, { body: { step: 5 } });
    await reaches(own.message, buyer, seller);
    expect((await buyer.desk.show(operator, activity)).heads).to.deep.equal([own.message]);
    await carrier.close();
    await carrier.open();
    expect((await carrier.desk.show(operator, activity)).heads).to.deep.equal([own.message]);
  });

  it('that are removed read nothing newer, and nothing of theirs is taken; added again, they are back', async () => {
    const [buyer, seller, carrier] = nodes;
    const { activity } = await begun(false);
    const added = await buyer.desk.changeMembers(operator, activity, {
      add: [{ party: carrier.name, role: 'receiver' }],
    });
    await reaches(added.message, seller, carrier);
    await reaches((await buyer.desk.update(operator, activity, { body: { step: 4 } })).message, seller, carrier);
    const removed = await buyer.desk.changeMembers(operator, activity, { remove: [carrier.name] });
    await reaches(removed.message, seller);
    const secret = await buyer.desk.update(operator, activity, { body: { step: 'without the carrier' } });
    await reaches(secret.message, seller);
    expect(await carrier.has(removed.message)).to.equal(false);
    const stale = await carrier.desk.update(operator, activity, { body: { step: 'too late' } });
    await until('the others refuse it', async () => {
      const states = await carrier.desk.deliveries(operator, activity, stale.message);
      return states.length === 2 && states.every(({ problem }) => problem?.code === 'activity-epoch-stale');
    });
    expect(await buyer.has(stale.message)).to.equal(false);
    const again = await buyer.desk.changeMembers(operator, activity, {
      add: [{ party: carrier.name, role: 'receiver' }],
    });
    await reaches(again.message, seller, carrier);
    expect(await carrier.has(secret.message), 'what was said meanwhile').to.equal(false);
    const base = (await buyer.state(activity)).heads[0]!;
    await reaches(base, carrier);
    const back = await carrier.desk.update(operator, activity, { body: { step: 'back' }, builds: [base] });
    await reaches(back.message, buyer, seller);
    await carrier.close();
    await carrier.open();
    expect((await carrier.desk.show(operator, activity)).epoch).to.equal(3);
    expect((await carrier.desk.show(operator, activity)).versions.map(({ id }) => id)).to.contain(back.message);
  });

  it('propose and vote; the proposer carries it out; a regulator may do neither, nor update', async () => {
    const [buyer, seller, carrier, regulator] = nodes;
    const { activity, message } = await buyer.desk.start(operator, {
      ...{ ...order, receivers: [seller.name, carrier.name], body: 1 },
    });
    await reaches(message, seller, carrier);
    await expectCode(
      'activity-role',
      seller.desk.changeMembers(operator, activity, { add: [{ party: regulator.name, role: 'regulator' }] }),
    );
    const proposed = await seller.desk.propose(operator, activity, {
      add: { party: regulator.name, role: 'regulator' },
    });
    await reaches(proposed.message, buyer, carrier);
    await expectCode('activity-role', seller.desk.changeMembers(operator, activity, { proposal: proposed.message }));
    await carrier.desk.vote(operator, activity, { on: proposed.message, approve: true });
    await until(
      'the regulator is in',
      async () => (await regulator.desk.list(operator, { limit: 1 })).items.length === 1,
    );
    await reaches(message, regulator);
    await until('all see the same members', async () => {
      const states = await Promise.all(nodes.map((node) => node.state(activity).catch(() => undefined)));
      return states.every((state) => state?.epoch === 1 && state.members.length === 4);
    });
    await expectCode('activity-role', regulator.desk.update(operator, activity, { body: 2 }));
    await expectCode('activity-role', regulator.desk.propose(operator, activity, { remove: seller.name }));
    const noted = await regulator.desk.note(operator, activity, { on: message, body: 'seen' });
    await reaches(noted.message, buyer, seller, carrier);
    const left = await carrier.desk.leave(operator, activity);
    await reaches(left.message, buyer, seller, regulator);
    await expectCode('activity-not-member', carrier.desk.update(operator, activity, { body: 3 }));
    expect((await carrier.desk.show(operator, activity)).role).to.equal(undefined);
  });

  it('with a new key get what was queued for the old one, sealed anew, and tell the others', async () => {
    const [buyer, seller] = nodes;
    const { activity } = await begun(true);
    await seller.close();
    const queued = await buyer.desk.update(operator, activity, { body: { step: 4 } });
    const secret = new Uint8Array(randomBytes(32));
    const key = toHex(x25519.getPublicKey(secret));
    // The old key is lost.
    seller.secrets = [secret];
    seller.registered = { ...seller.registered, encryptionKey: key };
    await seller.open();
    await world.connect();
    await reaches(queued.message, seller);
    // As a node that was stopped before it had told anybody.
    await seller.close();
    seller.secrets = [secret, seller.person.secret];
    await seller.open();
    await world.connect();
    await until('the buyer knows the new key', async () => {
      const { members } = await buyer.desk.show(operator, activity);
      return members.some((member) => member.key === key);
    });
    const next = await buyer.desk.update(operator, activity, { body: { step: 5 } });
    await reaches(next.message, seller);
  });
});
