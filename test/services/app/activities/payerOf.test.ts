import { expect } from 'chai';
import { isNode, payerOf } from '../../../../services/app/activities/payerOf.ts';
import type { NodeStatus, RegistryNode } from '../../../../services/chain/RegistryNode.ts';
import type { Activity } from '../../../../services/core/activities/activity.ts';
import { joinActivity } from '../../../../services/core/activities/takeMembers.ts';
import { startActivity, takeMessage } from '../../../../services/core/activities/takeMessage.ts';
import {
  activityNetwork,
  begin,
  changeMembers,
  memberFor,
  noteOn,
  type Person,
  person,
  randomKey,
} from '../../../support/activityKit.ts';

const [initiator, helper, nobody, another, giver] = [1, 2, 3, 4, 5].map(person) as [
  Person,
  Person,
  Person,
  Person,
  Person,
];

/** A registry with these. */
function having(...people: readonly (Person | readonly [Person, NodeStatus])[]) {
  const nodes = people.map((one) => {
    const [{ address }, status] = Array.isArray(one) ? one : [one, 'active'];
    return { address, status } as RegistryNode;
  });
  return { registry: { nodes: () => nodes } as Parameters<typeof isNode>[0]['registry'] };
}

describe('what nobody has read yet', () => {
  const said = async (activity: Activity, by: Person) => (await noteOn(activity, by, activity.heads[0]!)).head;

  it('is on the account of its sender, where the consortium has voted that in once', async () => {
    const activity = startActivity(await begin([initiator, helper]));
    const head = await said(activity, helper);
    for (const status of ['active', 'suspended', 'removed', 'banned'] as const)
      expect(payerOf(having(initiator, [helper, status]), activity, head, giver.address)).to.equal(helper.address);
    for (const status of ['none', 'candidate'] as const) {
      expect(isNode(having([helper, status]), helper.address)).to.equal(false);
      expect(payerOf(having(initiator, [helper, status]), activity, head, giver.address)).to.equal(initiator.address);
    }
  });

  it('is else on that of whoever has made it a member, however many are between them', async () => {
    let activity = startActivity(await begin([initiator, helper]));
    const on = activity.heads[0]!;
    const change = async (by: Person, ...what: [Parameters<typeof changeMembers>[2]]) => {
      const message = await changeMembers(activity, by, ...what);
      activity = takeMessage(activityNetwork, activity, message);
    };
    await change(initiator, { add: memberFor(nobody, 'receiver') });
    // Another one has opened the epoch in which it speaks.
    const members = [memberFor(initiator, 'initiator'), memberFor(nobody, 'receiver')];
    await change(helper, [...members, { ...memberFor(helper, 'receiver'), key: randomKey() }]);
    const head = (await noteOn(activity, nobody, on)).head;
    expect(payerOf(having(initiator, helper, giver), activity, head, giver.address)).to.equal(initiator.address);
    expect(payerOf(having(helper, giver), activity, head, giver.address)).to.equal(giver.address);
    expect(payerOf(having(), activity, head, giver.address)).to.equal(giver.address);
  });

  it('is on that of who has told of it, where nothing of what was before is known', async () => {
    const before = startActivity(await begin([initiator, helper, nobody]));
    const added = await changeMembers(before, helper, { add: memberFor(another, 'receiver') });
    const activity = joinActivity(added);
    const place = { activity: activity.id, group: activity.group };
    const head = { ...place, sender: another.address };
    expect(payerOf(having(initiator, helper, giver), activity, head, giver.address)).to.equal(helper.address);
    expect(payerOf(having(initiator, giver), activity, head, giver.address)).to.equal(giver.address);
  });
});
