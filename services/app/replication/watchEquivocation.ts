import type { Address } from '../../core/bytes.ts';
import { slotAt } from '../../core/committee.ts';
import { isNotariumError } from '../../core/errors.ts';
import { every, type Loop } from '../../lib/every.ts';
import type { ReplicationParts } from './ReplicationParts.ts';
import type { Equivocation, SignedHeader } from './SeenHeaders.ts';
import { jsonFrame, readJson, signedHeaderSchema, topics } from './wire.ts';

const retryMs = 1_000;
const maxSlotsBack = 1_000;

/**
 * Passes on every header that a publisher has signed, and reports whoever signs two of one slot to the registry: each
 * centre may have been shown another one, so all of them show each other what they saw.
 */
export class EquivocationWatch {
  readonly #parts: ReplicationParts;
  readonly #pending = new Map<Address, Equivocation>();
  readonly #stop = new AbortController();
  #loop: Loop | undefined;

  constructor(parts: ReplicationParts) {
    this.#parts = parts;
  }

  start(): void {
    const { net, logger, clock } = this.#parts;
    net.subscribe(topics.headers, async (payload, from) => {
      let signed: SignedHeader;
      try {
        signed = readJson(signedHeaderSchema, payload);
        await this.note(signed, from);
      } catch (error) {
        if (isNotariumError(error)) return 'reject';
        throw error;
      }
      return 'accept';
    });
    this.#loop = every(retryMs, () => this.#report(), {
      signal: this.#stop.signal,
      logger,
      name: 'equivocation',
      clock,
    });
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#loop?.done;
  }

  /**
   * Notes a header that its publisher has signed. Answers false when the publisher has signed another one in the slot.
   * @throws NotariumError when the signature is not the publisher's.
   */
  async note(signed: SignedHeader, from: Address): Promise<boolean> {
    const { seen, net, clock, periodSeconds, logger, store } = this.#parts;
    const { header } = signed;
    const now = slotAt(clock.nowMs(), periodSeconds);
    // What is far from now could only fill our memory.
    if (header.slot > now + 2 || header.slot < now - maxSlotsBack) return true;
    const { signer, isNew, equivocation } = seen.note(signed);
    if (signer !== header.publisher) net.blame(from, 'header-not-signed-by-publisher', 20);
    if (isNew && signer === header.publisher) await net.publish(topics.headers, jsonFrame(signed));
    if (!equivocation) return true;
    if (this.#pending.has(equivocation.culprit)) return false;
    this.#pending.set(equivocation.culprit, equivocation);
    logger.error({ culprit: equivocation.culprit, slot: header.slot }, 'a centre has signed two blocks in one slot');
    await store.appendEvent({
      type: 'alert',
      time: new Date(clock.nowMs()).toISOString(),
      data: { code: 'equivocation', centre: equivocation.culprit, slot: header.slot },
    });
    // Both halves of the proof must reach everybody, or only one of them could report.
    await net.publish(
      topics.headers,
      jsonFrame({ header: equivocation.first.header, signature: equivocation.first.signature }),
    );
    return false;
  }

  async #report(): Promise<void> {
    const { chain, logger, metrics } = this.#parts;
    for (const [culprit, { first, second }] of this.#pending) {
      const node = (await chain.nodes()).find(({ address }) => address === culprit);
      if (node?.status === 'active') {
        const plain = ({ header, signature }: SignedHeader): SignedHeader => ({ header, signature });
        const outcome = await chain.reportEquivocation(plain(first), plain(second));
        metrics.equivocations.inc();
        logger.warn({ culprit, outcome }, 'equivocation reported to the registry');
      }
      this.#pending.delete(culprit);
    }
  }
}
