import type { Address } from '../../core/bytes.ts';
import { isNotariumError, NotariumError } from '../../core/errors.ts';
import { decodeEntries } from '../../core/log/entryBundle.ts';
import type { GossipVerdict } from '../../net/Net.ts';
import type { WriteOptions } from '../../store/Store.ts';
import type { CentreParts } from '../CentreParts.ts';
import type { IntakeWorkers } from '../IntakeWorkers.ts';
import { Arrivals } from './Arrivals.ts';
import { Broadcaster } from './Broadcaster.ts';
import { blockSources, serveLog } from './blockSources.ts';
import { castVotes } from './castVotes.ts';
import { collectVotes } from './collectVotes.ts';
import { holdByQuorum, serveHold } from './holdRecords.ts';
import { Members } from './members.ts';
import { ProposalMemory } from './ProposalMemory.ts';
import { isAway, Reconciler } from './Reconciler.ts';
import type { Replication } from './Replication.ts';
import type { ReplicationParts } from './ReplicationParts.ts';
import { SeenHeaders } from './SeenHeaders.ts';
import { takeRecords } from './takeRecords.ts';
import { EquivocationWatch } from './watchEquivocation.ts';
import { anchoredSchema, jsonFrame, readJson, topics } from './wire.ts';

// Of one peer: so that the threads are busy while others of them are on their way to the disk.
const bundlesAtOnce = 8;

/** What the host gives. */
export type ReplicationOptions = Omit<
  ReplicationParts,
  keyof CentreParts | 'arrivals' | 'proposals' | 'seen' | 'workers'
> & {
  readonly workers: Pick<IntakeWorkers, 'check'>;
  /** Where to dial centres, by address, that need no look-up. */
  readonly peers?: ReadonlyMap<Address, readonly string[]>;
};

/** Joins the network: answers the others, and keeps pool and log in step with theirs. */
export function openReplication(
  centre: Omit<CentreParts, 'replication'>,
  { peers = new Map(), ...options }: ReplicationOptions,
): Replication {
  const { network, crypto, store, logger, clock } = centre;
  const parts: ReplicationParts = {
    ...centre,
    ...options,
    arrivals: new Arrivals(store),
    proposals: new ProposalMemory(),
    seen: new SeenHeaders(network, crypto),
  };
  const { net } = parts;
  const broadcaster = new Broadcaster(net, logger);
  const reconciler = new Reconciler(parts);
  const watch = new EquivocationWatch(parts);
  const members = new Members(parts, peers);

  const takeGossip = async (payload: Uint8Array, from: Address): Promise<GossipVerdict> => {
    let entries: Uint8Array[];
    try {
      entries = decodeEntries(payload);
    } catch {
      return 'reject';
    }
    try {
      const { invalid, outcomes } = await takeRecords(parts, entries, from);
      if (invalid > 0) return 'reject';
      // What is no news here was sent to the others by its author too, or it could go round for ever in new bundles.
      return outcomes.some(({ status }) => status === 'accepted') ? 'accept' : 'ignore';
    } catch (error) {
      // A pool that is full, or a disk: nobody is to blame, and the records come again by comparing pools.
      if (!isNotariumError(error)) throw error;
      return 'ignore';
    }
  };
  net.subscribe(topics.records, takeGossip, bundlesAtOnce);
  net.subscribe(topics.anchored, async (payload) => {
    try {
      const { height } = readJson(anchoredSchema, payload);
      const committed = (await store.committedBlock())?.header.height ?? 0;
      if (height > committed) parts.lookSoon();
      return 'accept';
    } catch (error) {
      if (isNotariumError(error, 'peer-answer-invalid')) return 'reject';
      throw error;
    }
  });
  castVotes(parts, (signed) => watch.note(signed));
  serveLog(parts);
  serveHold(parts);
  reconciler.start();
  watch.start();
  members.start();

  return {
    net,
    broadcast: (entries) => broadcaster.add(entries),
    async collectSignatures(header, committee, leaves) {
      // Records that come with the question would have to be asked for.
      await broadcaster.flush();
      return await collectVotes(parts, header, committee, leaves);
    },

    async importBlock(block, lease) {
      const { header, hash } = block;
      const from = store.logSize();
      // A reorganisation deeper than the confirmations has taken anchors of ours: what stands in their place may be another log.
      const isOrphaned = from > ((await store.committedBlock())?.header.treeSize ?? 0);
      const startMs = performance.now();
      const reasons: string[] = [];
      let isForked = false;
      const write: WriteOptions = {
        lease,
        event: {
          type: 'block.committed',
          time: new Date(clock.nowMs()).toISOString(),
          data: { height: header.height, hash, treeSize: header.treeSize, count: header.treeSize - from },
        },
      };
      const imported = (source: string): void => {
        parts.proposals.forget(hash);
        const seconds = (performance.now() - startMs) / 1000;
        parts.metrics.importSeconds.observe(seconds);
        logger.info({ height: header.height, count: header.treeSize - from, source, seconds }, 'block imported');
      };
      const seqs = parts.proposals.find(hash)?.seqs;
      if (seqs?.length === header.treeSize - from && !seqs.some(Number.isNaN)) {
        if (await store.importPooled(block, seqs, write)) return imported('own pool');
      }
      for await (const source of blockSources(parts, hash, from, header.treeSize)) {
        let failure: unknown;
        const entries = async function* (): AsyncGenerator<readonly Uint8Array[]> {
          try {
            yield* source.entries();
          } catch (error) {
            failure = error;
            throw error;
          }
        };
        try {
          await store.importBlock(block, entries(), write);
          return imported(source.name);
        } catch (error) {
          // A code says nothing of where it is from: a peer may answer that its disk is full, as ours may be.
          if (!isNotariumError(error) || (error !== failure && error.code !== 'block-invalid')) throw error;
          reasons.push(`${source.name}: ${error.message}`);
          isForked ||= error.code === 'block-invalid';
          if (source.peer) {
            if (error.code === 'block-invalid' && !isOrphaned) net.blame(source.peer, 'block-invalid', 50);
            // Hardly a fault, but others are asked first the next time.
            if (error.code === 'peer-timeout') net.blame(source.peer, 'block-late', 1);
          }
          const level = isAway(error) ? 'debug' : 'warn';
          logger[level]({ err: error, source: source.name, height: header.height }, 'a source does not give the block');
        }
      }
      if (isOrphaned && isForked) {
        throw new NotariumError('log-forked', `at height ${header.height}`, { data: { height: header.height, hash } });
      }
      throw new NotariumError('block-unavailable', reasons.join('; ') || 'no other centre is connected', {
        data: { height: header.height, hash },
      });
    },

    async announceAnchored(height, hash) {
      await net.publish(topics.anchored, jsonFrame({ height, hash }));
    },
    hold: (id, own, hold) => holdByQuorum(parts, id, own, hold),

    async close() {
      await Promise.all([members.close(), watch.close(), reconciler.close(), broadcaster.flush()]);
      await net.close();
    },
  };
}
