import { expect } from 'chai';
import type { Activity } from '../../../../services/core/activities/activity.ts';
import { membersOf } from '../../../../services/core/activities/activity.ts';
import { lostChange } from '../../../../services/core/activities/lostChange.ts';
import type { Member } from '../../../../services/core/activities/members.ts';
import type { Message } from '../../../../services/core/activities/parcel.ts';
import { startActivity, takeMessage } from '../../../../services/core/activities/takeMessage.ts';
import { activityNetwork, begin, changeMembers, memberFor, person } from '../../../support/activityKit.ts';

const [buyer, seller, carrier, mallory] = [person(1), person(2), person(3), person(4)];

describe('what an initiator has changed and another change of its own has made undone', () => {
  let first: Activity;
  before(async () => {
    first = startActivity(await begin([buyer, seller, mallory]));
  });

  const take = (activity: Activity, ...messages: readonly Message[]): Activity =>
    messages.reduce((now, message) => takeMessage(activityNetwork, now, message), activity);
  const lost = (activity: Activity) => {
    const { added, removed } = lostChange(activity, buyer.address);
    return { added: added.map(({ address }) => address), removed };
  };
  const addCarrier = (activity: Activity) => changeMembers(activity, buyer, { add: memberFor(carrier, 'receiver') });
  const remove = (activity: Activity, { address }: { address: Member['address'] }) =>
    changeMembers(activity, buyer, { remove: address });
  const nothing = { added: [], removed: [] };

  it('is an addition that a removal has come before, until it is made again', async () => {
    const [addition, removal] = [await addCarrier(first), await remove(first, mallory)];
    const both = take(first, addition, removal);
    expect(membersOf(both).members.map(({ address }) => address)).to.deep.equal(
      [buyer.address, seller.address].toSorted(),
    );
    expect(lost(both)).to.deep.equal({ added: [carrier.address], removed: [] });
    expect(lost(take(first, removal, addition))).to.deep.equal(lost(both));
    const again = take(both, await addCarrier(both));
    expect(lost(again)).to.deep.equal(nothing);
    // Removed later on purpose: it does not come back.
    expect(lost(take(again, await remove(again, carrier)))).to.deep.equal(nothing);
  });

  it('is one of two removals, and nothing where the initiator has taken it back itself', async () => {
    const [one, two] = [await remove(first, mallory), await remove(first, seller)];
    const both = take(first, one, two);
    const gone = membersOf(both).members.some(({ address }) => address === mallory.address) ? mallory : seller;
    expect(lost(both)).to.deep.equal({ added: [], removed: [gone.address] });
    expect(lost(take(both, await remove(both, gone)))).to.deep.equal(nothing);
    const addition = await addCarrier(first);
    const withCarrier = take(first, addition);
    const takenBack = await remove(withCarrier, carrier);
    expect(lost(take(first, addition, takenBack, await remove(first, mallory)))).to.deep.equal(nothing);
  });

  it('is nothing of what others have changed, or where all holds', async () => {
    expect(lost(first)).to.deep.equal(nothing);
    expect(lost(take(first, await addCarrier(first)))).to.deep.equal(nothing);
    const both = take(first, await addCarrier(first), await remove(first, mallory));
    expect(lostChange(both, seller.address)).to.deep.equal(nothing);
  });
});
