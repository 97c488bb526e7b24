import { noise } from '@chainsafe/libp2p-noise';
import { yamux } from '@chainsafe/libp2p-yamux';
import type { GossipSub } from '@libp2p/gossipsub';
import { type Identify, identify } from '@libp2p/identify';
import type { ConnectionGater } from '@libp2p/interface';
import { tcp } from '@libp2p/tcp';
import { createLibp2p, type Libp2p } from 'libp2p';
import type { GossipContext } from './GossipContext.ts';
import { gossipService } from './gossipService.ts';
import type { Identity } from './identity.ts';
import type { NetLimits } from './Net.ts';
import { noLog } from './noLog.ts';
import { writeProtocolsOnce } from './writeProtocolsOnce.ts';

/** Streams that one connection may have open: those of requests, as many again that are refused, and libp2p's own. */
export function maxStreamsOf({ openRequests }: NetLimits): number {
  return 2 * openRequests + 16;
}

/** A libp2p node, not started yet, that a stranger cannot exhaust. */
export async function createNode(options: {
  identity: Identity;
  listen: readonly string[];
  announce: readonly string[];
  gater: ConnectionGater;
  /** Begins every protocol name, so that peers of another network have none in common with this node. */
  prefix: string;
  gossip: GossipContext;
}): Promise<Libp2p<{ identify: Identify; gossip: GossipSub }>> {
  const { identity, listen, announce, gater, prefix, gossip } = options;
  const node = await createLibp2p({
    logger: noLog,
    privateKey: identity.privateKey,
    start: false,
    nodeInfo: { name: 'notarium', version: '1', userAgent: 'notarium' },
    addresses: { listen: [...listen], announce: [...announce] },
    transports: [tcp({ maxConnections: 512 })],
    connectionEncrypters: [noise()],
    streamMuxers: [
      yamux({
        maxInboundStreams: maxStreamsOf(gossip.limits),
        // What a peer may send before its reader has taken the last bytes.
        streamOptions: { maxStreamWindowSize: 1024 * 1024 },
      }),
    ],
    connectionGater: gater,
    connectionManager: {
      // One host can hold fewer connections before the handshake (8 a second for 5 s) than may be in that state.
      inboundConnectionThreshold: 8,
      inboundUpgradeTimeout: 5_000,
      maxIncomingPendingConnections: 64,
      maxConnections: 300,
    },
    // A peer whose machine or line has died closes nothing; yamux alone would find out after many minutes.
    connectionMonitor: {
      pingInterval: 10_000,
      pingTimeout: { minTimeout: 10_000, maxTimeout: 20_000 },
      protocolPrefix: prefix.slice(1),
    },
    services: {
      identify: identify({ protocolPrefix: prefix.slice(1) }),
      gossip: gossipService(gossip),
    },
  });
  writeProtocolsOnce(node);
  return node;
}
