import { expect } from 'chai';
import { type Activity, certificatesOn, membersOf } from '../../../../services/core/activities/activity.ts';
import { deviceStatementDigest, signCredential } from '../../../../services/core/activities/credential.ts';
import { leaversOf } from '../../../../services/core/activities/decided.ts';
import { noHash } from '../../../../services/core/activities/members.ts';
import type { HeadOf } from '../../../../services/core/activities/message.ts';
import { commitmentsOf, type Message, parcelBytes, readParcel } from '../../../../services/core/activities/parcel.ts';
import { joinActivity } from '../../../../services/core/activities/takeMembers.ts';
import { startActivity, takeMessage } from '../../../../services/core/activities/takeMessage.ts';
import { fromHex, type Hash, toHex } from '../../../../services/core/bytes.ts';
import { compactSignature } from '../../../../services/core/signature.ts';
import {
  activityNetwork,
  begin,
  certify,
  changeMembers,
  countersign,
  leave,
  letGo,
  memberFor,
  noteOn,
  person,
  plainTerms,
  propose,
  randomHash,
  randomKey,
  say,
  update,
  vote,
} from '../../../support/activityKit.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { crypto } from '../../../support/recordKit.ts';

const [buyer, seller, carrier, authority, stranger] = [1, 2, 3, 4, 5].map(person) as [
  ReturnType<typeof person>,
  ReturnType<typeof person>,
  ReturnType<typeof person>,
  ReturnType<typeof person>,
  ReturnType<typeof person>,
];
const byAddress = (one: { address: string }, other: { address: string }) => (one.address < other.address ? -1 : 1);
const take = (activity: Activity, ...messages: Message[]): Activity =>
  messages.reduce((now, message) => takeMessage(activityNetwork, now, message), activity);
const purchase = async (): Promise<Activity> =>
  startActivity(await begin([buyer, seller, carrier], { regulators: [authority] }));

describe('an activity, by its messages', () => {
  it('knows what devices have said, once each, in whatever order the messages came', async () => {
    const activity = await purchase();
    const [on] = activity.heads as [Hash];
    const place = { activity: activity.id, epoch: 0, group: activity.group, on };
    const draft = await say(seller, 'note', place, { celsius: 4 });
    const time = Math.floor(Date.parse(draft.head.time) / 1000);
    const about = { id: randomHash(), device: stranger.address, name: 'Sensor 7', notBefore: time, expires: time };
    const credential = await signCredential(activityNetwork, about, seller.signer);
    const noted = { credential: about.id, activity: activity.id, type: 'note', on: [on], time } as const;
    const digest = deviceStatementDigest(activityNetwork, { ...noted, ...commitmentsOf(draft) });
    const device = { credential, time, signature: toHex(await stranger.signer.sign(digest)) };
    const parcel = { body: draft.body, attachments: draft.attachments };
    const said = () => say(seller, 'note', place, null, { head: { device }, parcel });
    const [one, two] = [await said(), await said()];
    expect(activity.statements.size).to.equal(0);
    expect(take(activity, draft).statements.size).to.equal(0);
    const first = one.id < two.id ? one.id : two.id;
    for (const order of [
      [one, two],
      [two, one],
    ])
      expect([...take(activity, ...order).statements]).to.deep.equal([[toHex(digest), first]]);
    expect([...take(activity, two).statements]).to.deep.equal([[toHex(digest), two.id]]);
  });

  it('begins with its initiator', async () => {
    const activity = await purchase();
    expect(activity.heads).to.have.length(1);
    expect(membersOf(activity).members.map(({ role }) => role)).to.have.members([
      'initiator',
      'receiver',
      'receiver',
      'regulator',
    ]);
    const bySeller = await begin([buyer, seller], { changes: { sender: seller.address } });
    await expectCode('activity-role', () => startActivity(bySeller));
    for (const changes of [{ group: randomHash() }, { epoch: 1 }]) {
      const other = parcelBytes(await begin([buyer, seller], { changes }));
      await expectCode('activity-message-invalid', () => readParcel(activityNetwork, other, crypto));
    }
  });

  it('takes versions, finds those in conflict, and merges them', async () => {
    const first = await purchase();
    const [mine, yours] = [await update(first, buyer), await update(first, seller)];
    const torn = take(first, mine, yours);
    expect(torn.heads).to.deep.equal([mine.id, yours.id].toSorted());
    expect(take(first, yours, mine).heads).to.deep.equal(torn.heads);
    const merge = await update(torn, carrier);
    expect(take(torn, merge).heads).to.deep.equal([merge.id]);
    expect(merge.head).to.include({ number: 3 });
    await expectCode('activity-message-known', () => take(torn, mine));
    const { data } = await expectCode('activity-message-early', () => take(first, merge));
    expect(data).to.deep.equal({ missing: { messages: torn.heads } });
  });

  it('has no number of a version beyond 2^32, and goes on from there', async () => {
    const terms = { ...plainTerms, rules: { ...plainTerms.rules, history: false } };
    const before = startActivity(await begin([buyer, seller], { terms }));
    const added = await changeMembers(before, buyer, { add: memberFor(carrier, 'receiver') });
    const base = await update(take(before, added), buyer);
    const joined = take(joinActivity(added), base);
    const place = { activity: joined.id, group: joined.group, epoch: 1, builds: [randomHash()] };
    const beyond = await say(seller, 'update', { ...place, number: 2 ** 32 + 1 });
    await expectCode('activity-message-invalid', async () => readParcel(activityNetwork, parcelBytes(beyond), crypto));
    // Who was added knows nothing of what it builds on.
    const greatest = await say(seller, 'update', { ...place, number: 2 ** 32 });
    const split = take(joined, greatest);
    expect(split.heads).to.have.members([base.id, greatest.id]);
    const merge = await update(split, carrier);
    expect(merge.head).to.include({ number: 2 ** 32 });
    readParcel(activityNetwork, parcelBytes(merge), crypto);
    const merged = take(split, merge);
    expect(merged.heads).to.deep.equal([merge.id]);
    expect((await update(merged, carrier)).head).to.include({ number: 2 ** 32 });
  });

  it('refuses a version whose number is not the next, or that builds on one twice', async () => {
    const first = await purchase();
    const head = first.heads[0]!;
    const place = { activity: first.id, group: first.group, epoch: 0 };
    const wrong = await say(buyer, 'update', { ...place, builds: [head], number: 3 });
    await expectCode('activity-message-invalid', () => take(first, wrong));
    const twice = await say(buyer, 'update', { ...place, builds: [head, head], number: 2 });
    await expectCode('activity-message-invalid', () => take(first, twice));
    const again = await say(buyer, 'update', { ...place, activity: randomHash(), builds: [head], number: 2 });
    await expectCode('activity-message-invalid', () => take(first, again));
  });

  it('lets a regulator read, note and countersign, and no more', async () => {
    const first = await purchase();
    const head = first.heads[0]!;
    const noted = take(first, await noteOn(first, authority, head), await countersign(first, authority, head));
    expect([...noted.notes.values()]).to.deep.equal([{ on: head, sender: authority.address }]);
    for (const message of [
      await update(first, authority),
      await propose(first, authority, { remove: carrier.address }),
    ])
      await expectCode('activity-role', () => take(first, message));
    const proposed = await propose(first, seller, { remove: carrier.address });
    const open = take(first, proposed);
    const byRegulator = await vote(open, authority, proposed.id);
    await expectCode('activity-role', () => take(open, byRegulator));
  });

  it('takes nothing of a stranger, of another group or of another epoch', async () => {
    const first = await purchase();
    const byStranger = await update(first, stranger);
    await expectCode('activity-not-member', () => take(first, byStranger));
    const other = await purchase();
    const ofOther = await update(other, buyer);
    await expectCode('activity-message-invalid', () => take(first, ofOther));
    const place = { activity: first.id, group: first.group, epoch: 1, builds: first.heads, number: 2 };
    const ofEpoch = await say(buyer, 'update', { ...place, builds: [...first.heads] });
    await expectCode('activity-message-invalid', () => take(first, ofEpoch));
    const elsewhere = await say(buyer, 'update', { ...place, epoch: 0, group: randomHash(), builds: [...first.heads] });
    await expectCode('activity-message-early', () => take(first, elsewhere));
  });

  it('has a certificate when each member has countersigned', async () => {
    let activity = await purchase();
    const version = activity.heads[0]!;
    for (const one of [buyer, seller, carrier, authority]) {
      activity = take(activity, await countersign(activity, one, version));
    }
    const signatures = [...activity.countersignatures.get(version)!]
      .map(([member, signature]) => ({ member, signature }))
      .toSorted((a, b) => (a.member < b.member ? -1 : 1));
    const certificate = await certify(activity, buyer, version, signatures);
    const certified = take(activity, certificate);
    expect(certificatesOn(certified, version)).to.deep.equal([certificate.id]);
    const ofSeller = await certify(activity, seller, version, signatures);
    expect(certificatesOn(take(certified, ofSeller), version)).to.deep.equal([certificate.id, ofSeller.id].toSorted());
    // Of one member one counts, so that nobody can fill the list.
    const again = await certify(activity, buyer, version, signatures);
    const [lower] = [certificate.id, again.id].toSorted();
    for (const one of [take(certified, again), take(activity, again, certificate)])
      expect(certificatesOn(one, version)).to.deep.equal([lower]);
    const short = await certify(activity, buyer, version, signatures.slice(1));
    await expectCode('trust-certificate-invalid', () => take(activity, short));
    const swapped = signatures.map(({ member }, index) => ({ member, signature: signatures.at(index - 1)!.signature }));
    const forged = await certify(activity, buyer, version, swapped);
    await expectCode('trust-certificate-invalid', () => take(activity, forged));
    const { head } = await countersign(activity, seller, version);
    const asCarrier = await say(carrier, 'countersignature', { ...head, sender: carrier.address } as never);
    await expectCode('activity-message-invalid', () => take(activity, asCarrier));
    const informed = startActivity(await begin([buyer, seller], { terms: { ...plainTerms, request: 'information' } }));
    const unasked = await countersign(informed, seller, informed.heads[0]!);
    await expectCode('activity-message-invalid', () => take(informed, unasked));
  });

  it('has one countersignature of each member, in whatever form and order they come', async () => {
    const activity = await purchase();
    const on = activity.heads[0]!;
    const full = await countersign(activity, seller, on);
    const { signature, ...head } = full.head as HeadOf<'countersignature'>;
    const compact = toHex(compactSignature(fromHex(signature)));
    const again = await say(seller, 'countersignature', { ...head, signature: compact });
    const [one, other] = [take(activity, full, again), take(activity, again, full)];
    expect(one.countersignatures).to.deep.equal(other.countersignatures);
    expect([...one.countersignatures.get(on)!]).to.have.length(1);
  });

  it('has a certificate by anybody, also one that has left, and names whom the version went to', async () => {
    let activity = await purchase();
    const on = activity.heads[0]!;
    const signed = [];
    for (const one of [buyer, seller, carrier, authority]) {
      const message = await countersign(activity, one, on);
      activity = take(activity, message);
      signed.push({ member: one.address, signature: (message.head as HeadOf<'countersignature'>).signature });
    }
    const certificate = await certify(
      activity,
      carrier,
      on,
      signed.toSorted((a, b) => (a.member < b.member ? -1 : 1)),
    );
    const noted = await noteOn(activity, carrier, on);
    const removal = await changeMembers(activity, buyer, { remove: carrier.address });
    const before = take(activity, certificate, noted, removal);
    const after = take(activity, removal);
    for (const message of [certificate, noted]) await expectCode('activity-epoch-stale', () => take(after, message));
    // From a member that has them in time.
    const given = [noted, certificate].reduce(
      (now, message) => takeMessage(activityNetwork, now, message, { isWanted: true }),
      after,
    );
    expect([given.notes, given.certificates]).to.deep.equal([before.notes, before.certificates]);
    const { members, ...head } = certificate.head as HeadOf<'certificate'>;
    const short = await say(carrier, 'certificate', { ...head, members: members.slice(1) });
    await expectCode('activity-message-invalid', () => take(activity, short));
  });

  it('needs no signature of who has left for a certificate', async () => {
    let activity = await purchase();
    const version = activity.heads[0]!;
    activity = take(activity, await changeMembers(activity, buyer, { remove: carrier.address }));
    const signed = [];
    for (const one of [buyer, seller, authority]) {
      const message = await countersign(activity, one, version);
      activity = take(activity, message);
      signed.push({ member: one.address, signature: (message.head as { signature: `0x${string}` }).signature });
    }
    const inOrder = signed.toSorted((a, b) => (a.member < b.member ? -1 : 1));
    activity = take(activity, await certify(activity, seller, version, inOrder));
    expect(activity.certificates.has(version)).to.equal(true);
    // Nor does one with less signatures ever stand before one with more, whatever its id is.
    for (let more = 0; more < 8; more++) {
      const stays = await changeMembers(activity, buyer, { remove: authority.address });
      const lesser = await certify(
        take(activity, stays),
        buyer,
        version,
        inOrder.filter(({ member }) => member !== authority.address),
      );
      expect(certificatesOn(take(activity, stays, lesser), version)).to.deep.equal([
        ...certificatesOn(activity, version),
        lesser.id,
      ]);
    }
  });
});

describe('the members of an activity', () => {
  it('are changed by the initiator; who has a new key says so itself; nobody opens an epoch without being in it', async () => {
    const first = await purchase();
    const added = take(first, await changeMembers(first, buyer, { add: memberFor(stranger, 'receiver') }));
    expect(membersOf(added)).to.include({ epoch: 1, previous: first.group });
    expect(added.group).to.not.equal(first.group);
    const { members } = membersOf(first);
    const rekeyed = members.map((one) => (one.address === seller.address ? { ...one, key: randomKey() } : one));
    expect(membersOf(take(first, await changeMembers(first, seller, rekeyed))).epoch).to.equal(1);
    const promoted = members.map((one) => (one.role === 'regulator' ? { ...one, role: 'receiver' as const } : one));
    for (const message of [
      await changeMembers(first, seller, { remove: carrier.address }),
      await changeMembers(first, seller, { add: memberFor(stranger, 'receiver') }),
      await changeMembers(first, carrier, rekeyed),
      await changeMembers(first, authority, promoted),
      // It would know the secret of the epoch after it.
      await changeMembers(first, carrier, { remove: carrier.address }),
      await changeMembers(first, buyer, { remove: buyer.address }),
    ])
      await expectCode('activity-role', () => take(first, message));
    const byStranger = await changeMembers(first, stranger, { add: memberFor(stranger, 'receiver') });
    await expectCode('activity-not-member', () => take(first, byStranger));
  });

  it('never change the terms, nor skip an epoch', async () => {
    const first = await purchase();
    const change = { remove: carrier.address } as const;
    const looser = { ...plainTerms, rules: { history: true, approval: 'unanimity' as const } };
    const other = await changeMembers(first, buyer, change, { terms: looser });
    await expectCode('activity-message-invalid', () => take(first, other));
    const unsealed = await changeMembers(first, buyer, change, { group: randomHash() });
    await expectCode('activity-message-invalid', () => readParcel(activityNetwork, parcelBytes(unsealed), crypto));
    const unseen = await changeMembers(first, buyer, change, { heads: [randomHash()] });
    await expectCode('activity-message-early', () => take(first, unseen));
  });

  it('admit a regulator by a proposal that enough have approved', async () => {
    const first = startActivity(await begin([buyer, seller, carrier]));
    const change = { add: memberFor(authority, 'regulator') };
    const proposed = await propose(first, carrier, change);
    let open = take(first, proposed);
    const votes: Hash[] = [];
    const carryOut = async () =>
      await changeMembers(open, carrier, change, { proposal: { id: proposed.id, votes: [...votes] } });
    await expectCode('activity-role', async () => take(open, await carryOut()));
    for (const one of [carrier, seller]) {
      const ballot = await vote(open, one, proposed.id);
      open = take(open, ballot);
      votes.push(ballot.id);
    }
    const done = await carryOut();
    expect(membersOf(take(open, done)).members).to.have.length(4);
    const { data } = await expectCode('activity-message-early', () => take(first, done));
    expect(data).to.deep.equal({ missing: { messages: [proposed.id] } });
    const more = await changeMembers(
      open,
      carrier,
      { add: memberFor(authority, 'receiver') },
      {
        proposal: { id: proposed.id, votes },
      },
    );
    await expectCode('activity-role', () => take(open, more));
    const counter = await vote(open, seller, proposed.id, false);
    // It cannot take its word back: others may have gone by it.
    expect(membersOf(take(open, counter, await carryOut())).members).to.have.length(4);
    expect(membersOf(take(open, await carryOut(), counter)).members).to.have.length(4);
  });

  it('who has left says nothing more, and what it said late counts where it is built on alone', async () => {
    const first = await purchase();
    const late = await update(first, carrier);
    const removal = await changeMembers(first, buyer, { remove: carrier.address });
    const without = take(first, removal);
    await expectCode('activity-epoch-stale', () => take(without, late));
    const withIt = take(first, late, removal);
    expect(withIt.heads).to.deep.equal(without.heads);
    const onIt = await update(withIt, seller, [late.id]);
    const { data } = await expectCode('activity-message-early', () => take(without, onIt));
    expect(data).to.deep.equal({ missing: { messages: [late.id] } });
    const fetched = take(takeMessage(activityNetwork, without, late, { isWanted: true }), onIt);
    expect(fetched.heads).to.deep.equal(take(withIt, onIt).heads).and.to.deep.equal([onIt.id]);
    const seen = take(first, late);
    const named = take(seen, await changeMembers(seen, buyer, { remove: carrier.address }));
    expect(named.heads).to.deep.equal([late.id]);
  });

  it('who leaves is let go by another one, who alone makes the next secret', async () => {
    const first = await purchase();
    const leaving = await leave(first, carrier);
    const open = take(first, leaving);
    expect([...leaversOf(open)]).to.deep.equal([[carrier.address, leaving.id]]);
    const after = take(open, await letGo(open, authority));
    expect(membersOf(after).members.map(({ address }) => address)).not.to.include(carrier.address);
    expect(leaversOf(after).size).to.equal(0);
    const { data } = await expectCode('activity-message-early', async () => take(first, await letGo(open, seller)));
    expect(data).to.deep.equal({ missing: { messages: [leaving.id] } });
    const staying = membersOf(open).members.filter(({ address }) => address !== carrier.address);
    for (const forbidden of [
      await changeMembers(open, carrier, staying, { left: [leaving.id] }),
      await changeMembers(open, seller, staying.slice(1), { left: [leaving.id] }),
      await changeMembers(open, seller, [...staying, memberFor(stranger, 'receiver')].toSorted(byAddress), {
        left: [leaving.id],
      }),
    ])
      await expectCode('activity-role', () => take(open, forbidden));
    // Another change that comes between does not keep it.
    const other = take(open, await changeMembers(open, buyer, { add: memberFor(stranger, 'receiver') }));
    expect([...leaversOf(other).keys()]).to.deep.equal([carrier.address]);
    const gone = take(other, await changeMembers(other, seller, { remove: carrier.address }, { left: [leaving.id] }));
    expect(membersOf(gone).members.map(({ address }) => address)).not.to.include(carrier.address);
    // Once it is added again it has to be said again.
    const back = take(gone, await changeMembers(gone, buyer, { add: memberFor(carrier, 'receiver') }));
    expect(leaversOf(back).size).to.equal(0);
    const tooLate = await changeMembers(back, seller, { remove: carrier.address }, { left: [leaving.id] });
    await expectCode('activity-role', () => take(back, tooLate));
    const alone = startActivity(await begin([buyer]));
    const last = await leave(alone, buyer);
    await expectCode('activity-role', () => take(alone, last));
  });

  it('are the same everywhere after two changes at the same time', async () => {
    const first = await purchase();
    const rekeyed = (person: typeof buyer) =>
      membersOf(first).members.map((one) => (one.address === person.address ? { ...one, key: randomKey() } : one));
    const changes = [
      await changeMembers(first, carrier, rekeyed(carrier)),
      await changeMembers(first, authority, rekeyed(authority)),
    ];
    const [winner] = changes.toSorted((a, b) => (a.id < b.id ? -1 : 1));
    for (const order of [changes, changes.toReversed()])
      expect(take(first, ...order).group).to.equal(winner!.head.group);
    // What the initiator has built on is not undone any more, by whatever id.
    for (const [one, other] of [changes, changes.toReversed()] as [Message, Message][]) {
      const removal = await changeMembers(take(first, one), buyer, { remove: seller.address });
      expect(take(first, one, removal, other).group).to.equal(removal.head.group);
      expect(take(first, other, one, removal).group).to.equal(removal.head.group);
    }
  });

  it('who is added without what was before goes on from there', async () => {
    const terms = { ...plainTerms, rules: { ...plainTerms.rules, history: false } };
    const first = startActivity(await begin([buyer, seller], { terms }));
    const addition = await changeMembers(first, buyer, { add: memberFor(stranger, 'receiver') });
    const whole = take(first, addition);
    const next = await update(whole, seller);
    const after = await update(take(whole, next), buyer);
    const joined = joinActivity(addition);
    expect(joined).to.include({ since: 1, group: whole.group });
    expect(take(joined, next, after).heads).to.deep.equal([after.id]);
    expect(take(joined, after, next).heads).to.deep.equal([after.id]);
    expect(membersOf(first).previous).to.equal(noHash);
  });

  it('keeps the terms once, however many epochs name them', async () => {
    const first = await begin([buyer, seller]);
    let activity = startActivity(first);
    for (let epoch = 0; epoch < 3; epoch++)
      activity = takeMessage(
        activityNetwork,
        activity,
        // As it comes over the network, where nothing is shared.
        structuredClone(await changeMembers(activity, buyer, [...membersOf(activity).members])),
      );
    expect(activity.epochs.size).to.equal(4);
    expect(new Set([...activity.epochs.values()].map(({ terms }) => terms)).size).to.equal(1);
  });
});
