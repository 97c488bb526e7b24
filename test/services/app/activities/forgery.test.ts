import { expect } from 'chai';
import { messageOf } from '../../../../services/app/activities/Activities.ts';
import type { Activity } from '../../../../services/core/activities/activity.ts';
import { signTrust } from '../../../../services/core/activities/certificate.ts';
import type { Membership } from '../../../../services/core/activities/members.ts';
import type { Message } from '../../../../services/core/activities/parcel.ts';
import type { Hash } from '../../../../services/core/bytes.ts';
import { Sealer } from '../../../../services/lib/activities/seal.ts';
import {
  activityNetwork,
  agreementOn,
  certify,
  changeMembers,
  countersign,
  memberFor,
  noteOn,
  person,
  randomHash,
  say,
} from '../../../support/activityKit.ts';
import { type ActivityNode, ActivityWorld, blameless, operator, reaches } from '../../../support/activityNodes.ts';
import { activityOf, type HostilePeer, hostilePeer, sealedIn } from '../../../support/hostilePeer.ts';

const order = { kind: 'industrial', request: 'both' } as const;
const sealer = new Sealer();

describe('a hostile member', () => {
  let world: ActivityWorld;
  let buyer: ActivityNode;
  let seller: ActivityNode;
  let thief: HostilePeer;
  let id: Hash;
  let first: Hash;
  let activity: Activity;

  before(async () => {
    world = new ActivityWorld();
    // Blame would cut the thief off before it has tried everything.
    const [one, two, three] = await world.open(3, { wrapNet: blameless });
    [buyer, seller] = [one, two];
    const sent = await buyer.desk.start(operator, { ...order, receivers: [seller.name, three.name], body: 'secret' });
    ({ activity: id, message: first } = sent);
    await reaches(first, seller, three);
    thief = await hostilePeer(world, three);
    activity = await activityOf(buyer, id);
  });
  after(() => world.close());

  /** What the seller says to a message of the thief's; that it changes nothing there. */
  async function refusedBy(node: ActivityNode, message: Message, place: Activity = activity): Promise<string> {
    const before = await node.state(id);
    const { code } = await thief.envelope(node, await sealedIn(place, message));
    expect(await node.state(id)).to.deep.equal(before);
    expect(await node.has(message.id)).to.equal(false);
    if (code === undefined) throw new Error('it was taken');
    expect(await node.counted('messages_refused_total', { code })).to.be.greaterThan(0);
    return code;
  }

  /** The epoch that a change of members would make. */
  function placeOf({ head, id: by }: Message, membership?: Membership): Activity {
    if (head.type !== 'members') throw new Error('no change of members');
    const opened = { membership: membership ?? head.membership, secret: head.secret, by, heads: [] };
    const epoch = { ...activity.epochs.get(activity.group)!, ...opened };
    return { ...activity, epochs: new Map([[head.group, epoch]]) };
  }

  it('cannot say what another one has not said, by whatever part of it is its own', async () => {
    const head = { activity: id, epoch: 0, group: activity.group, on: first };
    const as = { head: { sender: buyer.address } };
    const bySelf = await say(thief.person, 'note', head, 'forged', as);
    expect(await refusedBy(seller, bySelf)).to.equal('activity-message-invalid');
    const real = messageOf((await buyer.store.message(first))!);
    for (const changed of [
      { ...real, head: { ...real.head, time: '2026-11-22T05:00:00.001Z' } },
      { ...real, body: { ...real.body, body: 'other' } as never },
      { ...real, body: { ...real.body, salt: randomHash() } },
      { ...real, attachments: { ...real.attachments, salt: randomHash() } },
      { ...real, signature: bySelf.signature },
    ]) {
      const { code } = await thief.envelope(seller, await sealedIn(activity, changed as Message));
      expect(code).to.equal('activity-message-invalid');
    }
  });

  it('cannot bring an old message into another group, epoch or network', async () => {
    const other = await buyer.desk.start(operator, {
      ...order,
      receivers: [seller.name, world.nodes[2]!.name],
      body: 'other',
    });
    await reaches(other.message, seller);
    const elsewhere = await activityOf(buyer, other.activity);
    const own = await noteOn(activity, thief.person, first);
    // Sealed as one of the other group: same members, another secret.
    const { secret, membership } = elsewhere.epochs.get(elsewhere.group)!;
    const sealed = await sealer.seal(own, secret, membership.members);
    expect((await thief.envelope(seller, { sealed })).code).to.equal('activity-message-invalid');
    const { head } = own;
    for (const changes of [
      { activity: other.activity },
      { activity: other.activity, group: elsewhere.group },
      { epoch: 1 },
      { group: elsewhere.group },
      { network: 'eip155:31337:0x00000000000000000000000000000000000000aa' },
    ]) {
      const moved = { ...own, head: { ...head, ...changes } } as Message;
      const place = moved.head.group === elsewhere.group ? elsewhere : activity;
      expect(await refusedBy(seller, moved, place), JSON.stringify(changes)).to.equal('activity-message-invalid');
    }
    // Signed anew, it is its own word, of a group that this activity never has: it waits for that in vain.
    const mixed = await say(thief.person, 'note', { activity: id, epoch: 0, group: elsewhere.group, on: first }, 1);
    expect((await thief.envelope(seller, await sealedIn(elsewhere, mixed))).ack?.stage).to.equal('delivered');
    expect(await seller.has(mixed.id)).to.equal(false);
    const late = await say(thief.person, 'note', { activity: id, epoch: 7, group: activity.group, on: first }, 1);
    expect(await refusedBy(seller, late)).to.equal('activity-message-invalid');
  });

  it('cannot change who receives a message: leave one out, add one, or name other members', async () => {
    const note = await noteOn(activity, thief.person, first);
    const { secret, membership } = activity.epochs.get(activity.group)!;
    const { members } = membership;
    const others = members.filter(({ address }) => address !== buyer.address);
    for (const recipients of [
      others,
      [...members, { key: randomHash() }],
      [...others, others[0]!],
      [...members, members[0]!],
    ]) {
      const sealed = await sealer.seal(note, secret, recipients);
      expect((await thief.envelope(seller, { sealed })).code).to.equal('activity-message-invalid');
    }
    const sealed = (await sealedIn(activity, note)).sealed;
    const withoutKey = {
      ...sealed,
      recipients: sealed.recipients.filter(({ header }) => header.kid !== members[0]!.key),
    };
    const twice = { ...sealed, recipients: [...sealed.recipients, sealed.recipients[0]!] };
    for (const each of [withoutKey, twice])
      expect((await thief.envelope(seller, { sealed: each })).code).to.be.oneOf([
        'activity-message-invalid',
        'activity-message-unreadable',
      ]);
    // Members that are not those of the epoch's digest.
    const named = await changeMembers(activity, thief.person, { remove: thief.person.address });
    const wrong = { ...named.head, membership: { ...activity.epochs.get(activity.group)!.membership, epoch: 1 } };
    const forged = await say(thief.person, 'members', wrong as never);
    expect(await refusedBy(seller, forged, placeOf(forged, membership))).to.equal('activity-message-invalid');
    expect(await seller.has(note.id)).to.equal(false);
  });

  it('cannot change the members on its own word', async () => {
    const { members } = activity.epochs.get(activity.group)!.membership;
    const nobody = world.nodes.length + 1;
    const raised = members.map((member) =>
      member.address === thief.person.address ? { ...member, role: 'initiator' as const } : member,
    );
    const rekeyed = members.map((member) =>
      member.address === seller.address ? { ...member, key: person(nobody).key } : member,
    );
    for (const [change, more] of [
      [{ remove: seller.address }],
      [{ add: memberFor(person(nobody), 'receiver') }],
      [members.filter(({ address }) => address !== seller.address)],
      [raised.map((member) => (member.address === buyer.address ? { ...member, role: 'receiver' as const } : member))],
      [rekeyed],
      [{ remove: seller.address }, { terms: { ...activity.terms, rules: { history: false, approval: 'majority' } } }],
    ] as const) {
      const message = await changeMembers(activity, thief.person, change as never, more as never);
      expect(await refusedBy(buyer, message, placeOf(message))).to.be.oneOf([
        'activity-role',
        'activity-message-invalid',
      ]);
    }
    // As what has been approved, by nobody.
    const proposal = { id: first, votes: [] };
    const claimed = await changeMembers(activity, thief.person, { remove: seller.address }, { proposal });
    const before = await buyer.state(id);
    expect((await thief.envelope(buyer, await sealedIn(placeOf(claimed), claimed))).ack?.stage).to.not.equal('read');
    expect(await buyer.state(id)).to.deep.equal(before);
  });

  it('cannot agree for another one, nor certify what not all have agreed to', async () => {
    const version = await buyer.desk.update(operator, id, { body: 'two' });
    await reaches(version.message, seller);
    const place = await activityOf(buyer, id);
    const forSeller = await countersign(place, thief.person, version.message);
    const asSeller = await signTrust(activityNetwork, agreementOn(place, version.message), seller.person.signer);
    const head = { activity: id, epoch: 0, group: place.group, on: version.message };
    // The signature of the seller's over another version, as the thief has it of an earlier time.
    const earlier = await signTrust(activityNetwork, agreementOn(place, first), seller.person.signer);
    for (const signature of [asSeller, earlier, forSeller.signature as `0x${string}`]) {
      const claim = await say(thief.person, 'countersignature', { ...head, signature });
      expect(await refusedBy(buyer, claim, place)).to.equal('activity-message-invalid');
    }
    const own = await signTrust(activityNetwork, agreementOn(place, version.message), thief.person.signer);
    const ofBuyer = await signTrust(activityNetwork, agreementOn(place, version.message), buyer.person.signer);
    const signatures = (of: readonly (readonly [string, string])[]) =>
      of.map(([member, signature]) => ({ member, signature })).toSorted((a, b) => (a.member < b.member ? -1 : 1));
    const { address } = thief.person;
    for (const list of [
      [[address, own]],
      [
        [address, own],
        [buyer.address, ofBuyer],
      ],
      [
        [address, own],
        [buyer.address, ofBuyer],
        [seller.address, earlier],
      ],
      [
        [address, own],
        [buyer.address, ofBuyer],
        [seller.address, own],
      ],
      [
        [address, own],
        [address, own],
        [buyer.address, ofBuyer],
      ],
    ] as const) {
      const claim = await certify(place, thief.person, version.message, signatures(list) as never);
      expect(await refusedBy(buyer, claim, place)).to.equal('trust-certificate-invalid');
    }
    const shown = await buyer.desk.show(operator, id);
    const views = shown.versions.find((each) => each.id === version.message)!;
    expect([views.countersigned, views.certificate]).to.deep.equal([[buyer.address], undefined]);
  });
});
