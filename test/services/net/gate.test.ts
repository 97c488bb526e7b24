import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { multiaddr } from '@multiformats/multiaddr';
import { expect } from 'chai';
import { expectCode } from '../../support/expectCode.ts';
import { until } from '../../support/until.ts';
import { closeNets, collect, connect, connectedPair, directoryOf, isConnected, testNet } from './netKit.ts';
import { rawNode, stopRawNodes } from './rawNode.ts';

describe('net/gate', () => {
  afterEach(() => Promise.all([closeNets(), stopRawNodes()]));

  it('refuses a stranger that dials in before any byte of an application', async () => {
    const net = await testNet();
    let calls = 0;
    net.handle('/notarium/test/1', async function* () {
      calls++;
      yield Uint8Array.of(1);
    });
    const { node, prefix } = await rawNode(randomBytes(32));
    const dialled = await node.dial(multiaddr(net.multiaddrs[0]!)).catch(() => undefined);
    if (dialled) {
      const protocol = `${prefix}/test/1`;
      expect(await dialled.newStream(protocol, { signal: AbortSignal.timeout(2000) }).catch(() => 'refused')).to.equal(
        'refused',
      );
    }
    await until('closed at the side of the stranger', () => node.getConnections().length === 0);
    expect(await net.metric('connections_refused_total', { reason: 'stranger' })).to.equal(1);
    expect(await net.metric('connected_peers')).to.equal(0);
    expect(calls).to.equal(0);
  });

  it('refuses whoever answers at the place of a member with another key', async () => {
    const { node, multiaddrs } = await rawNode(randomBytes(32));
    const member = await testNet();
    const net = await testNet();
    const place = multiaddrs[0]!.split('/p2p/')[0];
    net.setDirectory(new Map([[member.address, [`${place}/p2p/${member.peerId}`]]]));
    let streams = 0;
    node.addEventListener('connection:open', () => {
      streams++;
    });
    const error = await expectCode(
      'peer-unreachable',
      collect(net.request(member.address, '/notarium/test/1', [], { timeoutMs: 60_000 })),
    );
    expect(error.data).to.deep.equal({ peer: member.address });
    expect(isConnected(net, member.address)).to.equal(false);
    expect(streams).to.equal(0);
  });

  it('does not dial a multiaddr that names the peer id of somebody else', async () => {
    const { node, multiaddrs } = await rawNode(randomBytes(32));
    const member = await testNet();
    const net = await testNet();
    net.setDirectory(new Map([[member.address, multiaddrs]]));
    await expectCode(
      'peer-unreachable',
      collect(net.request(member.address, '/notarium/test/1', [], { timeoutMs: 60_000 })),
    );
    expect(node.getConnections()).to.have.length(0);
    expect(net.log.filter(({ level }) => level === 'warn')).to.have.length(1);
  });

  it('cuts off a member at once that is removed from the directory, with its requests', async () => {
    const [a, b] = await connectedPair();
    let aborted = false;
    a.handle('/notarium/slow/1', async function* (_frames, _from, signal) {
      yield Uint8Array.of(1);
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      aborted = true;
    });
    const answer = b.request(a.address, '/notarium/slow/1', [], { timeoutMs: 60_000 })[Symbol.asyncIterator]();
    expect((await answer.next()).value).to.deep.equal(Uint8Array.of(1));
    a.setDirectory(directoryOf(a));
    expect(a.peers()).to.deep.equal([]);
    await expectCode('peer-unreachable', answer.next());
    await until('aborted at the side that answers', () => aborted);
    await until('disconnected', () => !isConnected(b, a.address));
    expect(await a.metric('connections_refused_total', { reason: 'removed' })).to.equal(1);
    await until(
      'refused when it comes back',
      async () => (await a.metric('connections_refused_total', { reason: 'stranger' })) > 0,
    );
    expect(await a.metric('connected_peers')).to.equal(0);
  });

  it('does not get stuck by bytes that are no handshake, nor by connections that say nothing', async () => {
    const net = await testNet();
    const port = Number(net.multiaddrs[0]!.split('/')[4]);
    const sockets = Array.from({ length: 12 }, () => connectTcp(port, '127.0.0.1'));
    for (const socket of sockets) socket.on('error', () => undefined);
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    sockets.slice(0, 4).forEach((socket) => {
      socket.write(randomBytes(100_000));
    });
    await until('all with garbage closed', () => sockets.slice(0, 4).every((socket) => socket.closed));
    const member = await testNet();
    await connect(net, member);
    for (const socket of sockets) socket.destroy();
  });

  it('is not connected to a member of another network, and gives it up', async () => {
    const [a, b] = await Promise.all([testNet({ network: 'eip155:1:0xaa' }), testNet({ network: 'eip155:1:0xbb' })]);
    for (const net of [a, b]) net.setDirectory(directoryOf(a, b));
    const error = await expectCode(
      'peer-refused',
      collect(a.request(b.address, '/notarium/test/1', [], { timeoutMs: 60_000 })),
    );
    expect(error.data.peer).to.equal(b.address);
    expect(isConnected(a, b.address) || isConnected(b, a.address)).to.equal(false);
    await until(
      'given up',
      async () => (await a.metric('connections_refused_total', { reason: 'not-introduced' })) > 0,
    );
  });

  it('says that its port is taken', async () => {
    const net = await testNet();
    await expectCode('port-taken', testNet({ listen: [net.multiaddrs[0]!.split('/p2p/')[0]!] }));
    await expectCode('config-invalid', testNet({ listen: ['/ip4/192.0.2.1/tcp/0'] }));
  });
});
