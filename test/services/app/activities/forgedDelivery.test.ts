import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import {
  activityProtocols,
  framesOf,
  itemsOf,
  messagesQuerySchema,
} from '../../../../services/app/activities/exchange/items.ts';
import { readJson } from '../../../../services/app/replication/wire.ts';
import { type Ack, signAck } from '../../../../services/core/activities/ack.ts';
import type { Activity } from '../../../../services/core/activities/activity.ts';
import type { Envelope } from '../../../../services/core/activities/envelope.ts';
import { noHash } from '../../../../services/core/activities/members.ts';
import { type Message, parcelBytes } from '../../../../services/core/activities/parcel.ts';
import { type Sealed, sealDigest, sealOf } from '../../../../services/core/activities/sealed.ts';
import { fromHex, type Hash, toHex, utf8 } from '../../../../services/core/bytes.ts';
import { compactSignature } from '../../../../services/core/signature.ts';
import { activityNetwork, noteOn, randomHash, say, update } from '../../../support/activityKit.ts';
import { type ActivityNode, ActivityWorld, blameless, operator, reaches } from '../../../support/activityNodes.ts';
import {
  activityOf,
  copyOf,
  type HostilePeer,
  hostilePeer,
  resealed,
  sealedIn,
  withSpareBit,
} from '../../../support/hostilePeer.ts';
import { until } from '../../../support/until.ts';

const order = { kind: 'industrial', request: 'both' } as const;

describe('a hostile member that delivers, answers and acknowledges', () => {
  let world: ActivityWorld;
  let buyer: ActivityNode;
  let seller: ActivityNode;
  let thief: HostilePeer;
  let id: Hash;
  let first: Hash;

  before(async () => {
    world = new ActivityWorld();
    // Blame would cut the thief off before it has tried everything.
    const [one, two, three] = await world.open(3, { wrapNet: blameless });
    [buyer, seller] = [one, two];
    const sent = await buyer.desk.start(operator, { ...order, receivers: [seller.name, three.name], body: 'secret' });
    ({ activity: id, message: first } = sent);
    await reaches(first, seller, three);
    thief = await hostilePeer(world, three);
  });
  after(() => world.close());

  it('cannot acknowledge for another one, nor again, nor what never went to it', async () => {
    await seller.close();
    const sent = await buyer.desk.update(operator, id, { body: 'three', builds: (await buyer.state(id)).heads });
    const { sealDigest: seal } = (await buyer.store.message(sent.message))!;
    const before = await buyer.desk.deliveries(operator, id, sent.message);
    const old = await signAck(activityNetwork, { seal: randomHash(), stage: 'read', time: 1 }, seller.person.signer);
    const own = await signAck(activityNetwork, { seal, stage: 'delivered', time: 1 }, thief.person.signer);
    const acks: [Ack, string][] = [
      [{ ...old, seal }, 'activity-message-invalid'],
      [{ ...own, stage: 'read' }, 'activity-message-invalid'],
      [{ ...own, time: 2 }, 'activity-message-invalid'],
      [{ ...own, member: seller.address }, 'activity-message-invalid'],
      // The seller's own word, passed on by the thief.
      [
        await signAck(activityNetwork, { seal, stage: 'read', time: 1 }, seller.person.signer),
        'activity-message-invalid',
      ],
      [
        await signAck(activityNetwork, { seal: randomHash(), stage: 'read', time: 1 }, thief.person.signer),
        'activity-unknown',
      ],
      // Of a message of its own: that never went to it.
      [
        await signAck(activityNetwork, { seal: noHash, stage: 'read', time: 1 }, thief.person.signer),
        'activity-unknown',
      ],
    ];
    for (const [ack, want] of acks) {
      const counted = await buyer.counted('messages_refused_total', { code: want });
      const [answer] = await thief.deliver(buyer, JSON.stringify({ ack }));
      expect(answer!.code).to.equal(want);
      expect(await buyer.counted('messages_refused_total', { code: want })).to.equal(counted + 1);
    }
    const states = (await buyer.desk.deliveries(operator, id, sent.message)).map(({ member, state }) => ({
      member,
      state,
    }));
    expect(states).to.have.deep.members(before.map(({ member, state }) => ({ member, state })));
    await seller.open();
    await world.connect();
    await reaches(sent.message, seller);
  });

  it('cannot have a delivery taken for done by an answer that is not its own word on it', async () => {
    const words: (() => Promise<unknown>)[] = [
      async () => ({
        ack: await signAck(activityNetwork, { seal: noHash, stage: 'read', time: 1 }, thief.person.signer),
      }),
      async () => ({ noted: true }),
      async () => ({ code: 'x'.repeat(65), detail: '' }),
      async () => ({ ack: 'read' }),
    ];
    let asked = 0;
    thief.answers.set(activityProtocols.deliver, async function* (frames) {
      const items = await Array.fromAsync(itemsOf(frames, { itemBytes: 1 << 20, items: 256, bytes: 1 << 24 }));
      const word = words[Math.min(asked++, words.length - 1)]!;
      yield* framesOf(await Promise.all(items.map(async () => JSON.stringify(await word()))));
    });
    const { message } = await buyer.desk.note(operator, id, { on: first, body: 'note' });
    await until('it to be tried with each of them', () => asked > words.length);
    const deliveries = await buyer.desk.deliveries(operator, id, message);
    expect(deliveries.find(({ member }) => member === thief.person.address)).to.include({ state: 'queued' });
  });

  it('cannot keep a message from a member whose key it has spoiled: the others have it', async () => {
    const place = await activityOf(buyer, id);
    const said = await update(place, thief.person);
    const { sealed } = await sealedIn(place, said);
    const spoiled = {
      ...sealed,
      recipients: sealed.recipients.map((each) =>
        each.header.kid === buyer.person.key
          ? { ...each, encrypted_key: sealed.recipients.at(-1)!.encrypted_key }
          : each,
      ),
    };
    expect((await thief.envelope(seller, { sealed: spoiled })).ack?.stage).to.equal('read');
    expect((await thief.envelope(buyer, { sealed: spoiled })).code).to.equal('activity-message-unreadable');
    const next = await seller.desk.update(operator, id, { body: 'built on it' });
    await reaches(next.message, buyer);
    expect(await buyer.has(said.id)).to.equal(true);
    const [one, two] = await Promise.all([buyer, seller].map(async (node) => (await node.store.message(said.id))!));
    expect(one!.sealDigest).to.equal(two!.sealDigest);
    expect(one!.sealDigest).to.equal(sealDigest(sealOf(sealed)));
  });

  /** A version of the thief's, of so many bytes that its ciphertext does not fill whole groups of four characters. */
  async function versionWithSpareBits(place: Activity): Promise<Message> {
    const { group, heads, versions } = place;
    const number = 1 + Math.max(...heads.map((each) => versions.get(each)!.number));
    for (let text = 'x'; ; text += 'x') {
      const said = await say(
        thief.person,
        'update',
        { activity: id, epoch: 0, group, builds: [...heads], number },
        text,
      );
      if (parcelBytes(said).length % 3 !== 0) return said;
    }
  }

  it('cannot pass on another copy than the log has', async () => {
    const compact = (bytes: Uint8Array): Uint8Array => {
      const parcel = JSON.parse(Buffer.from(bytes).toString()) as { signature: string };
      const signature = toHex(compactSignature(fromHex(parcel.signature)));
      return utf8(Buffer.from(bytes).toString().replace(parcel.signature, signature));
    };
    const spaced = (bytes: Uint8Array): Uint8Array => utf8(`${Buffer.from(bytes)} `);
    const header = (sealed: Sealed): string =>
      Buffer.from(`${Buffer.from(sealed.protected, 'base64url')} `).toString('base64url');
    const rewritten = ({ sealed }: Envelope, change: Partial<Sealed>): Envelope => ({
      sealed: { ...sealed, ...change },
      copy: true,
    });
    const changes: Record<string, (copy: Envelope) => Envelope> = {
      nonce: (copy) => resealed(copy, buyer.person, { iv: randomBytes(12) }),
      header: (copy) => resealed(copy, buyer.person, { protected: header(copy.sealed) }),
      'white space': (copy) => resealed(copy, buyer.person, { bytes: spaced }),
      signature: (copy) => resealed(copy, buyer.person, { bytes: compact }),
      // The same bytes, written in another way.
      'spare bit of the tag': (copy) => rewritten(copy, { tag: withSpareBit(copy.sealed.tag) }),
      'spare bit of the ciphertext': (copy) => rewritten(copy, { ciphertext: withSpareBit(copy.sealed.ciphertext) }),
      'shorter tag': (copy) => rewritten(copy, { tag: copy.sealed.tag.slice(0, 16) }),
    };
    let given: Envelope;
    let asked = 0;
    thief.answers.set(activityProtocols.messages, async function* (frames) {
      await Array.fromAsync(frames);
      asked++;
      yield* framesOf([JSON.stringify({ place: 0, envelope: given })]);
    });
    /** A version that the buyer hears of by a note on it, and gets of the thief as a copy. */
    const passedOn = async (change: (copy: Envelope) => Envelope) => {
      const place = await activityOf(buyer, id);
      const said = await versionWithSpareBits(place);
      const envelope = await sealedIn(place, said);
      given = change(resealed(envelope, buyer.person, {}));
      const before = asked;
      const note = await noteOn(place, thief.person, said.id);
      const { ack } = await thief.envelope(buyer, await sealedIn(place, note));
      expect(asked).to.be.greaterThan(before);
      return { said, envelope, stage: ack?.stage };
    };
    for (const [name, change] of Object.entries(changes)) {
      const { said, envelope, stage } = await passedOn(change);
      expect([stage, await buyer.has(said.id)], name).to.deep.equal(['delivered', false]);
      // It gets the right one from somebody else.
      expect((await thief.envelope(seller, envelope)).ack?.stage).to.equal('read');
      await reaches(said.id, buyer);
      expect((await buyer.store.message(said.id))!.sealDigest).to.equal(sealDigest(sealOf(envelope.sealed)));
    }
    // Nothing else was wrong with these copies.
    const { said, stage } = await passedOn((copy) => copy);
    expect([stage, await buyer.has(said.id)]).to.deep.equal(['read', true]);
  });

  it('cannot answer a member that catches up with what that has not asked for', async () => {
    const asked: unknown[] = [];
    const old = await copyOf(buyer, { id: first, to: seller.person });
    thief.answers.set(activityProtocols.messages, async function* (frames) {
      const [frame] = await Array.fromAsync(frames);
      asked.push(readJson(messagesQuerySchema, frame));
      yield* framesOf([JSON.stringify({ place: 0, envelope: old })]);
    });
    // What the thief has said before comes from others meanwhile.
    await until('the seller has what the buyer has', async () => {
      const [one, other] = await Promise.all([buyer, seller].map((node) => node.state(id)));
      return one!.versions.length === other!.versions.length;
    });
    const place = await activityOf(seller, id);
    const taken = async () => {
      const { versions, heads, members } = await seller.state(id);
      return { heads, members, versions: versions.map((version) => version.id) };
    };
    const before = await taken();
    const onNothing = await update(place, thief.person, [randomHash()]);
    const answer = await thief.envelope(seller, await sealedIn(place, onNothing));
    // It is held, as what comes in another order is.
    expect(answer.ack?.stage).to.equal('delivered');
    // At once, or in its turn.
    await until('the thief is asked', () => asked.length > 0);
    expect(await taken()).to.deep.equal(before);
  });
});
