import { expect } from 'chai';
import { messageOf } from '../../../../services/app/activities/Activities.ts';
import {
  activityProtocols,
  type MessagesQuery,
  messagesQuerySchema,
} from '../../../../services/app/activities/exchange/items.ts';
import { readJson } from '../../../../services/app/replication/wire.ts';
import {
  activityId,
  isSignedOrigin,
  type Origin,
  signOrigin,
} from '../../../../services/core/activities/activityId.ts';
import { noHash, sortedMembers } from '../../../../services/core/activities/members.ts';
import type { ActivityTerms, HeadOf, ShownHead } from '../../../../services/core/activities/message.ts';
import { groupDigest } from '../../../../services/core/activities/opening.ts';
import { type Message, shownHead } from '../../../../services/core/activities/parcel.ts';
import type { Address, Hash, Hex } from '../../../../services/core/bytes.ts';
import { networkName } from '../../../../services/core/eip712.ts';
import { Sealer } from '../../../../services/lib/activities/seal.ts';
import { activityNetwork, memberFor, person, plainTerms, randomHash, say } from '../../../support/activityKit.ts';
import { type ActivityNode, ActivityWorld, operator, reaches } from '../../../support/activityNodes.ts';
import { type HostilePeer, hostilePeer, type ItemAnswer } from '../../../support/hostilePeer.ts';
import { until } from '../../../support/until.ts';

const order = { kind: 'industrial', request: 'information', body: 1 } as const;
const sealer = new Sealer();
type Blame = { readonly peer: Address; readonly code: string };
type Question = Pick<MessagesQuery, 'messages' | 'groups' | 'fromPlace'>;

describe('who is no member of an activity', () => {
  let world: ActivityWorld;
  let buyer: ActivityNode;
  /** Has the activity, from its beginning or since somebody was let go. */
  let seller: ActivityNode;
  let later: ActivityNode;
  /** Has not. */
  let nobody: ActivityNode;
  let hostile: HostilePeer;
  const blames: Blame[] = [];
  const asked = new Map<Address, Set<string>>();

  /** Nodes of which the last one is in hostile hands, a member or not; the seller is one, and after the last one has gone the fourth. */
  async function open({ history, wasMember }: { history: boolean; wasMember: boolean }): Promise<Message> {
    world = new ActivityWorld();
    blames.length = 0;
    asked.clear();
    const wrapNet = <T extends object>(net: T): T =>
      Object.assign(net, { blame: (peer: Address, code: string) => void blames.push({ peer, code }) });
    const nodes = await world.open(5, { wrapNet });
    [buyer, seller, nobody, later] = nodes;
    const last = nodes[4];
    const receivers = wasMember ? [seller.name, last.name] : [seller.name];
    const { activity, message } = await buyer.desk.start(operator, {
      ...order,
      rules: { history },
      receivers,
    });
    await reaches(message, seller, ...(wasMember ? [last] : []));
    if (wasMember) await buyer.desk.changeMembers(operator, activity, { remove: [last.address] });
    const add = [{ party: later.name, role: 'receiver' }] as const;
    const added = await buyer.desk.changeMembers(operator, activity, { add: [...add] });
    await reaches(added.message, seller, later);
    hostile = await hostilePeer(world, last);
    hostile.answers.set(activityProtocols.messages, async function* (frames, from) {
      const [frame] = await Array.fromAsync(frames);
      const { activity: _, ...question } = readJson(messagesQuerySchema, frame);
      asked.set(from, (asked.get(from) ?? new Set()).add(JSON.stringify(question)));
      yield* [];
    });
    return messageOf((await buyer.store.message(message))!);
  }
  afterEach(() => world.close());

  /** What somebody answers to a message in an epoch of the hostile one's making. */
  async function answerOf(to: ActivityNode, message: Message, secret = randomHash()) {
    const members = [memberFor(hostile.person, 'receiver'), memberFor(to.person, 'receiver')];
    return said(await hostile.envelope(to, { sealed: sealer.seal(message, secret, sortedMembers(members)) }));
  }
  /** What each of them has asked the hostile one, as often as it has. */
  const askedBy = (...nodes: ActivityNode[]) =>
    nodes.map(({ address }) => [...(asked.get(address) ?? [])].toSorted().map((text) => JSON.parse(text) as Question));
  const said = ({ ack, code, detail }: ItemAnswer) => (ack ? { stage: ack.stage } : { code, detail });

  /** A change of the members that adds somebody, by the hostile one, as if it were in it. */
  async function adding(
    to: ActivityNode,
    origin: Origin,
    how: { history: boolean; previous?: Hash; terms?: ActivityTerms },
  ): Promise<{ message: Message; secret: Hash }> {
    const { previous = randomHash(), history } = how;
    const epoch = how.previous === undefined ? 9 : 1;
    const { terms = { ...plainTerms, rules: { history, approval: 'majority' } } } = how;
    const members = [memberFor(hostile.person, 'receiver'), memberFor(to.person, 'receiver')];
    const membership = { epoch, previous, members: sortedMembers(members) };
    const opening = { terms, membership, secret: randomHash(), heads: [] };
    const activity = activityId(networkName(activityNetwork), origin);
    const group = groupDigest({ activity, sender: hostile.person.address, ...opening });
    const head = { activity, epoch, group, origin, ...opening };
    return { message: await say(hostile.person, 'members', head), secret: opening.secret };
  }

  for (const history of [true, false])
    it(`and was shown the head of its beginning finds out by nothing who is, ${history ? 'with' : 'without'} history`, async () => {
      const first = await open({ history, wasMember: false });
      const shown = shownHead(first.head) as Extract<ShownHead, { type: 'start' }>;
      const { initiator, salt, signatureDigest } = shown.origin;
      const own = await signOrigin(activityNetwork, salt, hostile.person.signer);
      const signatures = [own.signature, `${signatureDigest}${'00'.repeat(32)}1b` as Hex];
      for (const to of [seller, later, nobody]) {
        for (const signature of signatures)
          for (const [claimed, previous] of [
            [true, randomHash()],
            [false, randomHash()],
            [true, shown.group],
            [false, shown.group],
          ] as const) {
            const origin = { initiator, salt, signature };
            const { message, secret } = await adding(to, origin, { history: claimed, previous });
            expect(await answerOf(to, message, secret), `${to.name} ${claimed}`).to.deep.equal({
              code: 'activity-message-invalid',
              detail: 'its initiator has not signed the origin',
            });
          }
        const code = 'activity-message-invalid';
        expect(await to.counted('messages_refused_total', { code })).to.equal(8);
      }
      const from = { peer: hostile.person.address, code: 'activity-message-invalid' };
      expect(blames).to.deep.equal(Array(24).fill(from));
      expect(asked).to.have.property('size', 0);
      // Nor by what it says in epochs that there are, or are not.
      const { activity, group, epoch } = shown;
      const places = [
        { group, epoch },
        { group: randomHash(), epoch },
        { group, epoch: 4 },
      ];
      for (const place of places)
        for (const to of [seller, later, nobody]) {
          const note = await say(hostile.person, 'note', { activity, ...place, on: first.id }, 'whatever');
          expect(await answerOf(to, note), to.name).to.deep.equal({ stage: 'delivered' });
        }
      const groups = [...new Set(places.map((place) => place.group))].toSorted();
      const questions = groups.map((one) => ({ messages: [], groups: [one] }));
      expect(askedBy(seller, later, nobody)).to.deep.equal([questions, questions, questions]);
      expect(await seller.has(first.id)).to.equal(true);
      expect(await nobody.store.knownActivities([activity])).to.have.property('size', 0);
    });

  it('cannot say that somebody else has begun one', async () => {
    await open({ history: false, wasMember: false });
    const { signature } = await signOrigin(activityNetwork, randomHash(), hostile.person.signer);
    const origin = { initiator: buyer.address, salt: randomHash(), signature };
    const { message, secret } = await adding(nobody, origin, { history: false });
    expect(await answerOf(nobody, message, secret)).to.include({ code: 'activity-message-invalid' });
    expect((await nobody.desk.list(operator, { limit: 9 })).items).to.deep.equal([]);
    // What it has begun itself it may say.
    const begun = await signOrigin(activityNetwork, randomHash(), hostile.person.signer);
    hostile.answers.delete(activityProtocols.messages);
    hostile.answers.set(activityProtocols.messages, async function* () {});
    const own = await adding(nobody, begun, { history: false });
    expect(await answerOf(nobody, own.message, own.secret)).to.include({ stage: 'read' });
  });

  it('nor is the initiator a node: nothing is admitted', async () => {
    await open({ history: false, wasMember: false });
    hostile.answers.set(activityProtocols.messages, async function* () {});
    const nowhere = person(77);
    const origin = await signOrigin(activityNetwork, randomHash(), nowhere.signer);
    expect(isSignedOrigin(activityNetwork, origin)).to.equal(true);
    const { message, secret } = await adding(nobody, origin, { history: false });
    expect(await answerOf(nobody, message, secret)).to.include({ stage: 'delivered' });
    expect((await nobody.desk.list(operator, { limit: 9 })).items).to.deep.equal([]);
    // As soon as it is one, what it has begun is there.
    const [one] = world.add(1);
    one!.registered = { ...one!.registered, address: nowhere.address };
    await until('it is taken', async () => (await nobody.desk.list(operator, { limit: 9 })).items.length === 1);
  });

  it('any more is answered as a stranger by who came after it, and by who is in it still as before', async () => {
    const first = await open({ history: true, wasMember: true });
    const { activity, group, origin, secret, terms } = first.head as HeadOf<'start'>;
    const compare = async (to: ActivityNode) => {
      const item = JSON.stringify({ activity, since: 0, digest: noHash });
      const size = Buffer.alloc(4);
      size.writeUInt32BE(item.length);
      const answer = Buffer.concat(
        await hostile.send(to, activityProtocols.compare, [Buffer.concat([size, Buffer.from(item)])]),
      );
      return JSON.parse(answer.subarray(4).toString());
    };
    expect(await Promise.all([seller, later, nobody].map(compare))).to.deep.equal([
      { removed: true },
      { unknown: true },
      { unknown: true },
    ]);
    const query = Buffer.from(JSON.stringify({ activity, messages: [first.id], groups: [], fromPlace: 0 }));
    const given = (to: ActivityNode) => hostile.send(to, activityProtocols.messages, [query]);
    expect(await given(seller)).not.to.deep.equal([]);
    expect([await given(later), await given(nobody)]).to.deep.equal([[], []]);
    expect(await later.has(first.id), 'it has what was before').to.equal(true);
    for (const to of [later, nobody])
      for (const { message, secret: by } of [
        // With the true secret, in the epoch in which it was a member.
        { message: await say(hostile.person, 'note', { activity, group, epoch: 0, on: first.id }), secret },
        await adding(to, origin, { history: true }),
        await adding(to, origin, { history: true, previous: group }),
      ])
        expect(await answerOf(to, message, by), `${to.name}: ${message.head.type}`).to.deep.equal({
          stage: 'delivered',
        });
    const questions = [
      { messages: [], groups: [group] },
      { messages: [], groups: [], fromPlace: 0 },
    ];
    expect(askedBy(later, nobody)).to.deep.equal([questions, questions]);
    // Who knows it from before is no secret to it.
    const made = await adding(seller, origin, { history: true, previous: group, terms });
    expect(await answerOf(seller, made.message, made.secret)).to.include({ code: 'activity-role' });
    expect(await seller.state(activity)).to.deep.equal(await later.state(activity));
  });
});
