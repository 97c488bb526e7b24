import { blockHash } from '../../core/block.ts';
import type { Address } from '../../core/bytes.ts';
import { slotAt } from '../../core/committee.ts';
import { type SignedHeader, signedHeaderSchema } from '../../core/equivocation.ts';
import { isNotariumError, type NotariumError } from '../../core/errors.ts';
import { every, type Loop } from '../../lib/every.ts';
import type { GossipVerdict } from '../../net/Net.ts';
import type { AnchoredBlock } from '../../store/StoredBlock.ts';
import { askHeaders, serveHeaders } from './exchangeHeaders.ts';
import type { ReplicationParts } from './ReplicationParts.ts';
import { type Equivocation, keptSlots, type Noted } from './SeenHeaders.ts';
import { jsonFrame, readJson, topics } from './wire.ts';

const retryMs = 1_000;
const wrongHeaderPoints = 10;
/** A header that a peer has been shown may have come to it long after its slot. */
const overlapSlots = 60;

/** How long a connected peer is left alone (ms) that has said what it was shown, and one that could not be asked. */
export type AskPauses = { readonly againMs: number; readonly failedMs: number };

const askPauses: AskPauses = { againMs: 60_000, failedMs: 5_000 };

/** The last question to a peer. */
type Asked = {
  /** By performance.now(); never while it is being asked. */
  readonly nextMs: number;
  /** Of the last answer that came to its end: it has told what it knew then. */
  readonly slot?: number;
};

/**
 * Passes on every header that a publisher has signed, and reports whoever signs two of one slot to the registry: each
 * centre may have been shown another one, so all of them show each other what they saw.
 */
export class EquivocationWatch {
  readonly #parts: ReplicationParts;
  readonly #pending = new Map<Address, Equivocation>();
  readonly #stop = new AbortController();
  readonly #pauses: AskPauses;
  readonly #asked = new Map<Address, Asked>();
  #loop: Loop | undefined;
  #loaded: Promise<void> = Promise.resolve();

  constructor(parts: ReplicationParts, pauses = askPauses) {
    this.#parts = parts;
    this.#pauses = pauses;
  }

  start(): void {
    const { net, logger, clock } = this.#parts;
    this.#loaded = this.#load();
    net.subscribe(topics.headers, (payload) => this.#hear(payload));
    serveHeaders(this.#parts);
    net.onConnect((peer) => void this.#exchange(peer, undefined));
    const look = async (): Promise<void> => {
      this.#askAgain();
      await this.#report();
    };
    this.#loop = every(retryMs, look, {
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
   * Notes a header that its publisher has signed. Answers false when the publisher is known to have signed two in the slot.
   * @throws NotariumError when the signature is not the publisher's (see SeenHeaders).
   */
  async note(signed: SignedHeader): Promise<boolean> {
    await this.#loaded;
    const noted = this.#parts.seen.note(signed);
    if (noted.isNew) {
      await this.#keep([signed]);
      await this.#parts.net.publish(topics.headers, jsonFrame(signed));
    }
    return await this.#judge(signed, noted);
  }

  /**
   * Compares blocks of the chain with what their publishers have shown here: a partition may have let each of its parts see
   * another one. All read the chain, so a block that is the only one of its slot is told to nobody.
   */
  async compare(blocks: readonly Pick<AnchoredBlock, 'header' | 'signatures'>[]): Promise<void> {
    const shown = blocks.flatMap(({ header, signatures }) => {
      const own =
        header.slot < this.#oldest() ? undefined : signatures.find(({ signer }) => signer === header.publisher);
      return own ? [{ header, signature: own.signature }] : [];
    });
    await this.#learn(shown, (error, { header: { height } }) => {
      // The chain has taken the block: a node of it that spoils a signature must not hold up the log.
      this.#parts.logger.debug({ err: error, height }, 'the publisher of a block has not signed it');
    });
  }

  /** The first slot that is of interest. */
  #oldest(): number {
    const { clock, periodSeconds } = this.#parts;
    return Math.max(0, slotAt(clock.nowMs(), periodSeconds) - keptSlots);
  }

  /** What was seen before the start; a proof that was not reported then is reported now. */
  async #load(): Promise<void> {
    const { store, seen, logger } = this.#parts;
    try {
      for (const { signed } of await store.keptHeaders()) {
        const { equivocation } = seen.note(signed);
        if (equivocation) this.#pending.set(equivocation.culprit, equivocation);
      }
    } catch (error) {
      logger.error({ err: error }, 'headers seen before the start cannot be read');
    }
  }

  /** For the next start. A disk that is full must not keep a proof from being told and reported now. */
  async #keep(headers: readonly SignedHeader[]): Promise<void> {
    const { store, network, logger } = this.#parts;
    const kept = headers.map((signed) => ({ hash: blockHash(network, signed.header), signed }));
    try {
      await store.keepHeaders(kept, this.#oldest());
    } catch (error) {
      logger.error({ err: error, count: kept.length }, 'headers cannot be kept for the next start');
    }
  }

  /**
   * Gossip reaches who listens already, and a connection is there before that: a header that is shown in between, or whose message
   * is lost, would never be compared with that of the other.
   */
  #askAgain(): void {
    for (const { address, isConnected } of this.#parts.net.peers()) {
      const { nextMs, slot } = this.#asked.get(address) ?? { nextMs: 0 };
      if (isConnected && performance.now() >= nextMs) void this.#exchange(address, slot);
    }
  }

  /**
   * Asks a peer what it has been shown: each part of a partition may have seen another header, and none of them been anchored.
   * @param askedSlot When it has told all; undefined: not yet, over this connection.
   */
  async #exchange(peer: Address, askedSlot: number | undefined): Promise<void> {
    const { net, logger, clock, periodSeconds } = this.#parts;
    const { againMs, failedMs } = this.#pauses;
    const slot = slotAt(clock.nowMs(), periodSeconds);
    const fromSlot = askedSlot === undefined ? this.#oldest() : Math.max(this.#oldest(), askedSlot - overlapSlots);
    const asking: Asked = { nextMs: Number.POSITIVE_INFINITY };
    // A later one, over a new connection, begins anew whatever becomes of this one.
    const end = (asked: Asked): void => {
      if (this.#asked.get(peer) === asking) this.#asked.set(peer, asked);
    };
    this.#asked.set(peer, asking);
    try {
      for await (const headers of askHeaders(this.#parts, peer, fromSlot, this.#stop.signal)) {
        const some = headers.filter((signed) => this.#isOfInterest(signed));
        await this.#learn(some, ({ code }) => net.blame(peer, code, wrongHeaderPoints));
      }
      end({ nextMs: performance.now() + againMs, slot });
    } catch (error) {
      logger.debug({ err: error, peer }, 'comparing headers failed');
      const told = askedSlot === undefined ? {} : { slot: askedSlot };
      end({ nextMs: performance.now() + failedMs, ...told });
    }
  }

  /** Notes headers that others can see as well: only a proof is told to all. */
  async #learn(
    headers: readonly SignedHeader[],
    onWrong: (error: NotariumError, signed: SignedHeader) => void,
  ): Promise<void> {
    const { seen, net } = this.#parts;
    await this.#loaded;
    const fresh: { readonly signed: SignedHeader; readonly noted: Noted }[] = [];
    for (const signed of headers) {
      // Most of it, as a rule: a signature takes far longer to check than a hash.
      if (seen.has(signed.header)) continue;
      try {
        const noted = seen.note(signed);
        if (noted.isNew) fresh.push({ signed, noted });
      } catch (error) {
        if (!isNotariumError(error) || !error.code.startsWith('signature-')) throw error;
        onWrong(error, signed);
      }
    }
    await this.#keep(fresh.map(({ signed }) => signed));
    for (const { signed, noted } of fresh) {
      if (!noted.equivocation) continue;
      await net.publish(topics.headers, jsonFrame(signed));
      await this.#judge(signed, noted);
    }
  }

  /** Answers whether the header is its publisher's only one in the slot; a second one is remembered, and told to all. */
  async #judge({ header }: SignedHeader, { isNew, equivocation }: Noted): Promise<boolean> {
    const { net, clock, logger, store } = this.#parts;
    if (!equivocation) return true;
    if (!isNew) return false;
    const { culprit, first } = equivocation;
    this.#pending.set(culprit, equivocation);
    logger.error({ culprit, slot: header.slot }, 'a centre has signed two blocks in one slot');
    // Both halves of the proof must reach everybody, or only one of them could report.
    await net.publish(topics.headers, jsonFrame(first));
    await store.appendEvent({
      type: 'alert',
      time: new Date(clock.nowMs()).toISOString(),
      data: { code: 'equivocation', centre: culprit, slot: header.slot },
    });
    return false;
  }

  async #hear(payload: Uint8Array): Promise<GossipVerdict> {
    let signed: SignedHeader;
    try {
      signed = readJson(signedHeaderSchema, payload);
    } catch {
      return 'reject';
    }
    // What is far from now, or of nobody here, could only fill our memory and that of the others.
    if (!this.#isOfInterest(signed)) return 'ignore';
    try {
      await this.note(signed);
    } catch (error) {
      // Who passes it on can see that as we do; a disk that is full is not its fault.
      if (isNotariumError(error) && error.code.startsWith('signature-')) return 'reject';
      throw error;
    }
    return 'accept';
  }

  #isOfInterest({ header: { slot, publisher } }: SignedHeader): boolean {
    const { net, signer, clock, periodSeconds } = this.#parts;
    if (slot > slotAt(clock.nowMs(), periodSeconds) + 2 || slot < this.#oldest()) return false;
    return publisher === signer.address || net.peers().some(({ address }) => address === publisher);
  }

  async #report(): Promise<void> {
    const { chain, logger, metrics } = this.#parts;
    for (const [culprit, { first, second }] of this.#pending) {
      const node = (await chain.nodes()).find(({ address }) => address === culprit);
      if (node?.status === 'active') {
        try {
          const outcome = await chain.reportEquivocation(first, second, { signal: this.#stop.signal });
          metrics.equivocations.inc();
          logger.warn({ culprit, outcome }, 'equivocation reported to the registry');
        } catch (error) {
          // Final, such as for the last active node: asking again would not change it, and must not hold up the next proof.
          if (!isNotariumError(error, 'chain-report-rejected')) throw error;
          logger.error({ err: error, culprit }, 'the registry refuses the proof of an equivocation');
        }
      }
      this.#pending.delete(culprit);
    }
  }
}
