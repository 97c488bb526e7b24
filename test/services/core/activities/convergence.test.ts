import { expect } from 'chai';
import fc from 'fast-check';
import { type Activity, membersOf, trustees } from '../../../../services/core/activities/activity.ts';
import { changedMembers, decidedIn, isVotedIn, leaversOf } from '../../../../services/core/activities/decided.ts';
import { memberOf } from '../../../../services/core/activities/members.ts';
import type { HeadOf } from '../../../../services/core/activities/message.ts';
import type { Message } from '../../../../services/core/activities/parcel.ts';
import { sharedMessages } from '../../../../services/core/activities/shared.ts';
import { startActivity, takeMessage } from '../../../../services/core/activities/takeMessage.ts';
import type { Hash } from '../../../../services/core/bytes.ts';
import { isNotariumError } from '../../../../services/core/errors.ts';
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
  type Person,
  person,
  propose,
  randomKey,
  say,
  update,
  vote,
} from '../../../support/activityKit.ts';
import { crypto } from '../../../support/recordKit.ts';

const people = [1, 2, 3, 4, 5].map(person);
const [initiator] = people as [Person];

/** All messages that were ever said, for whoever asks. */
class Said {
  readonly messages = new Map<Hash, Message>();

  /** Takes a message in, and before it what it needs, where that can be taken. */
  give(activity: Activity, message: Message, refusals: Set<Hash>, depth = 0): Activity {
    let now = activity;
    for (let tries = 0; tries < 4; tries++) {
      try {
        return takeMessage(activityNetwork, now, message, { isWanted: true, crypto });
      } catch (error) {
        if (isNotariumError(error, 'activity-message-known')) return now;
        if (!isNotariumError(error)) throw error;
        if (error.code !== 'activity-message-early') {
          refusals.add(message.id);
          return now;
        }
        if (depth > 60) return now;
        const { messages = [], group } = error.data.missing as { messages?: Hash[]; group?: Hash };
        const openers = [...this.messages.values()].filter(
          ({ head }) => (head.type === 'members' || head.type === 'start') && head.group === group,
        );
        const before = now.taken.size;
        for (const one of [...messages.flatMap((id) => this.messages.get(id) ?? []), ...openers])
          now = this.give(now, one, refusals, depth + 1);
        // What it needs was refused.
        if (now.taken.size === before) return now;
      }
    }
    return now;
  }
}

type Act = {
  readonly by: number;
  readonly kind: number;
  readonly whom: number;
  readonly hears: readonly number[];
  readonly asOf: number;
};

const acts = fc.array(
  fc.record({
    by: fc.nat(4),
    kind: fc.nat(16),
    whom: fc.nat(4),
    // Which of the messages that it has not heard yet somebody hears before it acts.
    hears: fc.array(fc.nat(20), { maxLength: 6 }),
    // Who is not honest goes by what it knew at any time before.
    asOf: fc.nat(1000),
  }),
  { minLength: 5, maxLength: 18 },
);

/** What somebody says; two of five are members that say whatever the rules might let them, at any time. */
async function actOf(
  view: Activity,
  by: Person,
  act: Act,
  { isHonest, said }: { isHonest: boolean; said: readonly Message[] },
): Promise<Message | undefined> {
  const { kind, whom } = act;
  const members = membersOf(view);
  const role = memberOf(members, by.address)?.role;
  const other = people[whom]!;
  if (role === undefined) return undefined;
  if (isHonest && leaversOf(view).has(by.address)) return undefined;
  const { heads } = view;
  const [head] = heads;
  const others = members.members.filter(({ address }) => address !== other.address);
  const isIn = memberOf(members, other.address) !== undefined;
  const rekeyed = members.members.map((one) => (one.address === by.address ? { ...one, key: randomKey() } : one));
  const [proposal] = [...view.proposals];
  switch (kind) {
    case 0:
    case 1:
    case 2:
      return head ? await update(view, by, kind === 0 ? [head] : heads) : undefined;
    case 3:
      return head ? await noteOn(view, by, head) : undefined;
    case 4:
      return head ? await countersign(view, by, head) : undefined;
    case 5: {
      const [on, signed] = [...view.countersignatures][whom % Math.max(1, view.countersignatures.size)] ?? [];
      const version = on && view.versions.get(on);
      if (!version || !signed) return undefined;
      const who = isHonest ? trustees(view, version, view.group) : [...signed.keys()].toSorted();
      const signatures = who.flatMap((member) => {
        const signature = signed.get(member);
        return signature ? [{ member, signature }] : [];
      });
      if (signatures.length < (isHonest ? who.length : 1)) return undefined;
      return await certify(view, by, on, signatures);
    }
    case 6:
      if (isHonest && other === initiator) return undefined;
      return isIn
        ? await propose(view, by, { remove: other.address })
        : await propose(view, by, { add: memberFor(other, 'receiver') });
    case 7:
    case 8:
    case 9:
      if (!proposal || (isHonest && !isVotedIn(view, proposal[1], view.group))) return undefined;
      return await vote(view, by, proposal[0], isHonest || kind < 9);
    case 10: {
      const id = isHonest ? decidedIn(view).proposals[0] : proposal?.[0];
      if (!id) return undefined;
      const { change, votes } = view.proposals.get(id)!;
      const named = [...votes].flatMap(([ballot, { approve }]) => (approve ? [ballot] : []));
      const after = changedMembers(members.members, change);
      if (isHonest && !after.some(({ address }) => address === by.address)) return undefined;
      return await changeMembers(view, by, after, { proposal: { id, votes: named } });
    }
    case 11:
      return await leave(view, by);
    case 12:
      return leaversOf(view).size > 0 ? await letGo(view, by) : undefined;
    case 13:
      return await changeMembers(view, by, rekeyed);
    case 14:
      if (isHonest && (role !== 'initiator' || other === by)) return undefined;
      return await changeMembers(view, by, isIn ? others : [...others, memberFor(other, 'receiver')]);
    case 15: {
      // The same epoch told twice, with another time.
      const own = said.find(({ head }) => head.type === 'members' && head.sender === by.address);
      if (!own || isHonest) return undefined;
      const { type: _, ...head } = own.head as HeadOf<'members'>;
      return await say(by, 'members', { ...head, heads: kind + whom > 17 ? [] : head.heads });
    }
    default:
      return isHonest ? undefined : await changeMembers(view, by, [...others, { ...memberFor(other, 'receiver') }]);
  }
}

/** All that an activity is. */
const stateOf = (activity: Activity) => {
  const sorted = <T>(map: ReadonlyMap<string, T>): [string, T][] => [...map].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return {
    ...{ group: activity.group, heads: activity.heads, terms: activity.terms, since: activity.since },
    epochs: sorted(activity.epochs),
    versions: sorted(activity.versions),
    notes: sorted(activity.notes),
    countersignatures: sorted(activity.countersignatures).map(([id, signed]) => [id, sorted(signed)]),
    certificates: sorted(activity.certificates).map(([id, made]) => [id, sorted(made)]),
    proposals: sorted(activity.proposals).map(([id, { votes, approving, ...rest }]) => {
      return [id, rest, sorted(votes), [...approving].toSorted()];
    }),
    approved: [...activity.approved.keys()].toSorted(),
    leaves: sorted(activity.leaves),
    taken: [...activity.taken.keys()].toSorted(),
    decided: { leavers: sorted(decidedIn(activity).leavers), proposals: decidedIn(activity).proposals },
  };
};

describe('members that have the same messages', () => {
  it('have the same activity and have refused the same, in whatever order these came, whoever is dishonest', async () => {
    const met = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(acts, fc.boolean(), fc.infiniteStream(fc.nat()), async (script, atOnce, chance) => {
        const said = new Said();
        const first = await begin(people.slice(0, 4), { regulators: people.slice(4) });
        said.messages.set(first.id, first);
        // So that it may have a certificate.
        for (const one of people.slice(0, atOnce ? 5 : 0)) {
          const signed = await countersign(startActivity(first), one, first.id);
          said.messages.set(signed.id, signed);
        }
        // Each as it was after each of its steps.
        const views = people.map(() => [startActivity(first)]);
        for (const act of script) {
          const isHonest = act.by < 3;
          const known = views[act.by]!;
          let now = known.at(-1)!;
          const unheard = [...said.messages.values()].filter(({ id }) => !now.taken.has(id));
          for (const at of act.hears) {
            const message = unheard[at % Math.max(1, unheard.length)];
            if (message) now = said.give(now, message, new Set());
          }
          const from = isHonest || !atOnce ? now : known[act.asOf % known.length]!;
          const message = await actOf(from, people[act.by]!, act, { isHonest, said: [...said.messages.values()] });
          if (message) {
            said.messages.set(message.id, message);
            met.set(message.head.type, (met.get(message.head.type) ?? 0) + 1);
            if (isHonest) {
              const refusals = new Set<Hash>();
              now = said.give(now, message, refusals);
              if (message.head.type !== 'update') expect([...refusals], message.head.type).to.deep.equal([]);
            }
          }
          known.push(now);
        }
        const ends = views.map((known) => {
          const refusals = new Set<Hash>();
          const rest = [...said.messages.values()]
            .map((message) => ({ message, at: chance.next().value as number }))
            .toSorted((a, b) => a.at - b.at);
          const end = [...rest, ...rest].reduce((now, { message }) => said.give(now, message, refusals), known.at(-1)!);
          return { end, refusals: [...refusals].toSorted() };
        });
        const [one] = ends as [(typeof ends)[0]];
        for (const { end, refusals } of ends) {
          expect(stateOf(end)).to.deep.equal(stateOf(one.end));
          expect(refusals).to.deep.equal(one.refusals);
          // So they find nothing to ask each other for.
          for (const [index, a] of people.entries())
            for (const b of people.slice(0, index)) {
              const pair = [a.address, b.address] as const;
              expect(sharedMessages(end, pair, 0)).to.deep.equal(sharedMessages(one.end, pair, 0));
            }
        }
        for (const id of one.refusals) met.set('refused', (met.get('refused') ?? 0) + (id ? 1 : 0));
      }),
      { numRuns: 300 },
    );
    // Else it would show nothing.
    for (const type of ['members', 'vote', 'proposal', 'leave', 'certificate', 'countersignature', 'note', 'refused'])
      expect(met.get(type) ?? 0, type).to.be.greaterThan(8);
  });
});
