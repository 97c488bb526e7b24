import { expect } from 'chai';
import { type Activity, membersOf } from '../../../../services/core/activities/activity.ts';
import { decidedIn } from '../../../../services/core/activities/decided.ts';
import type { Member } from '../../../../services/core/activities/members.ts';
import type { HeadOf } from '../../../../services/core/activities/message.ts';
import { newestGroup } from '../../../../services/core/activities/newestGroup.ts';
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
  type Person,
  person,
  plainTerms,
  propose,
  randomKey,
  say,
  update,
  vote,
} from '../../../support/activityKit.ts';
import { expectCode } from '../../../support/expectCode.ts';

const [initiator, alice, bob, mallory, newcomer] = [1, 2, 3, 4, 5].map(person) as [
  Person,
  Person,
  Person,
  Person,
  Person,
];
// As members give one another what they have, in whatever order; from a sender that was removed nobody takes what loses.
const take = (activity: Activity, ...messages: Message[]): Activity =>
  messages.reduce((now, message) => takeMessage(activityNetwork, now, message, { isWanted: true }), activity);
const isIn = (activity: Activity, { address }: Person): boolean =>
  membersOf(activity).members.some((member) => member.address === address);
const withKey = (activity: Activity, { address }: Person): Member[] =>
  membersOf(activity).members.map((member) => (member.address === address ? { ...member, key: randomKey() } : member));

/** Messages until one has a lower id than that. */
async function lowerThan(id: Hash, make: () => Promise<Message>): Promise<Message> {
  for (;;) {
    const message = await make();
    if (message.id < id) return message;
  }
}

/** A proposal to remove somebody, approved by these. */
async function approved(activity: Activity, by: readonly Person[], change: Parameters<typeof propose>[2]) {
  const proposal = await propose(activity, by[0]!, change);
  const open = take(activity, proposal);
  const votes = await Promise.all(by.map((one) => vote(open, one, proposal.id)));
  const carriedOut = (sender: Person, from: Activity = take(open, ...votes)) =>
    changeMembers(from, sender, change, { proposal: { id: proposal.id, votes: votes.map(({ id }) => id) } });
  return { messages: [proposal, ...votes], carriedOut };
}

/** Counts how often something is looked up in it. */
class Counted<K, V> extends Map<K, V> {
  looks = 0;
  override get(key: K): V | undefined {
    this.looks++;
    return super.get(key);
  }
}

describe('the newest members, where several changes were made of the same ones', () => {
  it('whoever the initiator has removed is out, by whatever it says later about the time before', async () => {
    const old = startActivity(await begin([initiator, alice, bob, mallory]));
    const removal = await changeMembers(old, initiator, { remove: mallory.address });
    let now = take(old, removal);
    const versions = [await update(now, alice)];
    now = take(now, ...versions);
    const again = await lowerThan(removal.id, () => changeMembers(old, mallory, withKey(old, mallory)));
    for (const end of [take(now, again), take(old, again, removal, ...versions)]) {
      expect(end.group).to.equal(now.group);
      expect(isIn(end, mallory)).to.equal(false);
      expect(end.heads).to.deep.equal(now.heads);
    }
  });

  it('and what it says in epochs that it opens then does not count, however many these are', async () => {
    const first = await begin([initiator, alice, bob, mallory]);
    const old = startActivity(first);
    const removal = await changeMembers(old, initiator, { remove: mallory.address });
    let now = take(old, removal);
    const version = await update(now, alice);
    now = take(now, version);
    let own = old;
    const said: Message[] = [];
    for (let epoch = 1; epoch <= 3; epoch++) {
      const rekey = await changeMembers(own, mallory, withKey(own, mallory));
      own = take(own, rekey);
      const evil = await update(own, mallory, own.heads);
      own = take(own, evil);
      said.push(rekey, evil);
      await expectCode('activity-epoch-stale', () =>
        takeMessage(activityNetwork, take(now, ...said.slice(0, -1)), evil),
      );
    }
    for (const end of [take(now, ...said), take(own, removal, version)]) {
      expect(end.group).to.equal(now.group);
      expect(end.heads).to.deep.equal([version.id]);
    }
    // Who has only lost its change, and is a member still, is heard.
    const moved = take(old, await changeMembers(old, alice, withKey(old, alice)));
    const kept = await update(moved, alice, moved.heads);
    expect(take(moved, kept, removal).heads).to.deep.equal([kept.id]);
  });

  it('nor does a branch of its own help, with friends that are removed as well', async () => {
    const old = startActivity(await begin([initiator, alice, bob, mallory]));
    const rekey = await changeMembers(old, alice, withKey(old, alice));
    const moved = take(old, rekey);
    const removal = await changeMembers(moved, initiator, { remove: mallory.address });
    const now = take(moved, removal);
    const evil = await lowerThan(rekey.id, () => changeMembers(old, mallory, withKey(old, mallory)));
    const branch = take(old, evil);
    const friend = await leave(branch, bob);
    const more = await letGo(take(branch, friend), mallory);
    expect(take(now, evil, friend, more).group).to.equal(now.group);
  });

  it('what whoever was removed says later about the time before, and changes nothing, is not taken from it', async () => {
    const start = startActivity(await begin([initiator, alice, mallory]));
    const removed = take(start, await changeMembers(start, initiator, { remove: mallory.address }));
    const own = await changeMembers(start, mallory, withKey(start, mallory));
    await expectCode('activity-epoch-stale', () => takeMessage(activityNetwork, removed, own));
    // Of one that is in it may come late, and with another one that has built on it.
    expect(take(removed, own).epochs.size).to.equal(3);
    const byAlice = await changeMembers(start, alice, withKey(start, alice));
    expect(takeMessage(activityNetwork, removed, byAlice).epochs.size).to.equal(3);
  });

  it('whoever was added stays, whatever an older member says about the time before', async () => {
    const old = startActivity(await begin([initiator, alice, mallory]));
    const addition = await changeMembers(old, initiator, { add: memberFor(newcomer, 'receiver') });
    let now = take(old, addition);
    now = take(now, await update(now, newcomer));
    const evil = await lowerThan(addition.id, () => changeMembers(old, mallory, withKey(old, mallory)));
    const end = take(now, evil);
    expect(isIn(end, newcomer)).to.equal(true);
    expect(end.heads).to.deep.equal(now.heads);
  });

  it('a removal by the initiator is undone by no new key at the same time', async () => {
    for (let run = 0; run < 20; run++) {
      const first = startActivity(await begin([initiator, alice, mallory]));
      const changes = [
        await changeMembers(first, initiator, { remove: mallory.address }),
        await changeMembers(first, alice, withKey(first, alice)),
      ];
      for (const order of [changes, changes.toReversed()])
        expect(isIn(take(first, ...order), mallory), `run ${run}`).to.equal(false);
    }
  });

  it('of several changes by one member a removal holds, whatever came first: it was restored from a backup', async () => {
    const start = startActivity(await begin([initiator, alice, mallory]));
    const removal = await changeMembers(start, initiator, { remove: mallory.address });
    const addition = await lowerThan(removal.id, () =>
      changeMembers(start, initiator, { add: memberFor(newcomer, 'receiver') }),
    );
    for (const messages of [
      [removal, addition],
      [addition, removal],
    ])
      expect(isIn(take(start, ...messages), mallory)).to.equal(false);
    const later = await changeMembers(take(start, addition), initiator, { add: memberFor(bob, 'receiver') });
    expect(isIn(take(start, addition, later, removal), mallory)).to.equal(false);
  });

  it('whoever was voted out cannot come back by another proposal that was approved before', async () => {
    for (let run = 0; run < 8; run++) {
      const first = startActivity(await begin([initiator, alice, bob, mallory]));
      const out = await approved(first, [alice, bob, initiator], { remove: mallory.address });
      const add = await approved(first, [mallory, alice, bob], { add: memberFor(newcomer, 'receiver') });
      const open = take(first, ...out.messages, ...add.messages);
      const changes = [await out.carriedOut(alice, open), await add.carriedOut(mallory, open)];
      for (const order of [changes, changes.toReversed()]) {
        const end = take(open, ...order);
        expect(end.group, `run ${run}`).to.equal(changes[0]!.head.group);
        expect(decidedIn(end).proposals, 'the other one is still to be carried out').to.deep.equal([
          add.messages[0]!.id,
        ]);
        const last = take(end, await add.carriedOut(alice, end));
        expect([isIn(last, newcomer), isIn(last, mallory)]).to.deep.equal([true, false]);
      }
    }
  });

  it('an approved removal that another change comes before is carried out after it', async () => {
    const first = startActivity(await begin([initiator, alice, bob, mallory]));
    const out = await approved(first, [alice, bob, initiator], { remove: mallory.address });
    const open = take(first, ...out.messages);
    const lost = await out.carriedOut(alice);
    const addition = await changeMembers(first, initiator, { add: memberFor(newcomer, 'receiver') });
    const now = take(open, lost, addition);
    expect(isIn(now, mallory)).to.equal(true);
    expect(decidedIn(now).proposals).to.deep.equal([out.messages[0]!.id]);
    const end = take(now, await out.carriedOut(bob, now));
    expect([isIn(end, mallory), isIn(end, newcomer)]).to.deep.equal([false, true]);
    // It has no object any more, also where the initiator takes it in again.
    const back = take(end, await changeMembers(end, initiator, { add: memberFor(mallory, 'receiver') }));
    expect(decidedIn(back).proposals).to.deep.equal([]);
    const again = await out.carriedOut(alice, back);
    await expectCode('activity-role', () => take(back, again));
  });

  it('whoever has left is out, also the initiator, which has no word any more before that', async () => {
    for (const gone of [initiator, mallory]) {
      const old = startActivity(await begin([initiator, alice, bob, mallory]));
      const rekey = await changeMembers(old, alice, withKey(old, alice));
      const moved = take(old, rekey);
      const leaving = await leave(moved, gone);
      const now = take(moved, leaving, await letGo(take(moved, leaving), alice));
      expect(isIn(now, gone)).to.equal(false);
      const evil = await lowerThan(rekey.id, () => changeMembers(old, gone, withKey(old, gone)));
      const later = await changeMembers(moved, gone, withKey(moved, gone));
      expect(take(now, evil, later).group).to.equal(now.group);
      // Before it is let go, what it says instead changes nothing about that.
      const open = take(old, evil, rekey, leaving, later);
      expect(membersOf(open).previous).to.equal(moved.group);
      expect([...decidedIn(open).leavers.keys()]).to.deep.equal([gone.address]);
    }
  });

  it('a proposal goes on while members only take new keys, and ends where others come or go', async () => {
    const first = startActivity(await begin([initiator, alice, bob, mallory]));
    const proposal = await propose(first, alice, { remove: mallory.address });
    let now = take(first, proposal, await vote(take(first, proposal), alice, proposal.id));
    now = take(now, await changeMembers(now, mallory, withKey(now, mallory)));
    const votes = [await vote(now, bob, proposal.id), await vote(now, initiator, proposal.id)];
    now = take(now, ...votes);
    expect(decidedIn(now).proposals).to.deep.equal([proposal.id]);
    const ids = [...now.proposals.get(proposal.id)!.votes.keys()];
    const out = await changeMembers(
      now,
      bob,
      { remove: mallory.address },
      { proposal: { id: proposal.id, votes: ids } },
    );
    expect(isIn(take(now, out), mallory)).to.equal(false);
    const other = take(
      first,
      proposal,
      await changeMembers(first, initiator, { add: memberFor(newcomer, 'receiver') }),
    );
    const late = await vote(other, bob, proposal.id);
    await expectCode('activity-message-invalid', () => take(other, late));
  });

  it('old votes decide nothing over those who are there now', async () => {
    let now = startActivity(await begin([initiator, alice, bob, mallory]));
    const out = await approved(now, [mallory, bob, initiator], { remove: alice.address });
    const old = take(now, ...out.messages);
    now = take(old, await changeMembers(old, initiator, { remove: mallory.address }));
    // Of three voters two have approved it still; with one more there they are not enough.
    now = take(now, await changeMembers(now, initiator, { add: memberFor(newcomer, 'receiver') }));
    expect(decidedIn(now).proposals).to.deep.equal([]);
    const late = await out.carriedOut(bob, now);
    await expectCode('activity-role', () => take(now, late));
  });

  it('roles never change, and nobody changes the key of another one', async () => {
    const first = startActivity(await begin([initiator, alice], { regulators: [bob] }));
    const { members } = membersOf(first);
    const promoted = members.map((one) => (one.role === 'regulator' ? { ...one, role: 'receiver' as const } : one));
    for (const change of [promoted, withKey(first, alice)]) {
      const message = await changeMembers(first, initiator, change);
      await expectCode('activity-role', () => take(first, message));
    }
  });

  it('a group is what it was opened with: sender, right, terms, members and what was seen', async () => {
    const terms = { ...plainTerms, rules: { history: false, approval: 'unanimity' as const } };
    const first = startActivity(await begin([initiator, alice, bob], { terms }));
    const seen = await update(first, bob);
    const now = take(first, seen);
    const removal = await changeMembers(now, initiator, { remove: bob.address });
    const { type: _, sender: __, ...head } = removal.head as HeadOf<'members'>;
    for (const changed of [
      { heads: [...first.heads] },
      { terms: plainTerms },
      { proposal: { id: seen.id, votes: [] } },
      { left: [seen.id] },
    ]) {
      const message = await say(initiator, 'members', { ...head, ...changed });
      await expectCode('activity-message-invalid', () => readParcel(activityNetwork, parcelBytes(message)));
    }
    const byAlice = await say(alice, 'members', head);
    await expectCode('activity-message-invalid', () => readParcel(activityNetwork, parcelBytes(byAlice)));
    // Told twice, it is the same one.
    const twice = await say(initiator, 'members', head);
    const [one, other] = [take(now, removal, twice), take(now, twice, removal)];
    expect(one.epochs).to.deep.equal(other.epochs);
    expect(one.epochs.get(head.group)!.by).to.equal([removal.id, twice.id].toSorted()[0]);
  });

  it('are found by a look at each epoch, however often a member has changed its key and said that it leaves', async () => {
    let now = startActivity(await begin([initiator, alice, mallory]));
    for (let epoch = 0; epoch < 40; epoch++) {
      now = take(now, await changeMembers(now, mallory, withKey(now, mallory)));
      now = take(now, await leave(now, mallory));
    }
    for (let more = 0; more < 40; more++) now = take(now, await leave(now, mallory));
    const epochs = new Counted(now.epochs);
    expect(newestGroup({ epochs, leaves: now.leaves })).to.equal(now.group);
    expect([...decidedIn({ ...now, epochs }).leavers.keys()]).to.deep.equal([mallory.address]);
    expect(epochs.looks).to.be.lessThan(10 * (now.epochs.size + now.leaves.size));
    now = take(now, await update(now, alice));
    expect(isIn(take(now, await letGo(now, initiator)), mallory)).to.equal(false);
  });
});
