import { isNotariumError, NotariumError } from '../../core/errors.ts';
import type { AnchoredBlock } from '../../store/StoredBlock.ts';
import type { Lease, WriteOptions } from '../../store/WriteOptions.ts';
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

  /** See `Replication.importBlocks`. */
  async import(blocks: readonly AnchoredBlock[], lease: Lease, nextSize?: number): Promise<void> {
    const { store, proposals } = this.#parts;
    let rest = blocks;
    // Those that we have just voted for are here already.
    for (let [block] = rest; block && proposals.find(block.hash); [block] = rest) {
      const [from, startMs] = [store.logSize(), performance.now()];
      if (!(await this.#fromPool(block, lease))) break;
      rest = rest.slice(1);
      this.#imported([block], from, startMs, 'own pool');
    }
    if (rest.length === 0) return;
    const [from, startMs] = [store.logSize(), performance.now()];
    this.#imported(rest, from, startMs, await this.#fromOthers(rest, lease, nextSize));
  }

  #imported(blocks: readonly AnchoredBlock[], from: number, startMs: number, source: string): void {
    const { proposals, metrics, logger } = this.#parts;
    for (const { hash } of blocks) proposals.forget(hash);
    const { height, treeSize } = blocks.at(-1)!.header;
    const seconds = (performance.now() - startMs) / 1000;
    metrics.importSeconds.observe(seconds);
    logger.info({ height, blocks: blocks.length, count: treeSize - from, source, seconds }, 'blocks imported');
  }

  /** Gives up what was fetched ahead. */
  close(): void {
    this.#ahead.close();
  }

  /** A block that we have voted for, of records as they stand in our pool; false where they do not. */
  async #fromPool(block: AnchoredBlock, lease: Lease): Promise<boolean> {
    const { store, proposals } = this.#parts;
    const seqs = proposals.find(block.hash)?.seqs;
    if (seqs?.length !== block.header.treeSize - store.logSize() || seqs.some(Number.isNaN)) return false;
    return await store.importPooled(block, seqs, this.#write([block], lease));
  }

  async #fromOthers(blocks: readonly AnchoredBlock[], lease: Lease, nextSize: number | undefined): Promise<string> {
    const { store, net, logger } = this.#parts;
    const from = store.logSize();
    const { hash, header } = blocks.at(-1)!;
    // A reorganisation deeper than the confirmations has taken anchors of ours: what stands in their place may be another log.
    const isOrphaned = from > ((await store.committedBlock())?.header.treeSize ?? 0);
    const reasons: string[] = [];
    let isSuspect = false;
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
        await store.importBlocks(blocks, watched.call(this), this.#write(blocks, lease));
        return name;
      } catch (error) {
        // A code says nothing of where it is from: a peer may answer that its disk is full, as ours may be.
        if (!isNotariumError(error) || (error !== failure && error.code !== 'block-invalid')) throw error;
        reasons.push(`${name}: ${error.message}`);
        isSuspect ||= error.code === 'block-invalid';
        if (peer) {
          if (error.code === 'block-invalid' && !isOrphaned) net.blame(peer, 'block-invalid', 50);
          // Hardly a fault, but others are asked first the next time.
          if (error.code === 'peer-timeout') net.blame(peer, 'block-late', 1);
        }
        const level = isAway(error) ? 'debug' : 'warn';
        logger[level]({ err: error, source: name, height: header.height }, 'a source does not give the block');
      }
    }
    if (isOrphaned && isSuspect) await this.#checkFork(blocks[0]!);
    const data = { height: header.height, hash };
    throw new NotariumError('block-unavailable', reasons.join('; ') || 'no other centre is connected', { data });
  }

  /**
   * Looks whether the records of a block, which the chain vouches for, contradict the part of our log that has lost its anchors.
   * A source alone proves nothing: its entries count only where they lead to the block's root.
   * @throws NotariumError `log-forked` when they do.
   */
  async #checkFork(block: AnchoredBlock): Promise<void> {
    const { store, net, logger } = this.#parts;
    const { hash, header } = block;
    const from = (await store.committedBlock())?.header.treeSize ?? 0;
    for await (const { name, peer, entries } of blockSources(this.#parts, this.#ahead, hash, from, header.treeSize)) {
      try {
        if (!(await store.isForkedBy(block, entries()))) continue;
      } catch (error) {
        if (!isNotariumError(error)) throw error;
        if (peer && error.code === 'block-invalid') net.blame(peer, 'block-invalid', 50);
        logger.debug({ err: error, source: name, height: header.height }, 'a source does not show a fork');
        continue;
      }
      throw new NotariumError('log-forked', `at height ${header.height}`, { data: { height: header.height, hash } });
    }
  }

  #write(blocks: readonly AnchoredBlock[], lease: Lease): WriteOptions {
    const { store, clock } = this.#parts;
    const time = new Date(clock.nowMs()).toISOString();
    let before = store.logSize();
    const events = blocks.map(({ header: { height, treeSize }, hash }) => {
      const count = treeSize - before;
      before = treeSize;
      return { type: 'block.committed', time, data: { height, hash, treeSize, count } };
    });
    return { lease, events };
  }
}
