import { expect } from 'chai';
import fc from 'fast-check';
import { messageOf } from '../../../../services/app/activities/Activities.ts';
import { activityProtocols } from '../../../../services/app/activities/exchange/items.ts';
import { ackSchema, signAck } from '../../../../services/core/activities/ack.ts';
import type { Envelope } from '../../../../services/core/activities/envelope.ts';
import { startActivity } from '../../../../services/core/activities/takeMessage.ts';
import { type Hash, utf8 } from '../../../../services/core/bytes.ts';
import { Sealer } from '../../../../services/lib/activities/seal.ts';
import { activityNetwork, begin, changeMembers, memberFor, randomHash, say } from '../../../support/activityKit.ts';
import { type ActivityNode, ActivityWorld, blameless, operator, reaches } from '../../../support/activityNodes.ts';
import { deliver } from '../../../support/activityWire.ts';
import { until } from '../../../support/until.ts';

const order = { kind: 'industrial', request: 'information' } as const;

describe('security of activities', () => {
  let world: ActivityWorld;
  let buyer: ActivityNode;
  let seller: ActivityNode;
  let thief: ActivityNode;
  let activity: Hash;
  let message: Hash;
  const sealer = new Sealer();

  /** A message of the buyer's, sealed again. */
  const envelopeOf = async (node: ActivityNode, id: Hash): Promise<Envelope> => {
    const parcel = messageOf((await node.store.message(id))!);
    const { secret } = parcel.head as { secret?: Hash };
    return { sealed: await sealer.seal(parcel, secret!, [buyer.person, seller.person]) };
  };

  beforeEach(async () => {
    world = new ActivityWorld();
    [buyer, seller, thief] = (await world.open(3, { wrapNet: blameless })) as [
      ActivityNode,
      ActivityNode,
      ActivityNode,
    ];
    const sent = await buyer.desk.start(operator, { ...order, receivers: [seller.name], body: 'secret' });
    ({ activity, message } = sent);
    await reaches(message, seller);
  });
  afterEach(() => world.close());

  it('what is no message, of whatever form, is refused and counted, and changes nothing', async () => {
    const before = await seller.state(activity);
    const texts = [
      '',
      '{',
      'null',
      '[]',
      '{"sealed":{}}',
      '{"ack":{}}',
      JSON.stringify({ sealed: { protected: 'e30' } }),
    ];
    const answers = await deliver(buyer, seller, texts);
    expect(answers.map(({ code }) => code)).to.deep.equal(texts.map(() => 'activity-message-invalid'));
    expect(await seller.counted('messages_refused_total', { code: 'activity-message-invalid' })).to.equal(texts.length);
    expect(await seller.state(activity)).to.deep.equal(before);
  });

  it('any single change to an envelope is refused, or makes no difference', async () => {
    const envelope = await envelopeOf(buyer, message);
    const text = JSON.stringify(envelope);
    const before = await seller.state(activity);
    await fc.assert(
      fc.asyncProperty(fc.nat(text.length - 1), fc.constantFrom('A', 'b', '0', '"', '}'), async (at, letter) => {
        fc.pre(text[at] !== letter);
        const changed = `${text.slice(0, at)}${letter}${text.slice(at + 1)}`;
        const [answer] = await deliver(buyer, seller, [changed]);
        // A key for another member is of no account here; nothing else may differ.
        if (!answer!.ack) expect(answer).to.have.property('code');
        else expect(ackSchema.parse(answer!.ack).stage).to.equal('read');
      }),
      { numRuns: 60 },
    );
    expect(await seller.state(activity)).to.deep.equal(before);
  });

  it('a message again, however often, is acknowledged again, and taken once', async () => {
    const envelope = await envelopeOf(buyer, message);
    const answers = await deliver(
      buyer,
      seller,
      Array.from({ length: 5 }, () => JSON.stringify(envelope)),
    );
    for (const { ack } of answers) expect(ackSchema.parse(ack).stage).to.equal('read');
    expect((await seller.desk.messages(operator, activity, { limit: 10 })).length).to.equal(1);
  });

  it('a member cannot say anything for another one, nor pass on what another one has said', async () => {
    const forged = await say(
      buyer.person,
      'note',
      { activity, epoch: 0, group: (await head()).group, on: message },
      'forged',
      { signer: seller.person.signer },
    );
    const { secret, membership } = await head();
    const sealed = await sealer.seal(forged, secret, membership.members);
    const [byAnother] = await deliver(seller, buyer, [JSON.stringify({ sealed })]);
    expect(byAnother).to.include({ code: 'activity-message-invalid' });
    const envelope = await envelopeOf(buyer, message);
    const [passedOn] = await deliver(thief, seller, [JSON.stringify(envelope)]);
    expect(passedOn).to.include({ code: 'activity-message-invalid' });
    expect(await buyer.has(forged.id)).to.equal(false);
  });

  it('nobody can acknowledge for another one', async () => {
    await seller.close();
    const update = await buyer.desk.update(operator, activity, { body: 'two' });
    const { sealDigest } = (await buyer.store.message(update.message))!;
    const own = await signAck(activityNetwork, { seal: sealDigest, stage: 'read', time: 1 }, thief.person.signer);
    for (const ack of [own, { ...own, member: seller.address }]) await deliver(thief, buyer, [JSON.stringify({ ack })]);
    const [delivery] = await buyer.desk.deliveries(operator, activity, update.message);
    expect(delivery).to.include({ member: seller.address, state: 'queued' });
  });

  it('a message in the seal of another group or epoch, or sealed to others, is refused', async () => {
    const { secret, membership, group } = await head();
    const note = await say(buyer.person, 'note', { activity, epoch: 0, group, on: message }, 'note');
    const { epoch, ...rest } = note.head as typeof note.head & { epoch: number };
    const sealings = [
      await sealer.seal(note, randomHash(), membership.members),
      await sealer.seal(note, secret, [...membership.members, { key: thief.person.key }]),
      await sealer.seal(note, secret, [{ key: seller.person.key }]),
      await sealer.seal({ ...note, head: { ...rest, epoch: epoch + 1 } as never }, secret, membership.members),
    ];
    const answers = await deliver(
      buyer,
      seller,
      sealings.map((sealed) => JSON.stringify({ sealed })),
    );
    expect(answers.map(({ code }) => code)).to.deep.equal(sealings.map(() => 'activity-message-invalid'));
    expect(await seller.has(note.id)).to.equal(false);
    const [taken] = await deliver(buyer, seller, [
      JSON.stringify({ sealed: await sealer.seal(note, secret, membership.members) }),
    ]);
    expect(taken, 'as it should be').to.have.property('ack');
  });

  it('a stranger learns nothing of an activity, and cannot make itself a member', async () => {
    const query = { activity, messages: [message], groups: [(await head()).group], fromPlace: 0 };
    const asked = thief.net.request(seller.address, activityProtocols.messages, [utf8(JSON.stringify(query))], {
      timeoutMs: 20_000,
    });
    expect(await Array.fromAsync(asked)).to.deep.equal([]);
    const { secret: _, ...known } = await head();
    const fork = startActivity(await begin([thief.person, seller.person]));
    const taking = await changeMembers(
      { ...fork, id: activity, group: known.group, epochs: new Map([[known.group, fork.epochs.get(fork.group)!]]) },
      thief.person,
      [memberFor(thief.person, 'initiator'), memberFor(seller.person, 'receiver')],
    );
    const { membership, secret } = taking.head as typeof taking.head & {
      membership: typeof known.membership;
      secret: Hash;
    };
    const before = await seller.state(activity);
    const [answer] = await deliver(thief, seller, [
      JSON.stringify({ sealed: await sealer.seal(taking, secret, membership.members) }),
    ]);
    expect(answer).to.have.property('code');
    expect(await seller.state(activity)).to.deep.equal(before);
  });

  it('a client sees its own activities alone; the operator sees all, and may give them', async () => {
    const [one, two] = [{ client: 'one' }, { client: 'two' }];
    const own = await buyer.desk.start(one, { ...order, receivers: [seller.name], body: 1 });
    const ids = async (by: { client?: string }) => (await buyer.desk.list(by, { limit: 10 })).items.map(({ id }) => id);
    expect(await ids(one)).to.deep.equal([own.activity]);
    expect(await ids(two)).to.deep.equal([]);
    expect((await ids(operator)).toSorted()).to.deep.equal([activity, own.activity].toSorted());
    const codes: string[] = [];
    for (const ask of [
      () => buyer.desk.show(two, own.activity),
      () => buyer.desk.update(two, own.activity, { body: 2 }),
      () => buyer.desk.message(two, own.activity, own.message),
      () => buyer.desk.messages(two, own.activity, { limit: 1 }),
      () => buyer.desk.deliveries(two, own.activity),
      () => buyer.desk.leave(two, own.activity),
      () => buyer.desk.message(one, own.activity, message),
    ])
      await ask().catch(({ code }: { code: string }) => codes.push(code));
    // The last one is asked of an activity of its own, which has no such message.
    expect(codes).to.deep.equal([...Array(6).fill('activity-unknown'), 'not-found']);
    await until('given', async () => {
      await buyer.desk.give(operator, activity, 'two');
      return (await ids(two)).includes(activity);
    });
  });

  async function head() {
    const stored = (await buyer.store.message(message))!;
    const { head: start } = messageOf(stored);
    if (start.type !== 'start') throw new Error('not the first message');
    return start;
  }
});
