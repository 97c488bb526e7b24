import type { Stream } from '@libp2p/interface';
import { Registry } from 'prom-client';
import type { Address } from '../core/bytes.ts';
import { NotariumError } from '../core/errors.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { askPeer } from './askPeer.ts';
import { Connections } from './connections.ts';
import { createNode, maxStreamsOf } from './createNode.ts';
import type { GossipContext } from './GossipContext.ts';
import { connectionGater } from './gate.ts';
import { Gossip } from './gossip.ts';
import { identityOf } from './identity.ts';
import { defaultLimits, penalties } from './limits.ts';
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
 * @throws NotariumError `port-taken`, `config-invalid` (places that cannot be listened at).
 */
export async function openNet(options: NetOptions): Promise<Net> {
  const { network, logger, clock = systemClock, metrics = createNetMetrics(new Registry()) } = options;
  const limits: NetLimits = { ...defaultLimits, ...options.limits };
  const identity = identityOf(options.privateKey);
  const { address } = identity;
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
      for (const handler of connectHandlers) {
        try {
          handler(peer);
        } catch (error) {
          logger.error({ err: error, peer }, 'a handler of connections failed');
        }
      }
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
  const prefix = `/notarium/${network}`;
  const context: GossipContext = {
    limits,
    metrics,
    logger,
    prefix: `${prefix}/gossip/`,
    addressOf: (id) => connections.addressOf(id),
    payBytes: async (peer, count, signal) => void (await useOf(peer).bytes.pay(count, signal)),
    payMessages: async (peer, count, signal) => {
      const use = useOf(peer);
      const waitedMs = await use.gossip.pay(count, signal);
      if (waitedMs === 0) return;
      metrics.gossipHeldBack.inc(waitedMs / 1000);
      const seconds = use.heldBack(waitedMs);
      if (seconds > 0) scores.blame(peer, 'gossip-flood', seconds * penalties.gossipFlood);
    },
    blame: (peer, reason, points) => scores.blame(peer, reason, points),
    closing: closing.signal,
  };
  const maxStreams = maxStreamsOf(limits);
  const node = await createNode({
    identity,
    listen: options.listen ?? ['/ip4/127.0.0.1/tcp/0'],
    announce: options.announce ?? [],
    gater: connectionGater({
      refusalOf: (peer) => {
        if (peer === undefined || !connections.has(peer)) return 'stranger';
        return scores.cutOffReason(peer) === undefined ? undefined : 'cut-off';
      },
      logger,
      metrics,
    }),
    prefix,
    gossip: context,
  });
  const gossip = new Gossip(context, node.services.gossip);
  const kept = connections.keepUp(node, closing.signal);
  const close = async (): Promise<void> => {
    closing.abort();
    await kept;
    await node.stop();
  };
  try {
    await node.start();
  } catch (cause) {
    await close();
    throw listenError(cause);
  }

  const protocolId = (name: string): string => `${prefix}${name.replace(/^\/notarium/, '')}`;
  const openStream = async (peer: Address, protocol: string, signal: AbortSignal): Promise<Stream> => {
    const connection = await connections.to(peer, signal);
    return connection.newStream(protocolId(protocol), { signal, maxOutboundStreams: maxStreams });
  };

  return {
    address,
    peerId: identity.peerId.toString(),
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
    subscribe: (topic, handler, atOnce = 1) => gossip.subscribe(topic, handler, atOnce),
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
          const peer = connections.addressOf(remotePeer);
          if (peer === undefined) return stream.abort(new Error('not a member'));
          const begin = () => useOf(peer).begin();
          void serveRequest({ context, stream, peer, name: protocol, handler, logger, begin });
        },
        { maxInboundStreams: maxStreams, maxOutboundStreams: maxStreams },
      );
      register.catch((error: unknown) => logger.error({ err: error, protocol }, 'a protocol cannot be registered'));
    },
    blame: context.blame,
    close,
  };
}

function listenError(cause: unknown): unknown {
  if (!(cause instanceof Error) || cause.name !== 'UnsupportedListenAddressesError') return cause;
  if (cause.message.includes('EADDRINUSE')) return new NotariumError('port-taken', 'between centres', { cause });
  return new NotariumError('config-invalid', cause.message, { cause });
}
