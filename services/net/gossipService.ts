import { createHash } from 'node:crypto';
import { type GossipSub, type GossipSubComponents, gossipsub, type Message } from '@libp2p/gossipsub';
import type { Connection, Stream, StreamHandler, Topology } from '@libp2p/interface';
import type { GossipContext } from './GossipContext.ts';
import { meteredRpc } from './gossipStream.ts';

/** Gossipsub as a service of libp2p, set up for few peers that all know each other. */
export function gossipService(context: GossipContext): (components: GossipSubComponents) => GossipSub {
  const { limits } = context;
  const create = gossipsub({
    // Authors sign what they publish; the peer that passes a message on answers for it.
    globalSignaturePolicy: 'StrictNoSign',
    msgIdFn: ({ topic, data }: Message) => createHash('sha256').update(`${topic}\n`).update(data).digest(),
    floodPublish: true,
    allowPublishToZeroTopicPeers: true,
    ignoreDuplicatePublishError: true,
    emitSelf: false,
    fallbackToFloodsub: false,
    doPX: false,
    // Nothing is announced to be asked for later: the author sends to all, and what is lost is reconciled by requests.
    // It would also make answers of any number of messages, where one message at a time bounds what is read.
    Dlazy: 0,
    gossipFactor: 0,
    // Each RPC is counted as one message; honest ones carry no more, and few topics.
    decodeRpcLimits: {
      maxSubscriptions: 64,
      maxMessages: 1,
      maxIhaveMessageIDs: 64,
      maxIwantMessageIDs: 64,
      maxControlMessages: 64,
      maxIdontwantMessageIDs: 512,
      maxPeerInfos: 16,
    },
    maxOutboundBufferSize: 64 * limits.gossipBytes,
    maxTopicBytesPerPeer: 64 * 1024,
    // Scores are kept in one place (scores.ts): by its own, gossipsub would leave a peer out without a word.
    scoreParams: { IPColocationFactorWeight: 0, behaviourPenaltyWeight: 0 },
  });
  // Gossipsub reads without back-pressure, drops a peer without a word, and keeps dead streams; so it sees the network
  // through this.
  return ({ privateKey, peerId, peerStore, registrar, connectionManager, logger }) => {
    const guarded = Object.create(registrar, {
      handle: {
        value: (protocol: string, handler: StreamHandler, options: object) =>
          registrar.handle(protocol, (stream, connection) => measure(stream, connection, handler), options),
      },
      register: {
        value: (protocol: string, topology: Topology) =>
          registrar.register(protocol, {
            ...topology,
            onConnect: (peer, connection) => topology.onConnect?.(peer, withLiveStreams(connection)),
          }),
      },
    });
    return create({ privateKey, peerId, peerStore, registrar: guarded, connectionManager, logger });
  };

  function measure(stream: Stream, connection: Connection, handler: StreamHandler): void | Promise<void> {
    const peer = context.addressOf(connection.remotePeer);
    if (peer === undefined) return stream.abort(new Error('not a member'));
    return handler(meteredRpc(stream, { context, peer, connection }), withLiveStreams(connection));
  }
}

/**
 * The connection, which gives gossipsub no stream that has ended already. Gossipsub would miss that end and keep the
 * stream for ever, deaf to every later connection; and it does not try again, so that all has to begin anew.
 */
function withLiveStreams(connection: Connection): Connection {
  const newStream: Connection['newStream'] = async (protocols, options) => {
    try {
      const stream = await connection.newStream(protocols, options);
      if (stream.writeStatus !== 'writable') throw new Error(`the stream is ${stream.status} already`);
      return stream;
    } catch (error) {
      if (connection.status === 'open') connection.abort(new Error('no stream for gossip', { cause: error }));
      throw error;
    }
  };
  return Object.create(connection, { newStream: { value: newStream } });
}
