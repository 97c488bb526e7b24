import { randomBytes } from 'node:crypto';
import { x25519 } from '@noble/curves/ed25519.js';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { expect } from 'chai';
import { messageOf } from '../../../../services/app/activities/Activities.ts';
import { type Activity, membersOf } from '../../../../services/core/activities/activity.ts';
import { type Message, messageDigest } from '../../../../services/core/activities/parcel.ts';
import { startActivity, takeMessage } from '../../../../services/core/activities/takeMessage.ts';
import { type Hash, toHex } from '../../../../services/core/bytes.ts';
import type { ActivityStore } from '../../../../services/store/activities/ActivityStore.ts';
import {
  activityNetwork,
  changeMembers,
  leave,
  memberFor,
  noteOn,
  type Person,
  propose,
  randomHash,
  randomKey,
  update,
  vote,
} from '../../../support/activityKit.ts';
import { type ActivityNode, ActivityWorld, blameless, operator, reaches } from '../../../support/activityNodes.ts';
import { deliver, sealedIn } from '../../../support/activityWire.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { until } from '../../../support/until.ts';

const order = { kind: 'industrial', request: 'information' } as const;
// What is refused here is meant to be sent again and again.
const patient = { wrapNet: blameless };
const lowOrderKey = `0x01${'00'.repeat(31)}` as Hash;

describe('changes of the members of an activity that come between others', () => {
  let world: ActivityWorld;
  beforeEach(() => {
    world = new ActivityWorld();
  });
  afterEach(() => world.close());

  async function begun(nodes: readonly ActivityNode[]): Promise<{ activity: Hash; first: Message; old: Activity }> {
    const [buyer, ...others] = nodes as [ActivityNode, ...ActivityNode[]];
    const receivers = others.map(({ name }) => name);
    const { activity, message } = await buyer.desk.start(operator, { ...order, receivers, body: 'one' });
    await reaches(message, ...others);
    const first = messageOf((await buyer.store.message(message))!);
    return { activity, first, old: startActivity(first) };
  }
  const namesIn = async (node: ActivityNode, activity: Hash): Promise<string[]> =>
    (await node.desk.show(operator, activity)).members.map(({ name }) => name!).toSorted();
  const agree = (nodes: readonly ActivityNode[], activity: Hash, names: readonly string[]) =>
    until('all have the same members', async () => {
      const all = await Promise.all(nodes.map((node) => node.state(activity)));
      const have = await Promise.all(nodes.map((node) => namesIn(node, activity)));
      return (
        have.every((each) => each.join() === names.toSorted().join()) &&
        all.every(({ epoch, members }) => epoch === all[0]!.epoch && sameKeys(members, all[0]!.members))
      );
    });
  const sameKeys = (some: readonly { key: Hash }[], others: readonly { key: Hash }[]): boolean =>
    some.every(({ key }, index) => key === others[index]!.key);

  /** All that a member can say in an epoch, and in those that it opens after that by keys of its own. */
  async function saidOfBefore(old: Activity, by: Person): Promise<{ opener: Message | undefined; message: Message }[]> {
    const said: { opener: Message | undefined; message: Message }[] = [];
    let [view, opener]: [Activity, Message | undefined] = [old, undefined];
    for (let epoch = 0; epoch < 3; epoch++) {
      const [head] = view.heads as [Hash];
      const { members } = membersOf(view);
      const other = members.find(({ address, role }) => address !== by.address && role === 'receiver')!.address;
      const proposal = await propose(view, by, { remove: other });
      const withProposal = takeMessage(activityNetwork, view, proposal);
      const messages = [
        await update(view, by),
        await update(view, by, [randomHash()]),
        await noteOn(view, by, head),
        proposal,
        await vote(withProposal, by, proposal.id),
        await leave(view, by),
        await changeMembers(view, by, members, { heads: [] }),
        await changeMembers(view, by, { remove: other }),
        await changeMembers(view, by, { remove: other }, { proposal: { id: proposal.id, votes: [] } }),
      ];
      for (const message of messages)
        said.push({ opener: message.head.type === 'members' ? message : opener, message });
      const own = members.map((one) => (one.address === by.address ? { ...one, key: randomKey() } : one));
      const rekeyed = await changeMembers(view, by, own);
      said.push({ opener: rekeyed, message: rekeyed });
      [view, opener] = [takeMessage(activityNetwork, view, rekeyed), rekeyed];
    }
    return said;
  }

  it('whoever was removed reads nothing later, whatever it says about the time before', async () => {
    const [buyer, seller, mallory] = await world.open(3, patient);
    const { activity, first, old } = await begun([buyer, seller, mallory]);
    const removal = await buyer.desk.changeMembers(operator, activity, { remove: [mallory.name] });
    await reaches(removal.message, seller);
    const two = await buyer.desk.update(operator, activity, { body: 'two' });
    await reaches(two.message, seller);
    const rekeyed = membersOf(old).members.map((one) =>
      one.address === mallory.address ? { ...one, key: randomKey() } : one,
    );
    let evil: Message;
    do evil = await changeMembers(old, mallory.person, rekeyed);
    while (evil.id >= removal.message);
    for (const to of [buyer, seller]) {
      const [answer] = await deliver(mallory, to, [sealedIn(evil)]);
      expect(answer).to.have.property('code', 'activity-epoch-stale');
    }
    const lies = await saidOfBefore(old, mallory.person);
    // The last one is the answer of whom it would remove: it is not sealed to that one.
    const codes = ['activity-epoch-stale', 'activity-role', 'activity-message-unreadable'];
    for (const to of [buyer, seller])
      for (const { opener, message } of lies) {
        const [answer] = await deliver(mallory, to, [sealedIn(opener ?? first, message)]);
        // Or it waits for what there is not: the epochs that only these changes would open.
        if (answer!.ack === undefined) expect(answer!.code, message.head.type).to.be.oneOf(codes);
        else expect(answer).to.have.nested.property('ack.stage', 'delivered');
      }
    const three = await buyer.desk.update(operator, activity, { body: 'not for mallory' });
    await reaches(three.message, seller);
    for (const node of [buyer, seller]) {
      expect(await namesIn(node, activity)).to.deep.equal([buyer.name, seller.name]);
      expect((await node.desk.show(operator, activity)).heads).to.deep.equal([three.message]);
      expect(await node.store.known([evil.id, ...lies.map(({ message }) => message.id)])).to.deep.equal(new Set());
    }
    const sentTo = (await buyer.desk.deliveries(operator, activity, three.message)).map(({ member }) => member);
    expect(sentTo).to.deep.equal([seller.address]);
    expect(await mallory.has(three.message)).to.equal(false);
  });

  it('whoever was removed and has not heard of it sees that the others refuse what it says', async () => {
    const [buyer, seller, carrier] = await world.open(3, patient);
    const { activity, message: first } = await buyer.desk.start(operator, {
      ...order,
      ...{ receivers: [seller.name, carrier.name], body: 'one' },
    });
    await reaches(first, seller, carrier);
    expect((await carrier.desk.show(operator, activity)).refused).to.deep.equal([]);
    const removal = await buyer.desk.changeMembers(operator, activity, { remove: [carrier.name] });
    await reaches(removal.message, seller);
    const said = await carrier.desk.note(operator, activity, { on: first, body: 'still here' });
    await until(
      'the others have refused it',
      async () => (await carrier.desk.show(operator, activity)).refused.join() === said.message,
    );
    expect((await buyer.desk.show(operator, activity)).refused).to.deep.equal([]);
  });

  it('what whoever was removed says is not opened again before the members have changed', async () => {
    let looked = 0;
    let emptyInARow = 0;
    const counting = (store: ActivityStore): ActivityStore => ({
      ...store,
      held: async (...query) => {
        const held = await store.held(...query);
        looked += held.length;
        emptyInARow = held.length === 0 ? emptyInARow + 1 : 0;
        return held;
      },
    });
    const [buyer] = await world.open(1, { wrapStore: counting, ...patient });
    const [seller, mallory, other] = await world.open(3, patient);
    const { activity, first, old } = await begun([buyer, seller, mallory]);
    const removal = await buyer.desk.changeMembers(operator, activity, { remove: [mallory.name] });
    await reaches(removal.message, seller);
    const late = [await noteOn(old, mallory.person, first.id), await noteOn(old, mallory.person, first.id)];
    for (const note of late) await deliver(mallory, buyer, [sealedIn(first, note)]);
    const lookedAt = async (since: number) => {
      await until('each was looked at', () => looked >= since + late.length);
      emptyInARow = 0;
      await until('it is looked for more, and nothing found that is new', () => emptyInARow >= 3);
      // Once when something comes, and once when it is time to ask for what is missing: both may have begun at the same moment.
      expect(looked - since).to.be.within(late.length, 2 * late.length);
    };
    await lookedAt(0);
    const before = looked;
    for (let count = 0; count < 3; count++) {
      const { message } = await seller.desk.note(operator, activity, { on: first.id, body: 'seen' });
      await reaches(message, buyer);
    }
    emptyInARow = 0;
    await until('it was looked for more', () => emptyInARow >= 3);
    expect(looked).to.equal(before);
    const asked = { add: [{ party: other.name, role: 'receiver' as const }] };
    await buyer.desk.changeMembers(operator, activity, asked);
    await lookedAt(before);
    expect(await buyer.store.held(activity)).to.have.length(late.length);
  });

  it('whoever was removed, and does not know it, is not heard in the epochs that it opens by new keys', async () => {
    const [buyer, seller, gone] = await world.open(3);
    const { activity, first } = await begun([buyer, seller, gone]);
    await gone.close();
    const removal = await buyer.desk.changeMembers(operator, activity, { remove: [gone.name] });
    await reaches(removal.message, seller);
    for (const epoch of [1, 2]) {
      const secret = new Uint8Array(randomBytes(32));
      gone.secrets = [secret, ...gone.secrets];
      gone.registered = { ...gone.registered, encryptionKey: toHex(x25519.getPublicKey(secret)) };
      // Nobody can be reached yet.
      await gone.open();
      await until('its key is in the activity', async () => (await gone.state(activity)).epoch === epoch);
      if (epoch === 1) await gone.close();
    }
    const late = await gone.desk.update(operator, activity, { body: 'late', builds: [first.id] });
    await gone.desk.note(operator, activity, { on: first.id, body: 'late' });
    await world.connect();
    const seal = (await gone.store.message(late.message))!.sealDigest;
    await until('both hold it', async () => {
      const held = await Promise.all([buyer, seller].map((node) => node.store.held(activity)));
      return held.every((some) => some.some(({ sealDigest }) => sealDigest === seal));
    });
    for (const node of [buyer, seller]) {
      expect(await node.has(late.message)).to.equal(false);
      expect((await node.state(activity)).epoch).to.equal(1);
      const { versions, heads } = await node.desk.show(operator, activity);
      expect(heads).to.deep.equal([first.id]);
      expect(versions.flatMap(({ notes }) => notes)).to.deep.equal([]);
    }
    // And nobody is kept from going on.
    const next = await seller.desk.update(operator, activity, { body: 'two' });
    // It is on the disk a moment before it is in the activity.
    const headsNow = async () => (await buyer.state(activity)).heads;
    await until('it is taken in', async () => !(await headsNow()).includes(first.id));
    expect(await headsNow()).to.deep.equal([next.message]);
  });

  it('a removal and a new key at the same time both hold in the end', async () => {
    const [buyer, seller, mallory] = await world.open(3);
    const { activity } = await begun([buyer, seller, mallory]);
    await seller.close();
    await buyer.desk.changeMembers(operator, activity, { remove: [mallory.name] });
    const secret = new Uint8Array(randomBytes(32));
    const key = toHex(x25519.getPublicKey(secret));
    seller.secrets = [secret, seller.person.secret];
    seller.registered = { ...seller.registered, encryptionKey: key };
    // Nobody can be reached yet: it changes the members that it knows.
    await seller.open();
    await until('it has made an epoch of its own', async () => (await seller.state(activity)).epoch === 1);
    await world.connect();
    await agree([buyer, seller], activity, [buyer.name, seller.name]);
    await until('its new key is known all the same', async () => {
      const { members } = await buyer.state(activity);
      return members.some((member) => member.key === key);
    });
    expect(await namesIn(buyer, activity)).to.deep.equal([buyer.name, seller.name]);
  });

  it('what was approved is carried out, also where the initiator has changed the members meanwhile', async () => {
    const nodes = await world.open(5);
    const [buyer, seller, carrier, insurer, bank] = nodes;
    const { activity } = await begun([buyer, seller, carrier]);
    await buyer.close();
    const proposed = await seller.desk.propose(operator, activity, { add: { party: insurer.name, role: 'receiver' } });
    await reaches(proposed.message, carrier);
    await carrier.desk.vote(operator, activity, { on: proposed.message, approve: true });
    await agree([seller, carrier, insurer], activity, [buyer.name, seller.name, carrier.name, insurer.name]);
    await expectCode(
      'activity-epoch-stale',
      seller.desk.vote(operator, activity, { on: proposed.message, approve: false }),
    );
    await buyer.open();
    const added = await buyer.desk.changeMembers(operator, activity, {
      add: [{ party: bank.name, role: 'regulator' }],
    });
    await world.connect();
    await reaches(added.message, seller, carrier, bank);
    await agree(
      nodes,
      activity,
      nodes.map(({ name }) => name),
    );
    const next = await insurer.desk.update(operator, activity, { body: 'from the insurer' });
    await reaches(next.message, ...nodes);
  });

  it('a key to which nothing can be sealed is no key of a member, nor is one of another node', async () => {
    const [buyer, seller, mallory, broken] = await world.open(4, patient);
    const { activity, first, old } = await begun([buyer, seller, mallory]);
    const low = membersOf(old).members.map((one) =>
      one.address === mallory.address ? { ...one, key: lowOrderKey } : one,
    );
    const rekey = await changeMembers(old, mallory.person, low);
    for (const to of [buyer, seller]) {
      const [answer] = await deliver(mallory, to, [sealedIn(first, rekey)]);
      expect(answer).to.have.property('code', 'activity-message-invalid');
    }
    const next = await buyer.desk.update(operator, activity, { body: 'two' });
    await reaches(next.message, seller);
    broken.registered = { ...broken.registered, encryptionKey: lowOrderKey };
    await expectCode('party-unfit', buyer.desk.start(operator, { ...order, receivers: [broken.name], body: 1 }));
    broken.registered = { ...broken.registered, encryptionKey: broken.person.key };
    // Mallory would read what is meant for the other one.
    const stolen = { ...memberFor(broken.person, 'receiver'), key: mallory.person.key };
    const proposal = await propose(old, mallory.person, { add: stolen });
    await deliver(mallory, seller, [sealedIn(first, proposal)]);
    await reaches(proposal.id, seller);
    const { proposals } = await seller.desk.show(operator, activity);
    expect(proposals.map(({ hasOtherKey }) => hasOtherKey)).to.deep.equal([true]);
    await expectCode('party-unfit', seller.desk.vote(operator, activity, { on: proposal.id, approve: true }));
    await seller.desk.vote(operator, activity, { on: proposal.id, approve: false });
    await expectCode(
      'activity-message-known',
      seller.desk.vote(operator, activity, { on: proposal.id, approve: false }),
    );
  });

  it('what a member has said before it was removed counts for all as soon as one of them has it', async () => {
    const [buyer, seller, carrier] = await world.open(3);
    const { activity, first } = await begun([buyer, seller, carrier]);
    await buyer.close();
    const noted = await carrier.desk.note(operator, activity, { on: first.id, body: 'said in time' });
    await reaches(noted.message, seller);
    await carrier.close();
    await buyer.open();
    // It does not know of the note yet.
    const removal = await buyer.desk.changeMembers(operator, activity, { remove: [carrier.name] });
    await world.connect();
    await reaches(removal.message, seller);
    await reaches(noted.message, buyer);
    for (const node of [buyer, seller])
      expect((await node.desk.show(operator, activity)).versions[0]!.notes).to.deep.equal([noted.message]);
  });

  it('a certificate is made by another one where the sender of the version is away, and says who has not signed', async () => {
    const [buyer, seller, carrier] = await world.open(3);
    const { activity, message } = await buyer.desk.start(operator, {
      ...{ kind: 'industrial', request: 'trust', receivers: [seller.name, carrier.name], body: 'one' },
    });
    await reaches(message, seller, carrier);
    const version = await seller.desk.update(operator, activity, { body: 'two' });
    await reaches(version.message, buyer, carrier);
    await buyer.desk.countersign(operator, activity, version.message);
    await until('the seller has signed', async () => {
      const { versions } = await buyer.desk.show(operator, activity);
      return versions[1]!.countersigned.length === 2;
    });
    await buyer.desk.changeMembers(operator, activity, { remove: [carrier.name] });
    const certificate = await until('the certificate', () =>
      buyer.desk.certificate(operator, activity, version.message),
    );
    expect(certificate.members).to.have.members([buyer.address, seller.address, carrier.address]);
    expect(certificate.signatures.map((each) => each.member)).to.have.members([buyer.address, seller.address]);

    const second = await seller.desk.update(operator, activity, { body: 'three' });
    await reaches(second.message, buyer);
    await until('its sender has signed', async () => {
      const { versions } = await buyer.desk.show(operator, activity);
      return versions.find(({ id }) => id === second.message)!.countersigned.includes(seller.address);
    });
    await seller.close();
    await buyer.desk.countersign(operator, activity, second.message);
    const byBuyer = await until('the certificate, without the sender of the version', () =>
      buyer.desk.certificate(operator, activity, second.message),
    );
    expect(byBuyer.signatures).to.have.length(2);
  });

  it('whoever leaves is let go though the first one to do so is away, and nobody says anything', async () => {
    const [buyer, seller, carrier] = await world.open(3);
    const { activity } = await begun([buyer, seller, carrier]);
    await buyer.close();
    const left = await carrier.desk.leave(operator, activity);
    await reaches(left.message, seller);
    await agree([seller], activity, [buyer.name, seller.name]);
    await buyer.open();
    await world.connect();
    await agree([buyer, seller], activity, [buyer.name, seller.name]);
  });

  it('a message that its sender has signed twice has two seals, and the second one is told and not acknowledged', async () => {
    const [buyer, seller] = await world.open(2, patient);
    const { activity, first, old } = await begun([buyer, seller]);
    const one = await update(old, seller.person);
    const digest = messageDigest(activityNetwork, one.head, one.id);
    const entropy = { prehash: false, format: 'recovered', extraEntropy: true } as const;
    const [recovery, ...rs] = secp256k1.sign(digest, new Uint8Array(32).fill(2), entropy);
    const again = { ...one, signature: toHex(Uint8Array.from([...rs, 27 + recovery!])) };
    expect(again.signature).to.not.equal(one.signature);
    const [taken] = await deliver(seller, buyer, [sealedIn(first, one)]);
    expect(taken).to.have.property('ack');
    const [refused] = await deliver(seller, buyer, [sealedIn(first, again)]);
    expect(refused).to.have.property('code', 'activity-forked');
    const told = async () =>
      (await buyer.desk.show(operator, activity)).doubts.map(({ member, kind }) => [member, kind]);
    expect(await told()).to.deep.equal([[seller.address, 'forked']]);
    // They compare what they have, and have the same.
    await reaches(one.id, seller);
    const next = await seller.desk.update(operator, activity, { body: 'next' });
    await reaches(next.message, buyer);
    expect(await told()).to.deep.equal([[seller.address, 'forked']]);
  });
});
