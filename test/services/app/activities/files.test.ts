import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { activityProtocols, attachmentQuerySchema } from '../../../../services/app/activities/exchange/items.ts';
import type { Attachment } from '../../../../services/core/activities/contents.ts';
import { fromUtf8, type Hash } from '../../../../services/core/bytes.ts';
import { randomHash } from '../../../support/activityKit.ts';
import { type ActivityNode, ActivityWorld, operator, reaches } from '../../../support/activityNodes.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { hostilePeer } from '../../../support/hostilePeer.ts';

const order = { kind: 'industrial', request: 'information' } as const;
const half = 5 << 18;

type Asked = { readonly fromByte: number; readonly sealedBytes: number; readonly signal: AbortSignal };

/** What a member gives that should give a file. */
const faults: Record<string, (asked: Asked) => AsyncGenerator<Uint8Array>> = {
  async *nothing() {},
  async *'a small piece of another file'() {
    yield randomBytes(1000);
  },
  async *'half of another file'({ fromByte }) {
    if (fromByte === 0) yield randomBytes(half);
  },
  async *'another file'({ fromByte, sealedBytes }) {
    for (let at = fromByte; at < sealedBytes; at += half) yield randomBytes(Math.min(half, sealedBytes - at));
  },
  async *'a file that is too large'() {
    for (let at = 0; at < 4; at++) yield randomBytes(half);
  },
  async *'half of another file, and then nothing more'({ signal }) {
    yield randomBytes(half);
    await once(signal, 'abort');
  },
  async *'a byte of another file now and then'({ signal }) {
    while (!signal.aborted) {
      yield randomBytes(1);
      await delay(200, undefined, { signal });
    }
  },
  async *'an error'() {
    yield randomBytes(0);
    throw new Error('no');
  },
};

describe('files of activities', () => {
  let world: ActivityWorld;
  let buyer: ActivityNode;
  let carrier: ActivityNode;
  let seller: ActivityNode;
  /** Asked for attachments, by whom is asked. */
  let asked: string[];
  /** The byte from which on. */
  let askedFrom: number[];
  /** What slows the answers of a member. */
  let slow: Map<string, (frames: AsyncIterable<Uint8Array>) => AsyncGenerator<Uint8Array>>;
  /** @param requestMs Time for each MiB of a file; enough for a machine that is busy, where nothing is said. */
  async function open(requestMs = 60_000): Promise<void> {
    world = new ActivityWorld();
    [asked, askedFrom, slow] = [[], [], new Map()];
    const nodes = await world.open(3, {
      settings: { requestMs },
      wrapNet: (net) => {
        const real = net.request.bind(net);
        return Object.assign(net, {
          blame: () => {},
          request: (...[peer, protocol, frames, options]: Parameters<typeof real>) => {
            if (protocol !== activityProtocols.attachments) return real(peer, protocol, frames, options);
            asked.push(peer);
            for (const frame of frames as Iterable<Uint8Array>)
              askedFrom.push(attachmentQuerySchema.parse(JSON.parse(fromUtf8(frame))).fromByte);
            const answer = real(peer, protocol, frames, options);
            return slow.get(peer)?.(answer) ?? answer;
          },
        });
      },
    });
    [buyer, carrier, seller] = nodes as [ActivityNode, ActivityNode, ActivityNode];
  }
  afterEach(() => world.close());

  async function sendFiles(files: readonly Buffer[]): Promise<{ activity: Hash; message: Hash; sealed: Attachment[] }> {
    const attachments: Attachment[] = [];
    for (const [index, file] of files.entries())
      attachments.push(await buyer.desk.putAttachment(operator, { name: `${index}`, content: Readable.from([file]) }));
    const receivers = [carrier.name, seller.name];
    const sent = await buyer.desk.start(operator, { ...order, receivers, body: null, attachments });
    await reaches(sent.message, carrier, seller);
    return { ...sent, sealed: attachments };
  }

  async function fileOf(node: ActivityNode, { activity, message }: { activity: Hash; message: Hash }, index: number) {
    return await buffer((await node.desk.attachment(operator, activity, { message, index })).content);
  }

  it('come from whoever has them, whatever a member gives that was asked before', async () => {
    await open(5_000);
    const names = Object.keys(faults);
    const files = names.map(() => randomBytes(2 * half));
    const sent = await sendFiles(files);
    for (const [index, file] of files.entries())
      expect((await fileOf(carrier, sent, index)).equals(file)).to.equal(true);
    const peer = await hostilePeer(world, buyer);
    peer.answers.set(activityProtocols.attachments, async function* (frames, _, signal) {
      const [query] = await Array.fromAsync(frames);
      const { sealedDigest, fromByte } = attachmentQuerySchema.parse(JSON.parse(fromUtf8(query!)));
      const index = sent.sealed.findIndex((each) => each.sealedDigest === sealedDigest);
      yield* faults[names[index]!]!({ fromByte, signal, sealedBytes: sent.sealed[index]!.sealedBytes });
    });
    for (const [index, name] of names.entries()) {
      asked = [];
      expect((await fileOf(seller, sent, index)).equals(files[index]!), name).to.equal(true);
      expect(asked[0], name).to.equal(buyer.address);
      expect(asked, name).to.include(carrier.address);
    }
    // Only what it had given whole can be laid at its door.
    expect(await seller.counted('messages_refused_total', { code: 'attachment-mismatch' })).to.equal(1);
  });

  it('come from the next member where one is slow, from where that has come to, and from one after the other where all are', async () => {
    await open(2_000);
    // More than the limit of what may come no slower, and less than others could give.
    const slowly = async function* (frames: AsyncIterable<Uint8Array>) {
      let bytes = 0;
      for await (const frame of frames) {
        yield frame;
        bytes += frame.length;
        if (bytes < 2 * half) continue;
        bytes = 0;
        await delay(1_000);
      }
    };
    const file = randomBytes(12 * 2 * half);
    const sent = await sendFiles([file]);
    expect((await fileOf(carrier, sent, 0)).equals(file)).to.equal(true);
    slow.set(buyer.address, slowly).set(carrier.address, slowly);
    asked = [];
    expect((await fileOf(seller, sent, 0)).equals(file)).to.equal(true);
    // Nothing of what has come is asked for again; one that broke off on its way was asked for the rest at once.
    expect(new Set(asked)).to.deep.equal(new Set([buyer.address, carrier.address]));
    expect(askedFrom.slice(-asked.length)).to.deep.equal(askedFrom.slice(-asked.length).toSorted((a, b) => a - b));
    expect(askedFrom.at(-1)).to.be.above(3 * 2 * half);
  });

  it('come once for all who ask at the same time', async () => {
    await open();
    const file = randomBytes(2 * half);
    const sent = await sendFiles([file]);
    const all = await Promise.all([0, 1, 2, 3].map(() => fileOf(seller, sent, 0)));
    for (const one of all) expect(one.equals(file)).to.equal(true);
    expect(asked).to.have.length(1);
  });

  it('that nobody gives are a failure, and there as soon as somebody does', async () => {
    await open();
    const file = randomBytes(2 * half);
    const sent = await sendFiles([file]);
    await Promise.all([buyer.close(), carrier.close()]);
    const both = await Promise.allSettled([0, 1].map(() => fileOf(seller, sent, 0)));
    for (const one of both) expect(one).to.have.nested.property('reason.code', 'peer-unreachable');
    await buyer.open();
    await world.connect();
    expect((await fileOf(seller, sent, 0)).equals(file)).to.equal(true);
  });

  it('that were never put are named by no message', async () => {
    await open();
    const file = await buyer.desk.putAttachment(operator, { name: 'a', content: Readable.from([randomBytes(10)]) });
    const attachments = [{ ...file, sealedDigest: randomHash() }];
    const start = { ...order, receivers: [seller.name], body: null, attachments };
    await expectCode('attachment-unknown', buyer.desk.start(operator, start));
    expect((await buyer.desk.list(operator, { limit: 10 })).items).to.deep.equal([]);
  });
});
