import { randomBytes } from 'node:crypto';
import { multiaddr } from '@multiformats/multiaddr';
import { expect } from 'chai';
import { toHex } from '../../../services/core/bytes.ts';
import type { Clock } from '../../../services/lib/clock.ts';
import type { GossipVerdict, Net, NetLimits } from '../../../services/net/Net.ts';
import { expectCode } from '../../support/expectCode.ts';
import { until } from '../../support/until.ts';
import { closeNets, connectedNets, connectedPair, gateOf, handClock, isConnected, network, testNet } from './netKit.ts';
import { rawNode, stopRawNodes } from './rawNode.ts';

const topic = 'records';
const rawTopic = `/notarium/${network}/gossip/${topic}`;

/** Notes what comes in. */
function listen(net: Net, verdict: GossipVerdict = 'accept'): { payload: string; from: string }[] {
  const got: { payload: string; from: string }[] = [];
  net.subscribe(topic, async (payload, from) => {
    got.push({ payload: toHex(payload), from });
    return verdict;
  });
  return got;
}

/** Publishes once that many peers have told that they listen. */
async function publishTo(net: Net, count: number, payload: Uint8Array): Promise<void> {
  let first = true;
  await until(`${count} peers listen`, async () => {
    // What has been published once is not published again; a probe must be another message.
    const probe = first ? Uint8Array.of(0) : randomBytes(8);
    first = false;
    return (await net.publish('probe', probe)) >= count;
  });
  expect(await net.publish(topic, payload)).to.equal(count);
}

/** A raw node that is a member of the directory, and has heard that the net listens. */
async function rawListener(net: Net) {
  const raw = await rawNode(randomBytes(32));
  net.setDirectory(new Map([[raw.address, []]]));
  await raw.node.dial(multiaddr(net.multiaddrs[0]!));
  await until('subscribed', () => raw.node.services.gossip.getSubscribers(rawTopic).length === 1);
  return raw;
}

/** A raw node that is a member, connected, and knows that the net listens. */
async function rawMember(limits: Partial<NetLimits> = {}, verdict: GossipVerdict = 'accept', clock?: Clock) {
  const net = await testNet({ limits, ...(clock ? { clock } : {}) });
  const got = listen(net, verdict);
  const raw = await rawNode(randomBytes(32));
  net.setDirectory(new Map([[raw.address, []]]));
  raw.node.services.gossip.subscribe(rawTopic);
  await raw.node.dial(multiaddr(net.multiaddrs[0]!));
  await until('connected', () => isConnected(net, raw.address));
  await until('subscribed', () => raw.node.services.gossip.getSubscribers(rawTopic).length === 1);
  const publish = (payload: Uint8Array) => raw.node.services.gossip.publish(rawTopic, payload);
  return { net, got, raw, publish, score: () => net.peers()[0]!.score };
}

describe('net/gossip', () => {
  afterEach(() => Promise.all([closeNets(), stopRawNodes()]));

  it('brings a message to three peers, once to each, and to nobody a second time', async () => {
    const nets = await connectedNets(4);
    const got = nets.map((net) => {
      net.subscribe('probe', async () => 'ignore');
      return listen(net);
    });
    const payload = randomBytes(100_000);
    await publishTo(nets[0]!, 3, payload);
    await until('all have it', () => got.slice(1).every((each) => each.length === 1));
    const addresses = nets.map(({ address }) => address);
    for (const [{ payload: came, from }] of got.slice(1) as [{ payload: string; from: string }][]) {
      expect(came === toHex(payload)).to.equal(true);
      // From the first one, or from another that was quicker to pass it on.
      expect(from).to.be.oneOf(addresses);
    }
    expect(await nets[0]!.publish(topic, payload)).to.equal(0);
    await publishTo(nets[1]!, 3, Uint8Array.of(1));
    await until('all have the second', () =>
      [got[0]!, got[2]!, got[3]!].every((each) => each.at(-1)?.payload === '0x01'),
    );
    expect(got.map((each) => each.length)).to.deep.equal([1, 1, 2, 2]);
    expect(await nets[0]!.metric('bytes_total', { name: topic, direction: 'out' })).to.equal(300_000);
    expect(await nets[1]!.metric('messages_total', { name: topic, direction: 'in' })).to.be.greaterThan(0);
  });

  it('publishes nothing that is too large, and to nobody without an error', async () => {
    const net = await testNet({ limits: { gossipBytes: 1000 } });
    const error = await expectCode('message-too-large', net.publish(topic, new Uint8Array(1001)));
    expect(error.data).to.deep.equal({ have: 1001, want: 1000 });
    expect(await net.publish(topic, new Uint8Array(1000))).to.equal(0);
  });

  it('passes on what the handler has accepted, and nothing else', async () => {
    // The two ends know the middle only, so that all has to go through it.
    const [middle, right] = await connectedPair();
    const left = await rawNode(randomBytes(32));
    const verdicts: GossipVerdict[] = ['ignore', 'reject', 'accept'];
    let handled = 0;
    middle.subscribe(topic, async () => verdicts[handled++]!);
    const got = listen(right);
    middle.setDirectory(
      new Map([
        [right.address, right.multiaddrs],
        [left.address, []],
      ]),
    );
    left.node.services.gossip.subscribe(rawTopic);
    await left.node.dial(multiaddr(middle.multiaddrs[0]!));
    await until('subscribed', () => left.node.services.gossip.getSubscribers(rawTopic).length === 1);
    await until(
      'the middle knows that the right listens',
      async () => (await middle.publish(topic, randomBytes(8))) >= 1,
    );
    await until('the right has a probe', () => got.length > 0);
    for (const byte of [1, 2, 3]) {
      await left.node.services.gossip.publish(rawTopic, Uint8Array.of(byte));
      await until('handled', () => handled === byte);
    }
    await until('passed on', () => got.some(({ payload }) => payload === '0x03'));
    const passed = got.filter(({ payload }) => payload.length === 4);
    expect(passed).to.deep.equal([{ payload: '0x03', from: middle.address }]);
    expect(await middle.metric('blamed_points_total', { reason: 'gossip-rejected' })).to.equal(20);
  });

  it('blames and cuts off a peer that goes on to pass on what is rejected', async () => {
    const { net, got, publish, score, raw } = await rawMember({}, 'reject');
    for (let byte = 1; byte <= 5; byte++) await publish(Uint8Array.of(byte));
    await until('cut off', () => net.peers()[0]!.cutOffReason === 'gossip-rejected');
    expect(got).to.have.length(5);
    expect(score()).to.equal(100);
    await until('disconnected', () => raw.node.getConnections().length === 0);
  });

  it('blames nobody for what is ignored, nor for a handler that fails', async () => {
    const { net, got, publish, score } = await rawMember({}, 'ignore');
    for (let byte = 1; byte <= 20; byte++) await publish(Uint8Array.of(byte));
    await until('all handled', () => got.length === 20);
    expect(score()).to.equal(0);
    expect(isConnected(net, net.peers()[0]!.address)).to.equal(true);
  });

  it('blames a peer for a message that is too large, whether or not it can be read', async () => {
    const { net, got, publish } = await rawMember({ gossipBytes: 1000 });
    await publish(new Uint8Array(1001));
    await until('blamed', async () => (await net.metric('blamed_points_total', { reason: 'gossip-too-large' })) === 25);
    expect(isConnected(net, net.peers()[0]!.address)).to.equal(true);
    // More than any RPC may have: refused by its prefix, and the connection begins anew.
    await publish(new Uint8Array(100_000));
    await until('blamed', async () => (await net.metric('blamed_points_total', { reason: 'gossip-too-large' })) === 50);
    await until('disconnected', () => !isConnected(net, net.peers()[0]!.address));
    expect(got).to.have.length(0);
  });

  it('makes a peer wait that sends too many messages, and cuts it off when it goes on', async () => {
    const clock = handClock();
    const { net, got, publish, score } = await rawMember({ gossipPerSecond: 2, gossipBurst: 10 }, 'accept', clock);
    const waited = (): Promise<number> => net.metric('gossip_held_back_seconds_total');
    expect(await waited()).to.equal(0);
    for (let byte = 0; byte < 20; byte++) await publish(Uint8Array.of(byte));
    await until('all to have come, in time', async () => {
      clock.advance(500);
      return got.length === 20 && (await waited()) > 0;
    });
    const first = score();
    expect(first).to.be.lessThan(50).and.greaterThan(0);
    for (let byte = 0; byte < 100; byte++) await publish(randomBytes(8));
    await until('cut off', () => {
      clock.advance(500);
      return net.peers()[0]!.cutOffReason === 'gossip-flood';
    });
    expect(got.length).to.be.lessThan(120);
  });

  it('reads no RPC that holds more than one message', async () => {
    const { net, got, raw, publish, score } = await rawMember();
    type Rpc = { subscriptions: []; messages: { topic: string; data: Uint8Array }[] };
    const gossip = raw.node.services.gossip as unknown as { sendRpc(peer: string, rpc: Rpc): boolean };
    const messages = [1, 2].map((byte) => ({ topic: rawTopic, data: Uint8Array.of(byte) }));
    expect(gossip.sendRpc(net.peerId, { subscriptions: [], messages })).to.equal(true);
    expect(gossip.sendRpc(net.peerId, { subscriptions: [], messages: messages.slice(1) })).to.equal(true);
    await publish(Uint8Array.of(3));
    await until('the third', () => got.some(({ payload }) => payload === '0x03'));
    expect(got.map(({ payload }) => payload)).to.deep.equal(['0x02', '0x03']);
    expect(score()).to.equal(0);
  });

  it('handles the messages of one peer one after another, and drops those beyond the queue', async () => {
    const net = await testNet({ limits: { gossipQueue: 10 } });
    const release = gateOf();
    let running = 0;
    let most = 0;
    const order: number[] = [];
    net.subscribe(topic, async (payload) => {
      most = Math.max(most, ++running);
      await release.promise;
      order.push(payload[0]!);
      running--;
      return 'accept';
    });
    const raw = await rawListener(net);
    for (let byte = 0; byte < 30; byte++) await raw.node.services.gossip.publish(rawTopic, Uint8Array.of(byte));
    await until('dropped', async () => (await net.metric('gossip_dropped_total', { name: topic })) === 20);
    release.open();
    await until('handled', () => order.length === 10);
    expect(order).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(most).to.equal(1);
    expect(net.peers()[0]!.score).to.equal(0);
  });

  it('handles as many messages of one peer at a time as it was told, in the order in which they came', async () => {
    const net = await testNet();
    const release = gateOf();
    const started: number[] = [];
    let running = 0;
    let most = 0;
    net.subscribe(
      topic,
      async (payload) => {
        started.push(payload[0]!);
        most = Math.max(most, ++running);
        await release.promise;
        running--;
        return 'accept';
      },
      3,
    );
    const raw = await rawListener(net);
    for (let byte = 0; byte < 12; byte++) await raw.node.services.gossip.publish(rawTopic, Uint8Array.of(byte));
    await until(
      'all are there',
      async () => (await net.metric('messages_total', { name: topic, direction: 'in' })) === 12,
    );
    expect(started).to.deep.equal([0, 1, 2]);
    release.open();
    await until('handled', () => started.length === 12 && running === 0);
    expect(started).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    expect(most).to.equal(3);
  });
});
