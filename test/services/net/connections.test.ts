import { expect } from 'chai';
import { freePorts } from '../../support/freePorts.ts';
import { until } from '../../support/until.ts';
import { closeNets, collect, connect, connectedPair, directoryOf, handClock, isConnected, testNet } from './netKit.ts';

const test = '/notarium/test/1';

/** Where nobody else listens meanwhile when it is closed. */
const keptPlace = async (): Promise<string[]> => [`/ip4/127.0.0.1/tcp/${(await freePorts(1))[0]}`];

describe('net/connections', () => {
  afterEach(closeNets);

  it('connects again after the restart of a peer, with gossip and requests', async () => {
    const [a, first] = [await testNet(), await testNet({ listen: await keptPlace() })];
    await connect(a, first);
    const connected: string[] = [];
    a.onConnect((peer) => connected.push(peer));
    const place = first.multiaddrs[0]!.split('/p2p/')[0]!;
    await first.close();
    await until('disconnected', () => !isConnected(a, first.address));
    expect(await a.metric('connected_peers')).to.equal(0);
    const again = await testNet({ key: first.key, listen: [place] });
    again.handle(test, async function* () {
      yield Uint8Array.of(7);
    });
    const got: number[] = [];
    again.subscribe('records', async (payload) => {
      got.push(payload[0]!);
      return 'accept';
    });
    again.setDirectory(directoryOf(a, again));
    await until('connected again', () => isConnected(a, first.address) && isConnected(again, a.address));
    expect(connected).to.deep.equal([first.address]);
    expect(await collect(a.request(first.address, test, [], { timeoutMs: 60_000 }))).to.deep.equal([Uint8Array.of(7)]);
    let byte = 0;
    await until('gossip goes on', async () => (await a.publish('records', Uint8Array.of(++byte))) === 1);
    await until('gossip comes', () => got.includes(byte));
  });

  it('keeps gossip alive over a peer that leaves in the midst of connecting, time after time', async () => {
    const [a, first] = await connectedPair();
    let current = first;
    for (let round = 1; round <= 12; round++) {
      // At once: a stream for gossip is being opened just now.
      await current.close();
      await until('disconnected', () => !isConnected(a, first.address));
      current = await testNet({ key: first.key });
      current.subscribe('records', async () => 'accept');
      for (const net of [a, current]) net.setDirectory(directoryOf(a, current));
      await until('connected again', () => isConnected(a, first.address) && isConnected(current, a.address));
      let byte = 0;
      await until('gossip goes on', async () => (await a.publish('records', Uint8Array.of(round, ++byte))) === 1);
    }
  });

  it('connects from one side alone, and to a peer that has moved', async () => {
    const [a, b] = await Promise.all([testNet(), testNet()]);
    a.setDirectory(new Map([[b.address, []]]));
    b.setDirectory(new Map([[a.address, a.multiaddrs]]));
    await until('connected', () => isConnected(a, b.address) && isConnected(b, a.address));
    await b.close();
    await until('disconnected', () => !isConnected(a, b.address));
    const moved = await testNet({ key: b.key });
    moved.setDirectory(new Map([[a.address, []]]));
    a.setDirectory(directoryOf(moved));
    await until('connected', () => isConnected(a, moved.address) && isConnected(moved, a.address));
  });

  it('admits a peer that joins the directory later', async () => {
    const [a, b] = await Promise.all([testNet(), testNet()]);
    a.setDirectory(directoryOf(b));
    await until('refused', async () => (await b.metric('connections_refused_total', { reason: 'stranger' })) > 0);
    expect(isConnected(a, b.address)).to.equal(false);
    await connect(a, b);
  });

  it('calls a peer by its score, and keeps a peer out that was blamed too much', async () => {
    const clock = handClock();
    const limits = { cutOffScore: 100, cutOffMs: 3000 };
    const [a, b] = await Promise.all([testNet({ limits, clock }), testNet()]);
    await connect(a, b);
    a.blame(b.address, 'false-block', 60);
    expect(a.peers()).to.deep.equal([{ address: b.address, isConnected: true, score: 60 }]);
    a.blame(b.address, 'false-block', 60);
    expect(a.peers()[0]!.cutOffReason).to.equal('false-block');
    await until('disconnected', () => !isConnected(a, b.address) && !isConnected(b, a.address));
    expect(await a.metric('cut_off_total', { reason: 'false-block' })).to.equal(1);
    expect(await a.metric('blamed_points_total', { reason: 'false-block' })).to.equal(120);
    const said = a.log.filter(({ level }) => level === 'warn').map(({ message, data }) => [message, data.reason]);
    expect(said).to.deep.equal([
      ['a peer misbehaves', 'false-block'],
      ['peer cut off', 'false-block'],
    ]);
    const refused = await a.metric('connections_refused_total', { reason: 'cut-off' });
    await until(
      'it dials in vain',
      async () => (await a.metric('connections_refused_total', { reason: 'cut-off' })) > refused,
    );
    expect(isConnected(a, b.address)).to.equal(false);
    clock.advance(3000);
    await until('on probation', () => isConnected(a, b.address));
    expect(a.peers()[0]!.cutOffReason).to.equal(undefined);
  });

  it('closes at once, twice too, and then listens no more', async () => {
    const [a, b] = [await testNet({ listen: await keptPlace() }), await testNet()];
    await connect(a, b);
    const place = a.multiaddrs[0]!.split('/p2p/')[0]!;
    await Promise.all([a.close(), a.close()]);
    await until('disconnected', () => !isConnected(b, a.address));
    const again = await testNet({ key: a.key, listen: [place] });
    expect(again.address).to.equal(a.address);
  });
});
