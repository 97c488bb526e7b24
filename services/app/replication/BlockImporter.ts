import { isNotariumError, NotariumError } from '../../core/errors.ts';
import type { AnchoredBlock, Lease, WriteOptions } from '../../store/Store.ts';
import { blockSources, readAheadOf } from './blockSources.ts';
import { ReadAhead } from './ReadAhead.ts';
import { isAway } from './Reconciler.ts';
import type { ReplicationParts } from './ReplicationParts.ts';

/** Takes blocks of other centres, which the chain vouches for, into the log, from whoever has their records. */
export class BlockImporter {
  readonly #parts: ReplicationParts;
  readonly #ahead = new ReadAhead();

  constructor(parts: ReplicationParts) {
    this.#parts = parts;
  }

  /** See `Replication.importBlock`. */
  async import(block: AnchoredBlock, lease: Lease, nextSize?: number): Promise<void> {
    const { store, proposals, metrics, logger } = this.#parts;
    const { header, hash } = block;
    const count = header.treeSize - store.logSize();
    const startMs = performance.now();
    const source = (await this.#fromPool(block, lease)) ?? (await this.#fromOthers(block, lease, nextSize));
    proposals.forget(hash);
    const seconds = (performance.now() - startMs) / 1000;
    metrics.importSeconds.observe(seconds);
    logger.info({ height: header.height, count, source, seconds }, 'block imported');
  }

  /** Gives up what was fetched ahead. */
  close(): void {
    this.#ahead.close();
  }

  /** A block that we have voted for, of records as they stand in our pool. */
  async #fromPool(block: AnchoredBlock, lease: Lease): Promise<string | undefined> {
    const { store, proposals } = this.#parts;
    const seqs = proposals.find(block.hash)?.seqs;
    if (seqs?.length !== block.header.treeSize - store.logSize() || seqs.some(Number.isNaN)) return undefined;
    return (await store.importPooled(block, seqs, this.#write(block, lease))) ? 'own pool' : undefined;
  }

  async #fromOthers(block: AnchoredBlock, lease: Lease, nextSize: number | undefined): Promise<string> {
    const { store, net, logger } = this.#parts;
    const { header, hash } = block;
    const from = store.logSize();
    // A reorganisation deeper than the confirmations has taken anchors of ours: what stands in their place may be another log.
    const isOrphaned = from > ((await store.committedBlock())?.header.treeSize ?? 0);
    const reasons: string[] = [];
    let isForked = false;
    for await (const { name, peer, entries } of blockSources(this.#parts, this.#ahead, hash, from, header.treeSize)) {
      let failure: unknown;
      const watched = async function* (this: BlockImporter): AsyncGenerator<readonly Uint8Array[]> {
        try {
          yield* entries();
        } catch (error) {
          failure = error;
          throw error;
        }
        // It is all there: the peer need not wait until it is written down.
        if (peer && nextSize !== undefined) {
          readAheadOf(this.#parts, this.#ahead, { peer, from: header.treeSize, to: nextSize });
        }
      };
      try {
        await store.importBlock(block, watched.call(this), this.#write(block, lease));
        return name;
      } catch (error) {
        // A code says nothing of where it is from: a peer may answer that its disk is full, as ours may be.
        if (!isNotariumError(error) || (error !== failure && error.code !== 'block-invalid')) throw error;
        reasons.push(`${name}: ${error.message}`);
        isForked ||= error.code === 'block-invalid';
        if (peer) {
          if (error.code === 'block-invalid' && !isOrphaned) net.blame(peer, 'block-invalid', 50);
          // Hardly a fault, but others are asked first the next time.
          if (error.code === 'peer-timeout') net.blame(peer, 'block-late', 1);
        }
        const level = isAway(error) ? 'debug' : 'warn';
        logger[level]({ err: error, source: name, height: header.height }, 'a source does not give the block');
      }
    }
    const data = { height: header.height, hash };
    if (isOrphaned && isForked) throw new NotariumError('log-forked', `at height ${header.height}`, { data });
    throw new NotariumError('block-unavailable', reasons.join('; ') || 'no other centre is connected', { data });
  }

  #write({ header, hash }: AnchoredBlock, lease: Lease): WriteOptions {
    const { store, clock } = this.#parts;
    const { height, treeSize } = header;
    return {
      lease,
      event: {
        type: 'block.committed',
        time: new Date(clock.nowMs()).toISOString(),
        data: { height, hash, treeSize, count: treeSize - store.logSize() },
      },
    };
  }
}
