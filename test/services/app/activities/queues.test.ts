import { once } from 'node:events';
import { join } from 'node:path';
import { expect } from 'chai';
import { readEnvelopeItem } from '../../../../services/app/activities/exchange/envelopeItems.ts';
import { activityProtocols, framesOf, itemsOf } from '../../../../services/app/activities/exchange/items.ts';
import { signAck } from '../../../../services/core/activities/ack.ts';
import { sealDigest, sealOf } from '../../../../services/core/activities/sealed.ts';
import { fromUtf8, type Hash, utf8 } from '../../../../services/core/bytes.ts';
import type { RequestHandler } from '../../../../services/net/Net.ts';
import type { ActivityStore } from '../../../../services/store/activities/ActivityStore.ts';
import { onBothActivityDatabases } from '../../../support/activityDatabases.ts';
import { activityNetwork } from '../../../support/activityKit.ts';
import { type ActivityNode, ActivityWorld, operator, reaches } from '../../../support/activityNodes.ts';
import { type HostilePeer, hostilePeer } from '../../../support/hostilePeer.ts';
import { until } from '../../../support/until.ts';
import { rawQuery } from '../../store/activities/rawTable.ts';

const order = { kind: 'industrial', request: 'information' } as const;
const bounds = { itemBytes: 16 << 20, items: 1000, bytes: 64 << 20 };
const long = 600_000;

type Answer = 'ack' | 'hang' | { readonly code: string; readonly detail: string } | string;

/** Ends what hangs. */
let over: AbortController;

/** A peer in the place of a node that answers each delivery by a rule; seals of the items of each that came. */
async function answering(
  world: ActivityWorld,
  node: ActivityNode,
  rule: (items: readonly { seal: Hash; sizeBytes: number }[], seal: Hash) => Answer,
): Promise<{ readonly peer: HostilePeer; readonly requests: Hash[][] }> {
  const requests: Hash[][] = [];
  const { person } = node;
  const deliver: RequestHandler = (frames, _, signal) => framesOf(answers(frames, signal));
  async function* answers(frames: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<string> {
    const items: { seal: Hash; sizeBytes: number }[] = [];
    for await (const item of itemsOf(frames, bounds)) {
      const envelope = readEnvelopeItem(item);
      items.push({ seal: sealDigest(sealOf(envelope.sealed)), sizeBytes: item.length });
    }
    requests.push(items.map(({ seal }) => seal));
    for (const { seal } of items) {
      const answer = rule(items, seal);
      if (answer === 'hang') await once(AbortSignal.any([signal, over.signal]), 'abort');
      if (answer === 'ack')
        yield JSON.stringify({ ack: await signAck(activityNetwork, { seal, stage: 'read', time: 1 }, person.signer) });
      else yield typeof answer === 'string' ? answer : JSON.stringify(answer);
    }
  }
  return { requests, peer: await hostilePeer(world, node, new Map([[activityProtocols.deliver, deliver]])) };
}

async function statesFor(store: ActivityStore, activity: Hash, member: ActivityNode): Promise<string[]> {
  const all = await store.deliveries(activity);
  return all.filter((each) => each.member === member.address).map(({ state }) => state);
}

onBothActivityDatabases('queues of activities', (databaseUrl) => {
  let world: ActivityWorld;
  let url: string | undefined;
  const open = async (count: number, settings: Parameters<ActivityWorld['open']>[1] = {}): Promise<ActivityNode[]> => {
    world = new ActivityWorld();
    url = await databaseUrl();
    return await world.open(count, {
      ...settings,
      databaseUrl: url,
      wrapNet: (net) => Object.assign(net, { blame: () => {} }),
    });
  };
  beforeEach(() => {
    over = new AbortController();
  });
  afterEach(() => {
    over.abort();
    return world.close();
  });

  const query = async (node: ActivityNode, text: string, values: (string | Uint8Array)[]) => {
    const dataDir = join(await world.folder(), `node ${world.nodes.indexOf(node) + 1}`);
    const named = url ? text.replace(/activity_\w+/, (table) => `"notarium_${node.address}".${table}`) : text;
    return await rawQuery({ dataDir, databaseUrl: url }, named, values);
  };

  it('make a damaged text again, give up what is lost, and go on', async () => {
    const [buyer, seller] = (await open(2)) as [ActivityNode, ActivityNode];
    const { activity, message } = await buyer.desk.start(operator, { ...order, receivers: [seller.name], body: 0 });
    await reaches(message, seller);
    await seller.close();
    const damaged = await buyer.desk.note(operator, activity, { on: message, body: 'text damaged' });
    const lost = await buyer.desk.start(operator, { ...order, receivers: [seller.name], body: 'message damaged' });
    const gone = await buyer.desk.note(operator, activity, { on: message, body: 'text gone' });
    const after = await buyer.desk.note(operator, activity, { on: message, body: 'after it' });
    await buyer.close();
    const broken = new Uint8Array(60);
    const textOf = async (of: Hash): Promise<string> => {
      const [row] = await query(buyer, 'select text_id from activity_deliveries where message = ?', [of]);
      return row!.text_id as string;
    };
    for (const id of [damaged.message, lost.message])
      await query(buyer, 'update activity_texts set text = ? where id = ?', [broken, await textOf(id)]);
    await query(buyer, 'delete from activity_texts where id = ?', [await textOf(gone.message)]);
    await query(buyer, 'update activity_messages set parcel = ? where id = ?', [broken, lost.message]);
    await Promise.all([buyer.open(), seller.open()]);
    await world.connect();
    await reaches(damaged.message, seller);
    await reaches(gone.message, seller);
    await reaches(after.message, seller);
    const [delivery] = await until('it is given up', async () => {
      const all = await buyer.store.deliveries(lost.activity);
      return all[0]?.state === 'refused' && all;
    });
    expect(delivery!.problem?.code).to.equal('activity-store-corrupt');
    expect(await seller.has(lost.message)).to.equal(false);
    await until('nothing waits', async () => (await buyer.store.waiting()).length === 0);
  });

  it('do not wait for what a member cannot take, however much that is, and try it again when the member is back', async () => {
    const count = 150;
    const [buyer, seller] = (await open(2, { settings: { retryMs: long, maxRetryMs: long } })) as [
      ActivityNode,
      ActivityNode,
    ];
    const { activity, message } = await buyer.desk.start(operator, { ...order, receivers: [seller.name], body: 0 });
    await reaches(message, seller);
    const bad = new Set<Hash>();
    const { peer, requests } = await answering(world, seller, (_, seal) => {
      if (bad.size < count) bad.add(seal);
      return bad.has(seal) ? { code: 'activity-message-unreadable', detail: '' } : 'ack';
    });
    for (let at = 0; at < count; at++) await buyer.desk.note(operator, activity, { on: message, body: at });
    await until('all were tried', () => bad.size === count);
    const { message: good } = await buyer.desk.note(operator, activity, { on: message, body: 'good' });
    const stateOf = async (of: Hash) => (await buyer.store.deliveries(activity, of))[0]!.state;
    await until('the one after them is taken', async () => (await stateOf(good)) === 'read');
    const waiting = (await buyer.store.deliveries(activity)).filter(({ state }) => state === 'queued');
    expect(waiting.map(({ sealDigest: seal }) => seal)).to.have.members([...bad]);
    // A pause of ten minutes: once.
    expect(requests.flat().filter((seal) => bad.has(seal))).to.have.length(count);
    await peer.net.close();
    world.guests.length = 0;
    await answering(world, seller, () => 'ack');
    await until('all are taken', async () =>
      (await statesFor(buyer.store, activity, seller)).every((state) => state === 'read'),
    );
  });

  it('of members that hang, answer nonsense or nothing are tried after a pause, and delay nobody', async () => {
    const nodes = await open(6, { settings: { retryMs: long, maxRetryMs: long } });
    const [buyer, seller, ...broken] = nodes as [ActivityNode, ActivityNode, ...ActivityNode[]];
    const receivers = [seller, ...broken].map(({ name }) => name);
    const { activity, message } = await buyer.desk.start(operator, { ...order, receivers, body: 0 });
    await reaches(message, seller, ...broken);
    await until('all have said so', async () => (await buyer.store.waiting()).length === 0);
    const rules: ((seal: Hash) => Answer)[] = [
      () => 'hang',
      () => '{"ack":',
      (seal) =>
        JSON.stringify({
          ack: { seal, stage: 'read', member: seller.address, time: 1, signature: `0x${'1'.repeat(128)}` },
        }),
      () => ({ code: 'storage-full', detail: 'x' }),
    ];
    const requests: Hash[][][] = [];
    for (const [index, node] of broken.entries())
      requests.push((await answering(world, node, (_, seal) => rules[index]!(seal))).requests);
    const sent: Hash[] = [];
    for (let at = 0; at < 10; at++) {
      const { message: id } = await buyer.desk.note(operator, activity, { on: message, body: at });
      sent.push(id);
      await reaches(id, seller);
    }
    await until('the seller has said so', async () =>
      (await statesFor(buyer.store, activity, seller)).every((state) => state === 'read'),
    );
    await until('each was tried', () => requests.every(({ length }) => length > 0));
    for (const node of broken) {
      const states = await statesFor(buyer.store, activity, node);
      expect(states.filter((state) => state === 'queued')).to.have.length(sent.length);
    }
    // However often something new comes for them: one try, and a pause of ten minutes.
    expect(requests.map(({ length }) => length)).to.deep.equal(broken.map(() => 1));
  });

  it('send less at a time where a member does not take it in time, and pass by what never comes through', async () => {
    const [buyer, seller] = (await open(2, { settings: { requestMs: 2_000 } })) as [ActivityNode, ActivityNode];
    const { activity, message } = await buyer.desk.start(operator, { ...order, receivers: [seller.name], body: 0 });
    await reaches(message, seller);
    await until('it has said so', async () => (await buyer.store.waiting()).length === 0);
    await seller.close();
    const large = await buyer.desk.note(operator, activity, { on: message, body: 'x'.repeat(2 << 20) });
    for (let at = 0; at < 5; at++)
      await buyer.desk.note(operator, activity, { on: message, body: `${at}${'x'.repeat(500_000)}` });
    await answering(world, seller, (items) =>
      items.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) > 1_500_000 ? 'hang' : 'ack',
    );
    const left = await until('all the others are taken', async () => {
      const queued = (await buyer.store.deliveries(activity)).filter(({ state }) => state === 'queued');
      return queued.length === 1 && queued;
    });
    expect(left[0]!.message).to.equal(large.message);
    expect(left[0]!.problem?.code).to.equal('peer-timeout');
  });
});

describe('items of frames', () => {
  const item = (bytes: Uint8Array): Uint8Array => {
    const whole = new Uint8Array(4 + bytes.length);
    new DataView(whole.buffer).setUint32(0, bytes.length);
    whole.set(bytes, 4);
    return whole;
  };
  const read = async (frames: Iterable<Uint8Array>) => {
    async function* given(): AsyncGenerator<Uint8Array> {
      yield* frames;
    }
    return (await Array.fromAsync(itemsOf(given(), { itemBytes: 1 << 20, items: 4, bytes: 1 << 22 }))).map((each) =>
      fromUtf8(each),
    );
  };
  const texts = ['one', '', 'x'.repeat(300_000), 'four'];
  const whole = Buffer.concat(texts.map((text) => item(utf8(text))));

  it('are the same however they are cut', async () => {
    for (const size of [whole.length, 300_000, 65_536, 1_500]) {
      const frames: Uint8Array[] = [];
      for (let at = 0; at < whole.length; at += size) frames.push(whole.subarray(at, at + size));
      expect(await read(frames), String(size)).to.deep.equal(texts);
    }
    // Some small ones come with any item.
    expect(await read(Array.from(whole.subarray(0, 7), (_, at) => whole.subarray(at, at + 1)))).to.deep.equal(['one']);
  });

  it('are not taken in crumbs, nor in empty frames without end', async () => {
    function* crumbs(): Generator<Uint8Array> {
      for (let at = 0; at < whole.length; at++) yield whole.subarray(at, at + 1);
    }
    function* nothing(): Generator<Uint8Array> {
      for (;;) yield new Uint8Array(0);
    }
    for (const frames of [crumbs(), nothing()]) {
      const error = await read(frames).catch(({ code, detail }: { code: string; detail: string }) => [code, detail]);
      expect(error).to.deep.equal(['peer-answer-invalid', 'frames that are too small']);
    }
  });
});
