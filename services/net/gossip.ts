import { createHash } from 'node:crypto';
import {
  type GossipSub,
  type GossipSubComponents,
  gossipsub,
  type Message,
  TopicValidatorResult,
} from '@libp2p/gossipsub';
import type { Connection, PeerId, Stream, StreamHandler } from '@libp2p/interface';
import type { Address } from '../core/bytes.ts';
import { NotariumError } from '../core/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { meteredRpc } from './gossipStream.ts';
import { penalties } from './limits.ts';
import type { GossipHandler, GossipVerdict, NetLimits } from './Net.ts';
import type { NetMetrics } from './netMetrics.ts';

/** What gossip needs of the network. */
export type GossipContext = {
  readonly limits: NetLimits;
  readonly metrics: NetMetrics;
  readonly logger: Logger;
  /** Prefix of the topics, which keeps networks apart. */
  readonly prefix: string;
  readonly addressOf: (peerId: PeerId) => Address | undefined;
  readonly payBytes: (peer: Address, count: number, signal: AbortSignal) => Promise<void>;
  readonly blame: (peer: Address, reason: string, points: number) => void;
  readonly closing: AbortSignal;
};

const verdicts: Record<GossipVerdict, TopicValidatorResult> = {
  accept: TopicValidatorResult.Accept,
  ignore: TopicValidatorResult.Ignore,
  reject: TopicValidatorResult.Reject,
};

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
    maxOutboundBufferSize: 64 * limits.gossipBytes,
    maxTopicBytesPerPeer: 64 * 1024,
    // Peers behind one address (a proxy, a test) are no attack: the gate knows each of them.
    scoreParams: { IPColocationFactorWeight: 0 },
  });
  // Gossipsub reads without back-pressure and drops a peer without a word; so it gets streams that are measured first.
  return ({ privateKey, peerId, peerStore, registrar, connectionManager, logger }) => {
    const measured = Object.create(registrar, {
      handle: {
        value: (protocol: string, handler: StreamHandler, options: object) =>
          registrar.handle(protocol, (stream, connection) => measure(stream, connection, handler), options),
      },
    });
    return create({ privateKey, peerId, peerStore, registrar: measured, connectionManager, logger });
  };

  function measure(stream: Stream, connection: Connection, handler: StreamHandler): void | Promise<void> {
    const peer = context.addressOf(connection.remotePeer);
    if (peer === undefined) return stream.abort(new Error('not a member'));
    return handler(meteredRpc(stream, { context, peer, connection }), connection);
  }
}

/** Topics over gossipsub. */
export class Gossip {
  readonly #context: GossipContext;
  readonly #service: GossipSub;
  /** Messages of each peer that are handled or wait, and the end of the queue. */
  readonly #queues = new Map<Address, { size: number; tail: Promise<unknown> }>();

  constructor(context: GossipContext, service: GossipSub) {
    this.#context = context;
    this.#service = service;
  }

  async publish(topic: string, payload: Uint8Array): Promise<number> {
    const { limits, metrics, prefix } = this.#context;
    if (payload.length > limits.gossipBytes) {
      throw new NotariumError('message-too-large', undefined, {
        data: { have: payload.length, want: limits.gossipBytes },
      });
    }
    const { recipients } = await this.#service.publish(prefix + topic, payload);
    metrics.bytes.inc({ name: topic, direction: 'out' }, payload.length * recipients.length);
    metrics.messages.inc({ name: topic, direction: 'out' }, recipients.length);
    return recipients.length;
  }

  subscribe(topic: string, handler: GossipHandler): void {
    const name = this.#context.prefix + topic;
    if (this.#service.topicValidators.has(name)) throw new Error(`topic ${topic} has a handler already`);
    // A message is passed on only after its validator has accepted it.
    this.#service.topicValidators.set(
      name,
      async (from, { data }) => verdicts[await this.#judge(topic, handler, from, data)],
    );
    this.#service.subscribe(name);
  }

  async #judge(topic: string, handler: GossipHandler, from: PeerId, payload: Uint8Array): Promise<GossipVerdict> {
    const { limits, metrics, logger, addressOf, blame } = this.#context;
    const peer = addressOf(from);
    if (peer === undefined) return 'ignore';
    metrics.bytes.inc({ name: topic, direction: 'in' }, payload.length);
    metrics.messages.inc({ name: topic, direction: 'in' });
    if (payload.length > limits.gossipBytes) {
      blame(peer, 'gossip-too-large', penalties.gossipTooLarge);
      return 'reject';
    }
    const queue = this.#queues.get(peer) ?? { size: 0, tail: Promise.resolve() };
    if (queue.size >= limits.gossipQueue) {
      metrics.dropped.inc({ name: topic });
      return 'ignore';
    }
    this.#queues.set(peer, queue);
    queue.size++;
    const turn = queue.tail.then(() => handler(payload, peer));
    queue.tail = turn.catch(() => undefined);
    try {
      const verdict = await turn;
      if (verdict === 'reject') blame(peer, 'gossip-rejected', penalties.gossipRejected);
      return verdict;
    } catch (error) {
      logger.error({ err: error, peer, topic }, 'a gossip handler failed');
      return 'ignore';
    } finally {
      queue.size--;
      if (queue.size === 0) this.#queues.delete(peer);
    }
  }
}
