import { expect } from 'chai';
import { carriedOut, dueFor } from '../../../../services/app/activities/carriedOut.ts';
import { certificatesOf } from '../../../../services/app/activities/followUps.ts';
import { type Activity, membersOf } from '../../../../services/core/activities/activity.ts';
import { maxMembers } from '../../../../services/core/activities/members.ts';
import type { HeadOf } from '../../../../services/core/activities/message.ts';
import { groupDigest } from '../../../../services/core/activities/opening.ts';
import type { Message } from '../../../../services/core/activities/parcel.ts';
import { startActivity, takeMessage } from '../../../../services/core/activities/takeMessage.ts';
import {
  activityNetwork,
  begin,
  changeMembers,
  countersign,
  leave,
  letGo,
  memberFor,
  type Person,
  person,
  propose,
  randomHash,
  say,
  vote,
} from '../../../support/activityKit.ts';

const [buyer, seller, carrier] = [person(1), person(2), person(3)];
const take = (activity: Activity, ...messages: readonly Message[]): Activity =>
  messages.reduce((now, message) => takeMessage(activityNetwork, now, message), activity);

/** The same activity, begun once more. */
async function begunAgain({ head }: Message): Promise<Message> {
  const { activity, terms, membership, origin } = head as HeadOf<'start'>;
  const secret = randomHash();
  const group = groupDigest({ activity, sender: buyer.address, terms, membership, secret });
  return await say(buyer, 'start', { activity, epoch: 0, group, terms, membership, secret, origin }, 'again');
}

describe('what a node says by itself in an activity that was begun twice', () => {
  it('is nothing but letting go who leaves: no certificate is made, and no proposal carried out', async () => {
    const first = await begin([buyer, seller, carrier]);
    let activity = startActivity(first);
    for (const one of [buyer, seller, carrier]) activity = take(activity, await countersign(activity, one, first.id));
    const proposal = await propose(activity, buyer, { remove: carrier.address });
    activity = take(activity, proposal);
    for (const one of [buyer, seller]) activity = take(activity, await vote(activity, one, proposal.id));
    expect(certificatesOf(activity, [first.id], () => true)).to.have.length(1);
    expect(dueFor(activity, buyer.address).map(({ of }) => of)).to.deep.equal([proposal.id]);
    const forked = take(activity, await begunAgain(first));
    expect(certificatesOf(forked, [...forked.versions.keys()], () => true)).to.deep.equal([]);
    expect(dueFor(forked, buyer.address)).to.deep.equal([]);
    const left = take(forked, await leave(forked, seller));
    const due = dueFor(left, buyer.address).map(({ draft }) => draft().head);
    expect(due.map(({ type }) => type)).to.deep.equal(['members']);
    expect(due[0]).to.have.property('left').with.length(1);
  });
});

describe('an addition that is approved while there are as many members as there may be', () => {
  const people = Array.from({ length: maxMembers }, (_, index) => person(index + 1));
  const [buyer, seller, carrier] = people as [Person, Person, Person];
  const added = memberFor(person(maxMembers + 1), 'receiver');

  it('waits until one of them is out, and is carried out then', async () => {
    let activity = startActivity(await begin([buyer, seller], { regulators: people.slice(2) }));
    const proposal = await propose(activity, buyer, { add: added });
    activity = take(activity, proposal);
    for (const one of [buyer, seller]) activity = take(activity, await vote(activity, one, proposal.id));
    expect(dueFor(activity, buyer.address)).to.deep.equal([]);
    expect(() => carriedOut(activity, proposal.id))
      .to.throw('64 members')
      .with.property('code', 'request-invalid');
    // Of what is decided at once, who leaves goes first.
    const leaving = take(activity, await leave(activity, carrier));
    expect(dueFor(leaving, buyer.address).map(({ takesAway }) => takesAway)).to.deep.equal([true]);
    activity = take(leaving, await letGo(leaving, buyer));
    const [due, ...others] = dueFor(activity, buyer.address);
    expect([due?.of, due?.by, others]).to.deep.equal([proposal.id, buyer.address, []]);
    const { head } = due!.draft();
    const { proposal: carried } = head as HeadOf<'members'>;
    const after = take(activity, await changeMembers(activity, buyer, { add: added }, { proposal: carried! }));
    expect(membersOf(after).members).to.have.length(maxMembers);
    expect(dueFor(after, buyer.address)).to.deep.equal([]);
  });
});
