import { expect } from 'chai';
import fc from 'fast-check';
import { type Activity, membersOf, nextNumber } from '../../../../services/core/activities/activity.ts';
import { changedMembers, decidedIn, isVotedIn, leaversOf } from '../../../../services/core/activities/decided.ts';
import { memberOf } from '../../../../services/core/activities/members.ts';
import type { Message } from '../../../../services/core/activities/parcel.ts';
import type { Hash } from '../../../../services/core/bytes.ts';
import {
  begin,
  changeMembers,
  leave,
  letGo,
  memberFor,
  noteOn,
  type Person,
  person,
  plainTerms,
  propose,
  randomHash,
  randomKey,
  say,
  update,
  vote,
} from '../../../support/activityKit.ts';
import { SimulatedNode } from '../../../support/activitySimulation.ts';

const people = [1, 2, 3, 4, 5].map(person) as [Person, Person, Person, Person, Person];
/** Says whatever it likes, to whom it likes; whoever else is removed and is not told of it goes on speaking. */
const liar = people[3];

type Act = {
  readonly by: number;
  readonly kind: number;
  readonly whom: number;
  /** Whom it reaches at once; all others later, in any order. */
  readonly reaches: number;
  /** Who catches up before it. */
  readonly hears: number;
  readonly asOf: number;
};

const script = fc.array(
  fc.record({
    ...{ by: fc.nat(4), kind: fc.nat(15), whom: fc.nat(4) },
    ...{ reaches: fc.nat(31), hears: fc.nat(31), asOf: fc.nat(40) },
  }),
  { minLength: 5, maxLength: 20 },
);

/** What an honest node says, by what it knows. */
async function honest(view: Activity, by: Person, { kind, whom }: Act): Promise<Message[]> {
  const { members } = membersOf(view);
  const own = members.find(({ address }) => address === by.address);
  if (!own || leaversOf(view).has(by.address)) return [];
  const other = people[whom]!;
  const isIn = members.some(({ address }) => address === other.address);
  const [head] = view.heads;
  const [proposal] = view.proposals;
  switch (kind) {
    case 0:
    case 1:
    case 2:
      return head ? [await update(view, by, kind === 0 ? [head] : view.heads.slice(0, 16))] : [];
    case 3:
      return head ? [await noteOn(view, by, head)] : [];
    case 4:
    case 5:
      if (own.role !== 'initiator' || other.address === by.address) return [];
      return [await changeMembers(view, by, isIn ? { remove: other.address } : { add: memberFor(other, 'receiver') })];
    case 6: {
      const rekeyed = members.map((one) => (one.address === by.address ? { ...one, key: randomKey() } : one));
      return [await changeMembers(view, by, rekeyed)];
    }
    case 7:
      return members.length > 2 && own.role !== 'initiator' ? [await leave(view, by)] : [];
    case 8:
      return leaversOf(view).size > 0 ? [await letGo(view, by)] : [];
    case 9:
      if (own.role === 'regulator' || other === people[0]) return [];
      return [await propose(view, by, isIn ? { remove: other.address } : { add: memberFor(other, 'receiver') })];
    case 10:
    case 11:
      if (!proposal || own.role === 'regulator' || !isVotedIn(view, proposal[1], view.group)) return [];
      return [await vote(view, by, proposal[0])];
    case 12: {
      const [id] = decidedIn(view).proposals;
      if (!id) return [];
      const { change, votes } = view.proposals.get(id)!;
      const after = changedMembers(members, change);
      if (!after.some(({ address }) => address === by.address)) return [];
      return [await changeMembers(view, by, after, { proposal: { id, votes: [...votes.keys()] } })];
    }
    default:
      return [];
  }
}

/** What nobody honest says. */
async function lie(view: Activity, { kind, whom }: Act): Promise<Message[]> {
  const { members, epoch } = membersOf(view);
  if (!members.some(({ address }) => address === liar.address)) return [];
  const place = { activity: view.id, group: view.group, epoch };
  const rekeyed = members.map((one) => (one.address === liar.address ? { ...one, key: randomKey() } : one));
  const madeUp = randomHash();
  const number = nextNumber(view.heads.map((id) => view.versions.get(id)!.number));
  switch (kind % 5) {
    case 0:
      return [await say(liar, 'update', { ...place, builds: [madeUp], number: number + whom })];
    case 1:
      return [await say(liar, 'update', { ...place, builds: [...view.heads.slice(0, 15), madeUp], number })];
    case 2:
      return [await changeMembers(view, liar, rekeyed, { heads: [...view.heads.slice(0, 8), madeUp] })];
    case 3:
      // Two keys on the same epoch.
      return [await changeMembers(view, liar, rekeyed), await changeMembers(view, liar, rekeyed, { heads: [] })];
    default:
      return await honest(view, liar, { kind, whom } as Act);
  }
}

describe('members that are told what was said, whenever, in whatever order and however often', () => {
  for (const history of [true, false])
    it(`see the same${history ? '' : ', also those that were added without what was before'}`, async () => {
      const met = new Map<string, number>();
      const count = (name: string) => met.set(name, (met.get(name) ?? 0) + 1);
      await fc.assert(
        fc.asyncProperty(script, fc.infiniteStream(fc.nat()), async (acts, chance) => {
          const nodes = people.map((each) => new SimulatedNode(each));
          const terms = { ...plainTerms, rules: { history, approval: 'majority' as const } };
          const first = await begin(people.slice(0, 4), { terms });
          /** What is under way, by whom it goes to. */
          const queued: { readonly message: Message; readonly from: SimulatedNode; readonly to: SimulatedNode }[] = [];
          const views = nodes.map(() => [] as Activity[]);
          const send = (from: SimulatedNode, message: Message, reaches: number): void => {
            if (from.person !== liar) from.receive(message, { from });
            const { head } = message;
            const opened = head.type === 'start' || head.type === 'members' ? head.membership : undefined;
            const to = opened ?? from.view?.epochs.get(head.group)?.membership;
            for (const [index, node] of nodes.entries()) {
              if (node === from || !to || !memberOf(to, node.address)) continue;
              if ((reaches >> index) & 1) node.receive(message, { from });
              // Also what has come comes again.
              queued.push({ message, from, to: node });
            }
          };
          nodes[3]!.receive(first, { from: nodes[0]! });
          send(nodes[0]!, first, 31);
          for (const act of acts) {
            const node = nodes[act.by]!;
            for (const [index, other] of nodes.entries()) if ((act.hears >> index) & 1) node.compare(other);
            if (!node.view) continue;
            if (act.kind === 13 && node.person !== liar && act.by > 0) {
              node.forget(act.asOf % 4);
              // It says nothing before it has compared.
              for (const other of nodes) node.compare(other);
              count('restored');
              continue;
            }
            views[act.by]!.push(node.view);
            const isLiar = node.person === liar;
            const known = views[act.by]!;
            const said = isLiar
              ? await lie(known[act.asOf % known.length]!, act)
              : await honest(node.view, node.person, act);
            const isOut = !memberOf(membersOf(nodes[0]!.view!), node.address);
            for (const message of said) {
              count(isLiar ? 'lie' : isOut ? 'removed' : message.head.type);
              send(node, message, act.reaches);
            }
          }
          // In whatever order, until there is nothing new for anybody.
          const rest = queued
            .map((each) => ({ ...each, at: chance.next().value as number }))
            .toSorted((a, b) => a.at - b.at);
          for (let before = -1, rounds = 0; ; rounds++) {
            const now = nodes.reduce((sum, { taken }) => sum + taken.size, 0);
            if (now === before) break;
            expect(rounds).to.be.lessThan(50);
            before = now;
            for (const { message, from, to } of rest) to.receive(message, { from });
            for (const node of nodes) {
              node.again();
              for (const other of nodes) if (other !== node && other.person !== liar) node.compare(other);
            }
          }
          const all = nodes[0]!.view!;
          for (const { person: who, address, view, taken } of nodes) {
            if (who === liar || !memberOf(membersOf(all), address)) continue;
            expect(view?.group, 'group').to.equal(all.group);
            if (history) expect([...taken.keys()].toSorted()).to.deep.equal([...nodes[0]!.taken.keys()].toSorted());
            const since = view!.since;
            if (since > 0) count('joined');
            // What was in conflict before it came, it is told by the version that brings it together; and what it had before it was out
            // may have been replaced meanwhile.
            const isSeen = (id: Hash) =>
              view!.versions.has(id) &&
              (all.heads.includes(id) || view!.epochs.get(all.versions.get(id)!.group)!.membership.epoch >= since);
            expect(view!.heads.filter(isSeen)).to.deep.equal(history ? all.heads : all.heads.filter(isSeen));
          }
        }),
        { numRuns: 400 },
      );
      for (const kind of ['lie', 'removed', 'restored', 'update', 'members', ...(history ? [] : ['joined'])])
        expect(met.get(kind) ?? 0, kind).to.be.greaterThan(8);
    });
});
