import { type GossipSub, TopicValidatorResult } from '@libp2p/gossipsub';
import type { PeerId } from '@libp2p/interface';
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
  /** By topic and peer. */
  readonly #queues = new Map<string, Queue>();

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

  subscribe(topic: string, handler: GossipHandler, atOnce: number): void {
    const name = this.#context.prefix + topic;
    if (this.#service.topicValidators.has(name)) throw new Error(`topic ${topic} has a handler already`);
    // A message is passed on only after its validator has accepted it.
    this.#service.topicValidators.set(
      name,
      async (from, { data }) => verdicts[await this.#judge({ topic, handler, atOnce }, from, data)],
    );
    this.#service.subscribe(name);
  }

  async #judge(
    { topic, handler, atOnce }: { topic: string; handler: GossipHandler; atOnce: number },
    from: PeerId,
    payload: Uint8Array,
  ): Promise<GossipVerdict> {
    const { limits, metrics, logger, addressOf, blame } = this.#context;
    const peer = addressOf(from);
    if (peer === undefined) return 'ignore';
    metrics.bytes.inc({ name: topic, direction: 'in' }, payload.length);
    metrics.messages.inc({ name: topic, direction: 'in' });
    if (payload.length > limits.gossipBytes) {
      blame(peer, 'gossip-too-large', penalties.gossipTooLarge);
      return 'reject';
    }
    const name = `${topic} ${peer}`;
    const queue = this.#queues.get(name) ?? { running: 0, waiting: [] };
    if (queue.running + queue.waiting.length >= limits.gossipQueue) {
      metrics.dropped.inc({ name: topic });
      return 'ignore';
    }
    this.#queues.set(name, queue);
    if (queue.running < atOnce) queue.running++;
    else await new Promise<void>((start) => queue.waiting.push(start));
    try {
      const verdict = await handler(payload, peer);
      if (verdict === 'reject') blame(peer, 'gossip-rejected', penalties.gossipRejected);
      return verdict;
    } catch (error) {
      logger.error({ err: error, peer, topic }, 'a gossip handler failed');
      return 'ignore';
    } finally {
      // The next one takes this one's place.
      const next = queue.waiting.shift();
      if (next) next();
      else if (--queue.running === 0) this.#queues.delete(name);
    }
  }
}

/** Messages that are handled, and those that wait for it, oldest first. */
type Queue = { running: number; readonly waiting: (() => void)[] };
