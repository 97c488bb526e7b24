import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { multiaddr } from '@multiformats/multiaddr';
import { expect } from 'chai';
import { activityProtocols, answerSchema, framesOf, itemsOf } from '../../services/app/activities/exchange/items.ts';
import { signAck } from '../../services/core/activities/ack.ts';
import { fromUtf8, type Hash, toHex, utf8 } from '../../services/core/bytes.ts';
import { networkName } from '../../services/core/eip712.ts';
import { Notarium } from '../../services/index.ts';
import { openKeystore } from '../../services/lib/keystore.ts';
import { lookUpPeer } from '../../services/net/discover.ts';
import { encodeFrame } from '../../services/net/frames.ts';
import { rawNode, stopRawNodes } from '../services/net/rawNode.ts';
import { type Attacker, openAttacker } from '../support/attacker.ts';
import { password, statusOf } from '../support/centreProcess.ts';
import { type Consortium, type Member, startConsortium } from '../support/consortium.ts';
import { until } from '../support/until.ts';

const bounds = { itemBytes: 1 << 20, items: 1000, bytes: 1 << 24 };
const open = encodeFrame('open', Uint8Array.of(0, 0, 255, 255));

describe('centres that attack the private activities of another one', () => {
  let consortium: Consortium;
  let seller: Member;
  let desks: Notarium['activities'][];
  /** Of the operator of the seller, who alone sees what is counted of activities. */
  let apiKey: string;
  let id: Hash;
  let first: Hash;
  /** One is a member of the activity; the other, without any bounds of ours, is a centre of the consortium and no more. */
  let member: Attacker;
  let stranger: Awaited<ReturnType<typeof rawNode>>;

  before(async () => {
    consortium = await startConsortium({ centres: 4, idle: [2, 3] });
    const { members, chain, network } = consortium;
    seller = members[1]!;
    const keyOf = async ({ dataDir }: Member) => (await readFile(join(dataDir, 'admin-key'), 'utf8')).trim();
    apiKey = await keyOf(seller);
    desks = await Promise.all(
      members
        .slice(0, 2)
        .map(async (one) => new Notarium({ url: one.url, apiKey: await keyOf(one), rpcUrl: chain.rpcUrl }).activities),
    );
    const { nodeKey } = await openKeystore(join(members[3]!.dataDir, 'keystore'), password);
    stranger = await rawNode(nodeKey, networkName(network));
    member = await openAttacker(consortium, members[2]!);
    await member.meet(seller);
    await until('the seller connected with the buyer', async () =>
      (await statusOf(seller.url)).peers.some(({ address, connected }) => address === members[0]!.address && connected),
    );
    const receivers = members.slice(1, 3).map(({ entry }) => entry.name);
    ({ activity: id, message: first } = await desks[0]!.start({
      ...{ kind: 'industrial', request: 'information', receivers, body: 'secret' },
    }));
    await reachesSeller(first);
  });
  after(async () => {
    await stopRawNodes();
    await member?.[Symbol.asyncDispose]();
    await consortium?.[Symbol.asyncDispose]();
  });

  const reachesSeller = (message: Hash): Promise<unknown> =>
    until('the seller to have it', () => desks[1]!.message(id, message).catch(() => undefined));

  /** Sum of a metric of the seller. */
  async function metric(name: string): Promise<number> {
    const headers = { authorization: `Bearer ${apiKey}` };
    const text = await (await fetch(`${seller.url}/metrics`, { headers })).text();
    const lines = text.split('\n').filter((line) => line.startsWith(name) && ' {'.includes(line[name.length]!));
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
  }
  const refusals = (code: string): Promise<number> =>
    metric(`notarium_activity_messages_refused_total{code="${code}"}`);

  /** The members are served as before, and nothing that was there is another. */
  async function expectServed(): Promise<void> {
    const before = await desks[1]!.get(id);
    const { message } = await desks[0]!.note(id, { on: first, body: 'meanwhile' });
    await reachesSeller(message);
    const { versions, members, heads } = await desks[1]!.get(id);
    expect({ members, heads }).to.deep.equal({ members: before.members, heads: before.heads });
    expect(versions.map(({ id: version }) => version)).to.deep.equal(before.versions.map(({ id: version }) => version));
  }

  async function deliver(...texts: readonly string[]): Promise<string[]> {
    const answer = member.net.request(seller.address, activityProtocols.deliver, framesOf(texts), {
      timeoutMs: 60_000,
    });
    const items = await Array.fromAsync(itemsOf(answer, bounds));
    return items.map((item) => {
      const parsed = answerSchema.parse(JSON.parse(fromUtf8(item)));
      return 'code' in parsed ? parsed.code : 'taken';
    });
  }

  it('get a counted refusal from a member’s words that are none', async () => {
    const invalid = await refusals('activity-message-invalid');
    const texts = ['['.repeat(1 << 20), `{"sealed":"${'x'.repeat(4 << 20)}"}`, randomBytes(1000).toString('latin1')];
    expect(await deliver(...texts)).to.deep.equal(texts.map(() => 'activity-message-invalid'));
    expect(await refusals('activity-message-invalid')).to.equal(invalid + texts.length);
    const ack = await signAck(
      consortium.network,
      { seal: toHex(randomBytes(32)), stage: 'read', time: 1 },
      member.signer,
    );
    expect(await deliver(JSON.stringify({ ack }))).to.deep.equal(['activity-unknown']);
    expect(await refusals('activity-unknown')).to.equal(1);
    await expectServed();
  });

  it('get nothing of an activity that they are no member of', async () => {
    const asked = { activity: toHex(randomBytes(32)), messages: [first], groups: [], fromPlace: 0 };
    const frames = [utf8(JSON.stringify(asked))];
    const given = member.net.request(seller.address, activityProtocols.messages, frames, { timeoutMs: 60_000 });
    expect(await Array.fromAsync(given)).to.deep.equal([]);
    expect(await refusals('activity-not-member')).to.equal(1);
    const wanted = { activity: id, message: first, sealedDigest: first, fromByte: 0 };
    const file = [utf8(JSON.stringify(wanted))];
    const refused = member.net.request(seller.address, activityProtocols.attachments, file, { timeoutMs: 60_000 });
    expect(await Array.fromAsync(refused).catch(({ code }: { code: string }) => code)).to.equal('not-found');
    expect(await refusals('not-found')).to.equal(1);
  });

  it('hold up nobody by thousands of streams that say nothing, or little by little', async () => {
    const [place] = await lookUpPeer(seller.url, seller.address, AbortSignal.timeout(120_000));
    const connection = await stranger.node.dial(multiaddr(place!));
    const protocol = `${stranger.prefix}/activities/1`;
    const memory = await metric('process_resident_memory_bytes');
    const streams: Awaited<ReturnType<typeof connection.newStream>>[] = [];
    let refused = 0;
    for (let at = 0; at < 3_000; at++) {
      try {
        const stream = await connection.newStream(protocol, {
          maxOutboundStreams: 5_000,
          signal: AbortSignal.timeout(50),
        });
        // Begun, and then silent: a request, half a frame of a megabyte, a size and no more.
        stream.send(
          at % 2 === 0 ? open : Buffer.concat([open, encodeFrame('data', new Uint8Array(1 << 10)).subarray(0, 500)]),
        );
        streams.push(stream);
      } catch {
        refused++;
      }
      if (at % 500 === 0) await expectServed();
      if (connection.status !== 'open') break;
    }
    expect(refused + streams.filter(({ status }) => status !== 'open').length).to.be.greaterThan(100);
    await expectServed();
    expect((await metric('process_resident_memory_bytes')) - memory).to.be.lessThan(256 << 20);
    for (const stream of streams) stream.abort(new Error('enough'));
  });

  it('are cut off for bytes that are no frames, and the others are served', async () => {
    const [place] = await lookUpPeer(seller.url, seller.address, AbortSignal.timeout(120_000));
    const connection = await stranger.node.dial(multiaddr(place!));
    const large = new Uint8Array(5);
    large[0] = 1;
    new DataView(large.buffer).setUint32(1, 2 ** 32 - 1);
    const nonsense = [Buffer.concat([open, large]), Buffer.concat([Uint8Array.of(9), randomBytes(100)])];
    for (let at = 0; connection.status === 'open' && at < 20; at++) {
      const stream = await connection.newStream(`${stranger.prefix}/activities/1`).catch(() => undefined);
      if (!stream) break;
      stream.send(nonsense[at % 2]!);
      await until('it to be ended', () => stream.status !== 'open');
    }
    await until('the stranger cut off', () => connection.status !== 'open');
    expect(await metric('notarium_net_blamed_points_total{reason="frame-too-large"}')).to.be.greaterThan(0);
    expect(await metric('notarium_net_cut_off_total')).to.equal(1);
    await expectServed();
  });
});
