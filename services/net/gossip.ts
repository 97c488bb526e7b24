import { type GossipSub, TopicValidatorResult } from '@libp2p/gossipsub';
import type { PeerId } from '@libp2p/interface';
import type { Address } from '../core/bytes.ts';
import { NotariumError } from '../core/errors.ts';
import type { GossipContext } from './GossipContext.ts';
import { penalties } from './limits.ts';
import type { GossipHandler, GossipVerdict } from './Net.ts';

const verdicts: Record<GossipVerdict, TopicValidatorResult> = {
  accept: TopicValidatorResult.Accept,
  ignore: TopicValidatorResult.Ignore,
  reject: TopicValidatorResult.Reject,
};

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
