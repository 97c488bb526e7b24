import { expect } from 'chai';
import fc from 'fast-check';
import { type Activity, leaversOf, membersOf } from '../../../../services/core/activities/activity.ts';
import { memberOf } from '../../../../services/core/activities/members.ts';
import type { Message } from '../../../../services/core/activities/parcel.ts';
import { sharedMessages } from '../../../../services/core/activities/shared.ts';
import { startActivity, takeMessage } from '../../../../services/core/activities/takeMessage.ts';
import type { Hash } from '../../../../services/core/bytes.ts';
import { isNotariumError } from '../../../../services/core/errors.ts';
import {
  activityNetwork,
  begin,
  changeMembers,
  leave,
  letGo,
  memberFor,
  noteOn,
  type Person,
  person,
  propose,
  update,
  vote,
} from '../../../support/activityKit.ts';

const people = [1, 2, 3, 4].map(person);

/** All messages that were ever said, for whoever asks. */
class Said {
  readonly messages = new Map<Hash, Message>();

  /** Takes a message in, and before it what it needs; says whether it was taken. */
  give(activity: Activity, message: Message, isWanted = false): Activity {
    let now = activity;
    for (let tries = 0; tries < 50; tries++) {
      try {
        return takeMessage(activityNetwork, now, message, { isWanted });
      } catch (error) {
        if (isNotariumError(error, 'activity-message-known')) return now;
        if (isNotariumError(error, 'activity-epoch-stale')) return now;
        if (!isNotariumError(error, 'activity-message-early')) throw error;
        const { messages = [], group } = error.data.missing as { messages?: Hash[]; group?: Hash };
        const opener = [...this.messages.values()].find(({ head }) => head.type === 'members' && head.group === group);
        for (const one of [...messages.map((id) => this.messages.get(id)!), ...(opener ? [opener] : [])])
          now = this.give(now, one, true);
      }
    }
    throw new Error('it never has all that it needs');
  }
}

type Act = { readonly by: number; readonly kind: number; readonly whom: number; readonly hears: readonly number[] };

const acts = fc.array(
  fc.record({
    by: fc.nat(3),
    kind: fc.nat(9),
    whom: fc.nat(3),
    // Which of the messages that it has not heard yet somebody hears before it acts.
    hears: fc.array(fc.nat(20), { maxLength: 4 }),
  }),
  { minLength: 4, maxLength: 14 },
);

async function actOf(view: Activity, by: Person, { kind, whom }: Act): Promise<Message | undefined> {
  const members = membersOf(view);
  const role = memberOf(members, by.address)?.role;
  const other = people[whom]!;
  if (role === undefined) return undefined;
  if (kind <= 4)
    return view.heads.length > 0 ? await update(view, by, kind === 0 ? view.heads.slice(0, 1) : view.heads) : undefined;
  if (kind === 5) return await noteOn(view, by, view.heads[0]!);
  if (kind === 6) {
    const open = [...view.proposals].find(([, { group }]) => group === view.group);
    if (open) return await vote(view, by, open[0], whom > 0);
    const isIn = memberOf(members, other.address);
    if (isIn?.role === 'initiator') return undefined;
    return await propose(view, by, isIn ? { remove: other.address } : { add: memberFor(other, 'receiver') });
  }
  const leavers = leaversOf(view);
  if (leavers.has(by.address)) return undefined;
  if (leavers.size > 0 && kind >= 7) return await letGo(view, by);
  const staying = members.members.length - leavers.size;
  if (role !== 'initiator') return kind === 7 && staying > 1 ? await leave(view, by) : undefined;
  if (memberOf(members, other.address))
    return other === by ? undefined : await changeMembers(view, by, { remove: other.address });
  return await changeMembers(view, by, { add: memberFor(other, 'receiver') });
}

describe('members that have the same messages', () => {
  it('have the same activity, in whatever order these came', async function () {
    this.timeout(120_000);
    await fc.assert(
      fc.asyncProperty(acts, fc.infiniteStream(fc.nat()), async (script, chance) => {
        const said = new Said();
        const first = await begin(people);
        said.messages.set(first.id, first);
        const views = people.map(() => startActivity(first));
        for (const act of script) {
          const unheard = [...said.messages.values()].filter(({ id }) => !views[act.by]!.taken.has(id));
          for (const at of act.hears) {
            const message = unheard[at % Math.max(1, unheard.length)];
            if (message) views[act.by] = said.give(views[act.by]!, message);
          }
          const message = await actOf(views[act.by]!, people[act.by]!, act);
          if (!message) continue;
          said.messages.set(message.id, message);
          views[act.by] = said.give(views[act.by]!, message);
        }
        const ends = views.map((view) => {
          const rest = [...said.messages.values()]
            .map((message) => ({ message, at: chance.next().value as number }))
            .toSorted((a, b) => a.at - b.at);
          // What was too late by one change of the members may be in time by its rival: it is tried again.
          return [...rest, ...rest].reduce((now, { message }) => said.give(now, message), view);
        });
        for (const end of ends) {
          expect(end.group).to.equal(ends[0]!.group);
          expect(end.heads).to.deep.equal(ends[0]!.heads);
          // So they find nothing to ask each other for.
          for (const [index, one] of people.entries())
            for (const other of people.slice(0, index)) {
              const pair = [one.address, other.address] as const;
              expect(sharedMessages(end, pair, 0)).to.deep.equal(sharedMessages(ends[0]!, pair, 0));
            }
        }
      }),
      { numRuns: 300 },
    );
  });
});
