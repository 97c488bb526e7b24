import { expect } from 'chai';
import { type Activity, membersOf } from '../../../../services/core/activities/activity.ts';
import { leaversOf } from '../../../../services/core/activities/decided.ts';
import { type Message, parcelBytes, readParcel } from '../../../../services/core/activities/parcel.ts';
import { startActivity, takeMessage } from '../../../../services/core/activities/takeMessage.ts';
import type { Hash } from '../../../../services/core/bytes.ts';
import {
  activityNetwork,
  begin,
  changeMembers,
  leave,
  letGo,
  memberFor,
  person,
  plainTerms,
  propose,
  randomHash,
  randomKey,
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
