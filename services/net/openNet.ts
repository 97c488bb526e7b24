import { noise } from '@chainsafe/libp2p-noise';
import { yamux } from '@chainsafe/libp2p-yamux';
import { identify } from '@libp2p/identify';
import type { Stream } from '@libp2p/interface';
import { tcp } from '@libp2p/tcp';
import { createLibp2p } from 'libp2p';
import { Registry } from 'prom-client';
import type { Address } from '../core/bytes.ts';
import { NotariumError } from '../core/errors.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { askPeer } from './askPeer.ts';
import { Connections } from './connections.ts';
import { connectionGater } from './gate.ts';
import { Gossip, type GossipContext, gossipService } from './gossip.ts';
import { addressOfPeer, identityOf } from './identity.ts';
import { defaultLimits } from './limits.ts';
import type { Net, NetLimits } from './Net.ts';
import { createNetMetrics, type NetMetrics } from './netMetrics.ts';
import { PeerUse } from './PeerUse.ts';
import { Scores } from './scores.ts';
import { serveRequest } from './serveRequest.ts';

/** How a {@link Net} is set up. */
export type NetOptions = {
  /** The node's secp256k1 key, 32 bytes. */
  readonly privateKey: Uint8Array;
  /** `networkName` of the network. It stands in the names of protocols and topics, so that two networks never mix. */
  readonly network: string;
  /** Multiaddrs to listen at; a free port of the local machine by default. */
  readonly listen?: readonly string[];
  /** Multiaddrs to tell others instead of those listened at. */
  readonly announce?: readonly string[];
  readonly limits?: Partial<NetLimits>;
  readonly logger: Logger;
  readonly clock?: Clock;
  readonly metrics?: NetMetrics;
};

/**
 * Opens the network of a centre; nobody is admitted before `setDirectory`.
 * @throws NotariumError `port-taken`.
 */
export async function openNet(options: NetOptions): Promise<Net> {
  const { network, logger, clock = systemClock, metrics = createNetMetrics(new Registry()) } = options;
  const limits: NetLimits = { ...defaultLimits, ...options.limits };
  const { privateKey, peerId, address } = identityOf(options.privateKey);
  const closing = new AbortController();
  const connectHandlers: ((peer: Address) => void)[] = [];
  const uses = new Map<Address, PeerUse>();

  const scores = new Scores({
    limits,
    clock,
    logger,
    metrics,
    onCutOff: (peer) => connections.disconnect(peer, 'cut-off'),
  });
  const connections: Connections = new Connections({
    own: address,
    isCutOff: (peer) => scores.cutOffReason(peer) !== undefined,
    onConnect: (peer) => {
      for (const handler of connectHandlers) handler(peer);
    },
    clock,
    logger,
    metrics,
  });
  const useOf = (peer: Address): PeerUse => {
    const use = uses.get(peer) ?? new PeerUse(limits, clock);
    uses.set(peer, use);
    return use;
  };
  const memberOf: GossipContext['addressOf'] = (id) => {
    const peer = addressOfPeer(id);
    return peer !== undefined && connections.has(peer) ? peer : undefined;
  };
  const prefix = `/notarium/${network}`;
  const context: GossipContext = {
    limits,
    metrics,
    logger,
    prefix: `${prefix}/gossip/`,
    addressOf: memberOf,
    payBytes: (peer, count, signal) => useOf(peer).bytes.pay(count, signal),
    blame: (peer, reason, points) => scores.blame(peer, reason, points),
    closing: closing.signal,
  };
  const maxStreams = 2 * limits.openRequests + 16;
  const node = await createLibp2p({
    privateKey,
    start: false,
    nodeInfo: { name: 'notarium', version: '1', userAgent: 'notarium' },
    addresses: {
      listen: [...(options.listen ?? ['/ip4/127.0.0.1/tcp/0'])],
      announce: [...(options.announce ?? [])],
    },
    transports: [tcp({ maxConnections: 512 })],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux({ maxInboundStreams: maxStreams, streamOptions: { maxStreamWindowSize: 1024 * 1024 } })],
    connectionGater: connectionGater({
      refusalOf: (peer) => {
        if (peer === undefined || !connections.has(peer)) return 'stranger';
        return scores.cutOffReason(peer) === undefined ? undefined : 'cut-off';
      },
      logger,
      metrics,
    }),
    connectionManager: {
      // One host can hold fewer connections before the handshake (8 a second for 5 s) than may be in that state.
      inboundConnectionThreshold: 8,
      inboundUpgradeTimeout: 5_000,
      maxIncomingPendingConnections: 64,
      maxConnections: 300,
    },
    // A peer whose machine or line has died closes nothing; yamux alone would find out after many minutes.
    connectionMonitor: { pingInterval: 10_000, pingTimeout: { minTimeout: 10_000 }, protocolPrefix: 'notarium' },
    services: {
      identify: identify({ protocolPrefix: prefix.slice(1) }),
      gossip: gossipService(context),
    },
  });
  const gossip = new Gossip(context, node.services.gossip);
  const kept = connections.keepUp(node, closing.signal);
  await node.start();

  const protocolId = (name: string): string => `${prefix}${name.replace(/^\/notarium/, '')}`;
  const openStream = async (peer: Address, protocol: string, signal: AbortSignal): Promise<Stream> => {
    const connection = await connections.to(peer, signal);
    return connection.newStream(protocolId(protocol), { signal, maxOutboundStreams: maxStreams });
  };

  return {
    address,
    peerId: peerId.toString(),
    get multiaddrs() {
      return node.getMultiaddrs().map(String);
    },
    setDirectory: (directory) => connections.setDirectory(directory),
    peers: () =>
      connections.peers().map((peer) => {
        const cutOffReason = scores.cutOffReason(peer);
        return {
          address: peer,
          isConnected: connections.isConnected(peer),
          score: scores.scoreOf(peer),
          ...(cutOffReason === undefined ? {} : { cutOffReason }),
        };
      }),
    onConnect: (handler) => {
      connectHandlers.push(handler);
    },
    publish: (topic, payload) => gossip.publish(topic, payload),
    subscribe: (topic, handler) => gossip.subscribe(topic, handler),
    request: (peer, protocol, frames, requestOptions) =>
      askPeer({
        context,
        peer,
        name: protocol,
        frames,
        options: requestOptions,
        closing: closing.signal,
        openStream: (signal) => openStream(peer, protocol, signal),
      }),
    handle: (protocol, handler) => {
      const register = node.handle(
        protocolId(protocol),
        (stream, { remotePeer }) => {
          const peer = memberOf(remotePeer);
          if (peer === undefined) return stream.abort(new Error('not a member'));
          const begin = () => useOf(peer).begin();
          void serveRequest({ context, stream, peer, name: protocol, handler, logger, begin });
        },
        { maxInboundStreams: maxStreams, maxOutboundStreams: maxStreams },
      );
      register.catch((error: unknown) => logger.error({ err: error, protocol }, 'a protocol cannot be registered'));
    },
    blame: context.blame,
    close: async () => {
      closing.abort(new NotariumError('shutting-down'));
      await kept;
      await node.stop();
    },
  };
}
