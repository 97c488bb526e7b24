import { expect } from 'chai';
import { type Activity, membersOf } from '../../../../services/core/activities/activity.ts';
import { noHash } from '../../../../services/core/activities/members.ts';
import { mayVouch } from '../../../../services/core/activities/onTrust.ts';
import type { Message } from '../../../../services/core/activities/parcel.ts';
import { joinActivity, rejoinActivity } from '../../../../services/core/activities/takeMembers.ts';
import { startActivity, takeMessage } from '../../../../services/core/activities/takeMessage.ts';
import type { Hash } from '../../../../services/core/bytes.ts';
import {
  activityNetwork,
  begin,
  changeMembers,
  memberFor,
  type Person,
  person,
  plainTerms,
  randomHash,
  randomKey,
  say,
  update,
} from '../../../support/activityKit.ts';
import { expectCode } from '../../../support/expectCode.ts';

const [buyer, seller, carrier, stranger, late] = [1, 2, 3, 4, 5].map(person) as [
  Person,
  Person,
  Person,
  Person,
  Person,
];
const terms = { ...plainTerms, rules: { ...plainTerms.rules, history: false } };
const take = (activity: Activity, ...messages: Message[]): Activity =>
  messages.reduce((now, message) => takeMessage(activityNetwork, now, message), activity);
const vouched = (activity: Activity, message: Message): Activity =>
  takeMessage(activityNetwork, activity, message, { isVouched: true });

describe('who is added to an activity without what was before', () => {
  it('goes on from there', async () => {
    const first = startActivity(await begin([buyer, seller], { terms }));
    const addition = await changeMembers(first, buyer, { add: memberFor(stranger, 'receiver') });
    const whole = take(first, addition);
    const next = await update(whole, seller);
    const after = await update(take(whole, next), buyer);
    const joined = joinActivity(addition);
    expect(joined).to.include({ since: 1, group: whole.group });
    for (const order of [
      [next, after],
      [after, next],
    ])
      expect(order.reduce(vouched, joined).heads).to.deep.equal([after.id]);
    expect(take(vouched(joined, next), after).heads).to.deep.equal([after.id]);
    expect(membersOf(first).previous).to.equal(noHash);
  });

  /** The stranger has been added by the buyer, who has said the version once more that it has seen. */
  async function added() {
    const first = startActivity(await begin([buyer, seller, carrier], { terms }));
    const addition = await changeMembers(first, buyer, { add: memberFor(stranger, 'receiver') });
    const all = take(first, addition);
    const base = await update(all, buyer);
    return { first, addition, base, whole: take(all, base), joined: take(joinActivity(addition), base) };
  }
  const building = (activity: Activity, by: Person, builds: readonly Hash[], number: number): Promise<Message> =>
    say(by, 'update', { activity: activity.id, group: activity.group, epoch: 1, builds: [...builds], number });
  const missing = async (activity: Activity, message: Message): Promise<unknown> =>
    (await expectCode('activity-message-early', () => take(activity, message))).data.missing;

  it('is not told by one member of versions that there are not', async () => {
    const { whole, joined } = await added();
    const madeUp = randomHash();
    for (const builds of [[madeUp], [...joined.heads, madeUp]]) {
      const lie = await building(whole, seller, builds, 2 ** 31);
      expect(await missing(whole, lie)).to.deep.equal({ messages: [madeUp] });
      // Of another one that has it; what it builds on it may have forgotten.
      expect(await missing(joined, lie)).to.deep.equal({ messages: [lie.id, madeUp] });
    }
    const rekeyed = membersOf(whole).members.map((one) =>
      one.address === seller.address ? { ...one, key: randomKey() } : one,
    );
    const change = await changeMembers(whole, seller, rekeyed, { heads: [madeUp] });
    expect(await missing(whole, change)).to.deep.equal({ messages: [madeUp] });
    expect(await missing(joined, change)).to.deep.equal({ messages: [change.id, madeUp] });
  });

  it('nor of another number of one that there is', async () => {
    const { first, whole, joined } = await added();
    const lie = await building(whole, seller, first.heads, 1_000);
    await expectCode('activity-message-invalid', () => take(whole, lie));
    await expectCode('activity-message-early', () => take(joined, lie));
  });

  it('takes what another one has too, and has the same heads as all', async () => {
    const { first, addition, base, joined } = await added();
    // Said before its sender knew of the addition.
    const rival = await update(first, seller);
    const whole = take(first, rival, addition, base);
    const merge = await update(whole, carrier);
    expect(await missing(joined, merge)).to.deep.equal({ messages: [merge.id, rival.id] });
    const now = vouched(joined, merge);
    expect(now.heads).to.deep.equal(take(whole, merge).heads);
    const next = await update(now, stranger);
    expect(take(now, next).heads).to.deep.equal(take(whole, merge, next).heads);
  });

  it('takes a change of the members that names what the one before has named', async () => {
    const { first, addition, joined } = await added();
    const again = await changeMembers(
      take(first, addition),
      carrier,
      { remove: seller.address },
      { heads: [...first.heads] },
    );
    expect(again.head).to.have.property('heads').that.deep.equals(first.heads);
    await expectCode('activity-role', () => take(joined, again));
    const removal = await changeMembers(take(first, addition), buyer, { remove: seller.address });
    expect(take(joined, removal).group).to.equal(removal.head.group);
  });

  it('has those vouch for it that were there before it, and still are', async () => {
    const { whole, joined } = await added();
    const vouching = (activity: Activity, by: Person) => mayVouch(activity, stranger.address, by.address);
    expect(vouching(joined, seller)).to.have.members([buyer.address, carrier.address]);
    const another = await changeMembers(whole, buyer, { add: memberFor(late, 'receiver') });
    const without = await changeMembers(take(whole, another), buyer, { remove: carrier.address });
    const now = take(joined, another, without);
    expect(vouching(now, seller)).to.deep.equal([buyer.address]);
    expect(vouching(now, buyer)).to.deep.equal([seller.address]);
    const alone = await changeMembers(take(whole, another, without), buyer, { remove: seller.address });
    expect(vouching(take(now, alone), buyer)).to.deep.equal([]);
  });

  it('anew knows whom it has left behind, unless it knows that it was out', async () => {
    const first = startActivity(await begin([buyer, seller, carrier], { terms }));
    const { address } = seller;
    const back = (before: Activity) => changeMembers(before, buyer, { add: memberFor(seller, 'receiver') });
    const without = (before: Activity, member: Person) => changeMembers(before, buyer, { remove: member.address });
    const out = await without(first, seller);
    const outAndCarrier = take(first, out, await without(take(first, out), carrier));
    const added = await back(outAndCarrier);
    const again = rejoinActivity(first, added, address);
    expect(again.leftBehind).to.deep.equal([carrier.address]);
    expect(rejoinActivity(take(first, out), added, address).leftBehind).to.deep.equal([]);
    // What one addition has left behind no later one takes away.
    const now = take(outAndCarrier, added);
    const later = await back(take(now, await without(now, seller)));
    expect(rejoinActivity(again, later, address).leftBehind).to.deep.equal([carrier.address]);
  });

  it('anew has left nobody behind who came along, or whom it has seen go', async () => {
    const first = startActivity(await begin([buyer, seller, carrier], { terms }));
    const { address } = seller;
    const back = (before: Activity) => changeMembers(before, buyer, { add: memberFor(seller, 'receiver') });
    const out = await changeMembers(first, buyer, { remove: address });
    const added = await back(take(first, out));
    const known = rejoinActivity(first, added, address);
    expect(known.leftBehind).to.deep.equal([]);
    const gone = await changeMembers(known, buyer, { remove: carrier.address });
    const seen = take(known, gone);
    const outAgain = await changeMembers(seen, buyer, { remove: address });
    const whole = take(first, out, added, gone, outAgain);
    expect(rejoinActivity(seen, await back(whole), address).leftBehind).to.deep.equal([]);
  });
});
