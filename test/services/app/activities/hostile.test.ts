import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { expect } from 'chai';
import { envelopeItem, maxEnvelopeBytes } from '../../../../services/app/activities/exchange/envelopeItems.ts';
import { activityProtocols, maxItems } from '../../../../services/app/activities/exchange/items.ts';
import type { Activity } from '../../../../services/core/activities/activity.ts';
import { maxAttachments } from '../../../../services/core/activities/contents.ts';
import { parcelBytes } from '../../../../services/core/activities/parcel.ts';
import { concat, type Hash, utf8 } from '../../../../services/core/bytes.ts';
import { canonicalBytes } from '../../../../services/core/canonicalJson.ts';
import { isNotariumError } from '../../../../services/core/errors.ts';
import { noteOn, randomHash, say, update } from '../../../support/activityKit.ts';
import { type ActivityNode, ActivityWorld, blameless, operator, reaches } from '../../../support/activityNodes.ts';
import { activityOf, copyOf, type HostilePeer, hostilePeer, resealed, sealedIn } from '../../../support/hostilePeer.ts';
import { until } from '../../../support/until.ts';

const order = { kind: 'industrial', request: 'information' } as const;

/** An item with its size before it. */
function item(bytes: Uint8Array, size = bytes.length): Uint8Array {
  const head = new Uint8Array(4);
  new DataView(head.buffer).setUint32(0, size);
  return concat(head, bytes);
}

describe('nonsense from a peer', () => {
  let world: ActivityWorld;
  let buyer: ActivityNode;
  let seller: ActivityNode;
  /** One is a member, and one is not. */
  let member: HostilePeer;
  let stranger: HostilePeer;
  let id: Hash;
  let first: Hash;
  let activity: Activity;

  before(async () => {
    world = new ActivityWorld();
    const nodes = await world.open(4, { wrapNet: blameless });
    [buyer, seller] = nodes;
    const receivers = [seller.name, nodes[2].name];
    ({ activity: id, message: first } = await buyer.desk.start(operator, { ...order, receivers, body: 'secret' }));
    await reaches(first, seller, nodes[2]);
    member = await hostilePeer(world, nodes[2]);
    stranger = await hostilePeer(world, nodes[3]);
    activity = await activityOf(buyer, id);
  });
  after(() => world.close());

  /** That the work makes so many refusals with a code, and nothing else. */
  async function counts(code: string, count: number, work: () => Promise<unknown>): Promise<void> {
    const [state, before, held, all] = await Promise.all([
      seller.state(id),
      seller.counted('messages_refused_total', { code }),
      seller.store.held(),
      seller.desk.list(operator, { limit: 100 }),
    ]);
    await work();
    expect(await seller.counted('messages_refused_total', { code }), code).to.equal(before + count);
    expect(await seller.state(id)).to.deep.equal(state);
    expect(await seller.store.held()).to.deep.equal(held);
    expect(await seller.desk.list(operator, { limit: 100 })).to.deep.equal(all);
  }

  /** The code with which a request ends. */
  async function endOf(
    peer: HostilePeer,
    protocol: string,
    frames: readonly Uint8Array[],
  ): Promise<string | undefined> {
    try {
      await peer.send(seller, protocol, frames);
      return undefined;
    } catch (error) {
      if (!isNotariumError(error)) throw error;
      return error.code;
    }
  }

  it('in place of a delivery is one refusal', async () => {
    const requests: [string, Uint8Array[]][] = [
      ['random bytes', [concat(Uint8Array.of(255), randomBytes(1000))]],
      ['a size without an item', [item(new Uint8Array(0), 1000)]],
      ['an item that is cut', [item(randomBytes(10), 1000)]],
      ['half a size', [Uint8Array.of(0, 0)]],
      ['a size that is too large', [item(new Uint8Array(0), maxEnvelopeBytes + 1)]],
      ['the largest size', [item(new Uint8Array(0), 2 ** 32 - 1)]],
      ['too many items', Array.from({ length: maxItems + 1 }, () => item(utf8('{}')))],
      ['too many bytes', Array.from({ length: 24 }, () => item(new Uint8Array(1 << 20)))],
    ];
    for (const peer of [member, stranger]) {
      for (const [what, frames] of requests) {
        const code = what === 'too many bytes' ? 'peer-busy' : 'peer-answer-invalid';
        await counts(code, 1, async () =>
          expect(await endOf(peer, activityProtocols.deliver, frames), what).to.equal(code),
        );
      }
    }
  });

  it('in place of an item is one refusal each', async () => {
    const deep = '['.repeat(1 << 20);
    const texts = [
      deep,
      deep + ']'.repeat(1 << 20),
      `{"sealed":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}}`,
      JSON.stringify(Object.fromEntries(Array.from({ length: 100_000 }, (_, at) => [`k${at}`, 0]))),
      JSON.stringify({ sealed: { protected: 'A'.repeat(4 << 20) } }),
      JSON.stringify({ ack: { seal: first, stage: 'read', member: seller.address, time: -1, signature: '0x' } }),
      '\u0000'.repeat(1000),
      `"${'x'.repeat(1 << 20)}"`,
    ];
    for (const peer of [member, stranger])
      await counts('activity-message-invalid', texts.length, async () => {
        for (const text of texts) {
          const [answer] = await peer.deliver(seller, text);
          expect(answer!.code, text.slice(0, 40)).to.equal('activity-message-invalid');
        }
      });
  });

  /** Seals anything as a message of the activity. */
  async function sealAny(plaintext: Uint8Array): Promise<Uint8Array> {
    const base = await sealedIn(activity, await noteOn(activity, member.person, first));
    const { sealed } = resealed(base, member.person, { bytes: () => plaintext });
    return envelopeItem({ sealed: { ...sealed, recipients: base.sealed.recipients } });
  }

  it('well sealed is a refusal all the same', async () => {
    const note = await noteOn(activity, member.person, first);
    const text = Buffer.from(parcelBytes(note)).toString();
    const at = text.indexOf('"body":');
    const withBody = (body: string): Uint8Array =>
      utf8(
        `${text.slice(0, at)}"body":{"body":${body},"salt":"${randomHash()}"}${text.slice(text.indexOf(',"head":'))}`,
      );
    const file = { name: 'a', sizeBytes: 1, digest: first, sealedDigest: first, sealedBytes: 1, key: first };
    const many = { ...note, attachments: { ...note.attachments, list: Array(maxAttachments + 1).fill(file) } };
    const parcels = [
      randomBytes(100),
      utf8('{}'),
      utf8(text.replace('"sender"', '"sender":"0x00","sender"')),
      utf8(text.slice(0, -1)),
      utf8(text.replace('"v":1', '"v":1.0')),
      utf8(text.replace('"v":1', '"v":2')),
      withBody('['.repeat(1000) + ']'.repeat(1000)),
      withBody('"\\ud800"'),
      withBody(`[${'[],'.repeat(50_000)}1]`),
      canonicalBytes(many as never),
      // One that is larger than a message may be.
      withBody(`"${'x'.repeat((5 << 20) + 1000)}"`),
    ];
    for (const peer of [member, stranger]) {
      let size = 0;
      await counts('activity-message-invalid', parcels.length, async () => {
        for (const parcel of parcels) {
          size = Math.max(size, parcel.length);
          const [answer] = await peer.deliver(seller, await sealAny(parcel));
          expect(answer!.code, Buffer.from(parcel.subarray(0, 40)).toString()).to.equal('activity-message-invalid');
        }
      });
      expect(size).to.be.greaterThan(5 << 20);
    }
  });

  it('of another epoch, or for others, is a refusal', async () => {
    const wrongEpoch = await say(
      member.person,
      'note',
      { activity: id, epoch: 3, group: activity.group, on: first },
      1,
    );
    await counts('activity-message-invalid', 1, async () => {
      expect((await member.envelope(seller, await sealedIn(activity, wrongEpoch))).code).to.equal(
        'activity-message-invalid',
      );
    });
    const forNobody = await noteOn(activity, member.person, first);
    const { sealed } = await sealedIn(activity, forNobody);
    const others = sealed.recipients.filter(({ header }) => header.kid !== seller.person.key);
    await counts('activity-message-unreadable', 1, async () => {
      const [answer] = await member.deliver(seller, JSON.stringify({ sealed: { ...sealed, recipients: others } }));
      expect(answer!.code).to.equal('activity-message-unreadable');
    });
  });

  it('that asks about one activity more than once in a request is one refusal', async () => {
    const asked = item(utf8(JSON.stringify({ activity: id, since: 0, digest: randomHash() })));
    await counts('peer-answer-invalid', 1, async () => {
      expect(await endOf(member, activityProtocols.compare, [concat(asked, asked)])).not.to.equal(undefined);
    });
    expect(await endOf(member, activityProtocols.compare, [asked])).to.equal(undefined);
  });

  it('about what others have said learns nothing of who has it', async () => {
    const copy = await copyOf(buyer, { id: first, to: buyer.person });
    // Whoever has got hold of a sealed message, or of what has its seal, could ask everybody whether it has that.
    const other = { ...copy, sealed: { ...copy.sealed, tag: Buffer.from(randomBytes(16)).toString('base64url') } };
    const [known, unknown] = await Promise.all([stranger.envelope(seller, copy), stranger.envelope(seller, other)]);
    expect(known.code).to.equal('activity-message-unreadable');
    expect(known).to.deep.equal(unknown);
    const readable = await copyOf(buyer, { id: first, to: seller.person });
    expect(await stranger.envelope(seller, readable)).to.include({ code: 'activity-message-invalid' });
  });

  it('asked for by strangers is not given, and the question is counted', async () => {
    const query = { activity: id, messages: [first], groups: [activity.group] };
    const ask = (peer: HostilePeer, asked: unknown) =>
      peer.send(seller, activityProtocols.messages, [utf8(JSON.stringify(asked))]);
    for (const asked of [query, { ...query, fromPlace: 0 }, { ...query, activity: randomHash() }])
      await counts('activity-not-member', 1, async () => expect(await ask(stranger, asked)).to.deep.equal([]));
    expect(await ask(member, query)).to.have.length.greaterThan(0);
    const compared = JSON.stringify({ activity: id, since: 0, digest: first });
    await counts('activity-not-member', 1, async () => {
      const answer = Buffer.concat(await stranger.send(seller, activityProtocols.compare, [item(utf8(compared))]));
      expect(JSON.parse(answer.subarray(4).toString())).to.deep.equal({ unknown: true });
    });
    for (const frames of [
      [],
      [utf8('{')],
      [utf8('[]')],
      [utf8(JSON.stringify({ ...query, messages: Array(1000).fill(first) }))],
    ])
      for (const protocol of [activityProtocols.messages, activityProtocols.attachments])
        await counts('peer-answer-invalid', 1, async () =>
          expect(await endOf(stranger, protocol, frames)).to.equal('peer-answer-invalid'),
        );
  });

  it('cannot get at attachments', async () => {
    const content = Readable.from([Buffer.from('content')]);
    const file = await buyer.desk.putAttachment(operator, { name: 'a.txt', content });
    const sent = await buyer.desk.update(operator, id, { body: 2, attachments: [file] });
    await reaches(sent.message, seller);
    const got = await seller.desk.attachment(operator, id, { message: sent.message, index: 0 });
    expect(Buffer.concat(await Array.fromAsync(got.content)).toString()).to.equal('content');
    activity = await activityOf(buyer, id);
    const asked = { activity: id, message: sent.message, fromByte: 0 };
    const query = (sealedDigest: Hash) => [utf8(JSON.stringify({ ...asked, sealedDigest }))];
    for (const digest of [file.sealedDigest, randomHash()])
      await counts('not-found', 1, async () =>
        expect(await endOf(stranger, activityProtocols.attachments, query(digest))).to.equal('not-found'),
      );
    expect(
      Buffer.concat(await member.send(seller, activityProtocols.attachments, query(file.sealedDigest))).length,
    ).to.equal(file.sealedBytes);
  });

  it('in another order is held, within bounds, and nobody else’s goes for it', async () => {
    const place = await activityOf(buyer, id);
    // The buyer's, which came before its time.
    const missing = await update(place, buyer.person);
    const early = await noteOn(place, member.person, missing.id);
    expect((await member.envelope(seller, await sealedIn(place, early))).ack?.stage).to.equal('delivered');
    const waiting = await seller.store.held(id);
    expect(waiting).to.have.length(1);
    const bodies = 300;
    const items: string[] = [];
    for (let at = 0; at < bodies; at++) {
      const other = { ...place, id: randomHash() };
      const note = await say(
        stranger.person,
        'note',
        { activity: other.id, epoch: 0, group: place.group, on: randomHash() },
        at,
      );
      items.push(JSON.stringify(await sealedIn(other, note)));
    }
    for (let at = 0; at < bodies; at += 100) {
      const answers = await stranger.deliver(seller, ...items.slice(at, at + 100));
      for (const { ack } of answers) expect(ack?.stage).to.equal('delivered');
    }
    const held = await seller.store.held();
    expect(held.filter(({ from }) => from === stranger.person.address)).to.have.length(256);
    expect(held).to.deep.include(waiting[0]);
  });

  it('in many large requests at a time takes no more memory than one of them may', async () => {
    let stop = (): void => {};
    const stopped = new Promise<void>((resolve) => {
      stop = resolve;
    });
    const begun: Promise<unknown>[] = [];
    let sentBytes = 0;
    async function* slowly(): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < 10; at++) {
        yield item(new Uint8Array(1 << 20));
        sentBytes += 1 << 20;
      }
      // Never to its end: what came stays where it is.
      await stopped;
    }
    const busy = await seller.counted('messages_refused_total', { code: 'peer-busy' });
    for (let at = 0; at < 8; at++)
      begun.push(
        stranger.send(seller, activityProtocols.deliver, slowly()).catch((error: { code?: string }) => error.code),
      );
    await until('all but two to be refused', async () => {
      return (await seller.counted('messages_refused_total', { code: 'peer-busy' })) - busy >= 6;
    });
    // Another peer has its own share.
    const said = await buyer.desk.note(operator, id, { on: first, body: 'meanwhile' });
    await reaches(said.message, seller);
    stop();
    const ends = await Promise.all(begun);
    expect(ends.filter((code) => code === 'peer-busy')).to.have.length.at.least(6);
    expect(sentBytes).to.be.greaterThan(16 << 20);
  });

  it('in thousands of streams at a time leaves the others served', async () => {
    const flood = Array.from({ length: 3_000 }, () =>
      endOf(stranger, activityProtocols.deliver, [item(utf8('{}'))]).catch((error: unknown) => String(error)),
    );
    const said = await buyer.desk.note(operator, id, { on: first, body: 'under the flood' });
    await reaches(said.message, seller);
    const ends = await Promise.all(flood);
    expect(ends.filter((code) => code === 'peer-busy' || code === 'peer-unreachable').length).to.be.greaterThan(1_000);
  });
});
