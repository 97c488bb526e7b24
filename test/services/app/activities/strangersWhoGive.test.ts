import { expect } from 'chai';
import { messageOf } from '../../../../services/app/activities/Activities.ts';
import { copyItem } from '../../../../services/app/activities/exchange/envelopeItems.ts';
import {
  activityProtocols,
  framesOf,
  type MessagesQuery,
  messagesQuerySchema,
} from '../../../../services/app/activities/exchange/items.ts';
import { readJson } from '../../../../services/app/replication/wire.ts';
import type { Envelope } from '../../../../services/core/activities/envelope.ts';
import { sortedMembers } from '../../../../services/core/activities/members.ts';
import type { HeadOf } from '../../../../services/core/activities/message.ts';
import { groupDigest } from '../../../../services/core/activities/opening.ts';
import type { Message } from '../../../../services/core/activities/parcel.ts';
import type { Address, Hash } from '../../../../services/core/bytes.ts';
import { Sealer } from '../../../../services/lib/activities/seal.ts';
import type { Net } from '../../../../services/net/Net.ts';
import { memberFor, randomHash, say } from '../../../support/activityKit.ts';
import { type ActivityNode, ActivityWorld, operator, reaches } from '../../../support/activityNodes.ts';
import { copyOf, type HostilePeer, hostilePeer } from '../../../support/hostilePeer.ts';
import { until } from '../../../support/until.ts';

const order = { kind: 'industrial', request: 'information', body: 1 } as const;
const sealer = new Sealer();
type Question = Omit<MessagesQuery, 'activity'>;
type Kept = { readonly place: number; readonly message: Message; readonly copies: ReadonlyMap<Address, Envelope> };
/** What the hostile one gives of what it is asked for. */
type Gives = (asked: readonly Kept[], question: Question, to: ActivityNode) => Promise<readonly Envelope[]>;
// Of a delivery and what is tried again after it.
const compared = 8;

describe('who was let go, and answers what it is asked', () => {
  let world: ActivityWorld;
  let later: ActivityNode;
  let nobody: ActivityNode;
  let last: ActivityNode;
  let hostile: HostilePeer;
  let kept: Kept[];
  let gives: Gives;
  const asked = new Map<Address, string[]>();
  /** Who has blamed it. */
  const blaming = new Set<Address>();

  /** One that was in the activity when it began and in the epoch after that, has said something in both, and was let go before `later` came. */
  async function open(history: boolean): Promise<void> {
    world = new ActivityWorld();
    asked.clear();
    blaming.clear();
    const wrapNet = (net: Net): Net => Object.assign(net, { blame: () => void blaming.add(net.address) });
    const nodes = await world.open(6, { wrapNet });
    const [buyer, seller, another] = nodes as [ActivityNode, ActivityNode, ActivityNode];
    [later, nobody, last] = nodes.slice(3) as [ActivityNode, ActivityNode, ActivityNode];
    const receivers = [seller.name, last.name];
    const { activity, message } = await buyer.desk.start(operator, { ...order, rules: { history }, receivers });
    await reaches(message, seller, last);
    const update = await last.desk.update(operator, activity, { body: 2 });
    await reaches(update.message, buyer, seller);
    const add = (node: ActivityNode) => ({ add: [{ party: node.name, role: 'receiver' as const }] });
    const first = await buyer.desk.changeMembers(operator, activity, add(another));
    await reaches(first.message, seller, another, last);
    const note = await last.desk.note(operator, activity, { on: message, body: 'of its own' });
    await reaches(note.message, buyer, seller);
    const removed = await buyer.desk.changeMembers(operator, activity, { remove: [last.address] });
    await reaches(removed.message, seller, another);
    const added = await buyer.desk.changeMembers(operator, activity, add(later));
    await reaches(added.message, seller, another, later);
    if (history) await until('it has what was before', () => later.has(note.message));
    kept = [];
    for (const { id, place } of await last.store.messages(activity)) {
      const copies = new Map<Address, Envelope>();
      for (const { address, person } of [later, nobody]) copies.set(address, await copyOf(last, { id, to: person }));
      kept.push({ place, copies, message: messageOf((await last.store.message(id))!) });
    }
    hostile = await hostilePeer(world, last);
    hostile.answers.set(activityProtocols.messages, async function* (frames, from) {
      const [frame] = await Array.fromAsync(frames);
      const { activity: _, ...question } = readJson(messagesQuerySchema, frame);
      asked.set(from, [...(asked.get(from) ?? []), JSON.stringify(question)]);
      const { messages, groups, fromPlace = Infinity } = question;
      const isAsked = ({ place, message: { id, head } }: Kept): boolean =>
        place >= fromPlace || messages.includes(id) || (isOpening(head) && groups.includes(head.group));
      const to = [later, nobody].find(({ address }) => address === from)!;
      const given = await gives(kept.filter(isAsked), question, to);
      const firstPlace = question.fromPlace ?? 0;
      yield* framesOf(given.map((envelope, index) => copyItem({ place: firstPlace + index, envelope })));
    });
  }
  afterEach(() => world.close());

  const isOpening = ({ type }: Message['head']) => type === 'start' || type === 'members';
  const openings = () => kept.flatMap(({ message: { head } }) => (isOpening(head) ? [head as HeadOf<'members'>] : []));
  const copiesOf = (some: readonly Kept[], { address }: ActivityNode) => some.map(({ copies }) => copies.get(address)!);

  /** A new word of its own in the second epoch, which no member was ever given, sealed to somebody who was not in it. */
  async function ownNote(to: ActivityNode): Promise<Envelope> {
    const { activity, group, epoch, secret, membership } = openings()[1]!;
    const on = kept[0]!.message.id;
    const note = await say(hostile.person, 'note', { activity, group, epoch, on }, 'x');
    const members = sortedMembers([...membership.members, memberFor(to.person, 'receiver')]);
    return { sealed: await sealer.seal(note, secret, members), copy: true };
  }

  /** What both answer, and ask, is the same. */
  async function alike(
    how: Gives,
    deliver: (to: ActivityNode) => Promise<Envelope>,
    isBlamed = false,
  ): Promise<string[]> {
    gives = how;
    const answers: unknown[] = [];
    for (const to of [later, nobody]) {
      const { ack, code } = await hostile.envelope(to, await deliver(to));
      answers.push(ack ? ack.stage : code);
    }
    expect(answers).to.deep.equal(['delivered', 'delivered']);
    const askedBy = ({ address }: ActivityNode) => asked.get(address) ?? [];
    await until('both have asked often enough', () =>
      [later, nobody].every((node) => askedBy(node).length >= compared),
    );
    const [has, hasNot] = [later, nobody].map((node) => askedBy(node).slice(0, compared));
    expect(has).to.deep.equal(hasNot);
    expect([...blaming].toSorted()).to.deep.equal(isBlamed ? [later.address, nobody.address].toSorted() : []);
    return has!;
  }

  const unasked = 'what it was not asked for';
  const ways: { readonly [name: string]: Gives } = {
    nothing: async () => [],
    'the truth': async (some, _, to) => copiesOf(some, to),
    'the newest epoch alone': async (some, _, to) =>
      copiesOf(
        some.filter(({ message: { head } }) => head.type === 'members'),
        to,
      ),
    'all but the beginning': async (some, _, to) =>
      copiesOf(
        some.filter(({ message: { head } }) => head.type !== 'start'),
        to,
      ),
    'the epochs, and none of what was said': async (some, _, to) =>
      copiesOf(
        some.filter(({ message: { head } }) => isOpening(head)),
        to,
      ),
    [unasked]: async (some, { groups }, to) => {
      const before = openings().at(-1)!;
      if (some.length === 0 || !groups.includes(before.group)) return copiesOf(some, to);
      const note = await ownNote(to);
      return [...copiesOf(some, to), note];
    },
  };
  for (const history of [true, false])
    for (const [name, how] of Object.entries(ways))
      it(`by ${name} does not find out who has come, ${history ? 'with' : 'without'} history`, async () => {
        await open(history);
        const questions = await alike(how, ownNote, name === unasked);
        const [start, second] = openings();
        expect(JSON.parse(questions[0]!)).to.deep.equal({ messages: [], groups: [second!.group] });
        // Nothing of an answer counts in which there is something else.
        if (name === 'nothing' || name === unasked) return;
        expect(JSON.parse(questions[1]!)).to.have.property('groups').that.deep.equals([start!.group]);
      });

  for (const history of [true, false])
    for (const name of ['nothing', 'the truth'])
      it(`and says once more what it has said, by ${name} neither, ${history ? 'with' : 'without'} history`, async () => {
        await open(history);
        const note = kept.find(({ message: { head } }) => head.type === 'note')!;
        await alike(ways[name]!, async ({ address }) => note.copies.get(address)!);
        expect(await later.has(note.message.id)).to.equal(history);
      });

  for (const name of ['nothing', 'the truth'])
    it(`nor by ${name} with an epoch that it opens upon what both know, with versions that there are not`, async () => {
      await open(true);
      const { activity, origin, terms, membership, group: previous, epoch } = openings()[1]!;
      const members = sortedMembers(membership.members.filter(({ role }) => role !== 'initiator'));
      const heads = [randomHash()];
      const opening = {
        terms,
        secret: randomHash(),
        heads,
        membership: { epoch: epoch + 1, previous, members },
      };
      const group = groupDigest({ activity, sender: hostile.person.address, ...opening });
      const made = await say(hostile.person, 'members', { activity, epoch: epoch + 1, group, origin, ...opening });
      const envelopes = new Map<Hash, Message>([[group, made]]);
      const sealedTo = async (message: Message, secret: Hash, to: ActivityNode) => ({
        sealed: await sealer.seal(message, secret, sortedMembers([...members, memberFor(to.person, 'receiver')])),
        copy: true as const,
      });
      await alike(
        async (some, { groups, fromPlace }, to) => {
          const own = groups.flatMap((one) => envelopes.get(one) ?? []);
          const true_ = name === 'the truth' || fromPlace !== undefined ? copiesOf(some, to) : [];
          return [...true_, ...(await Promise.all(own.map((message) => sealedTo(message, opening.secret, to))))];
        },
        async (to) => {
          const note = await say(hostile.person, 'note', { activity, group, epoch: epoch + 1, on: heads[0]! }, 'x');
          return await sealedTo(note, opening.secret, to);
        },
      );
    });
});
