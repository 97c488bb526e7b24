import { blockHash } from '../../core/block.ts';
import type { Address } from '../../core/bytes.ts';
import { isNotariumError } from '../../core/errors.ts';
import { decodeEntries } from '../../core/log/entryBundle.ts';
import type { GossipVerdict } from '../../net/Net.ts';
import { Arrivals } from '../Arrivals.ts';
import type { CentreParts } from '../CentreParts.ts';
import type { IntakeWorkers } from '../IntakeWorkers.ts';
import { BlockImporter } from './BlockImporter.ts';
import { BlockSignatures } from './BlockSignatures.ts';
import { Broadcaster } from './Broadcaster.ts';
import { serveLog } from './blockSources.ts';
import { castVotes } from './castVotes.ts';
import { collectVotes } from './collectVotes.ts';
import { holdByQuorum, holdLanes, serveHold } from './holdRecords.ts';
import { Members } from './members.ts';
import { ProposalMemory } from './ProposalMemory.ts';
import { Reconciler } from './Reconciler.ts';
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
  keyof CentreParts | 'arrivals' | 'proposals' | 'seen' | 'workers' | 'holdLane'
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
  const { network, crypto, store, logger } = centre;
  const parts: ReplicationParts = {
    ...centre,
    ...options,
    arrivals: new Arrivals(store),
    proposals: new ProposalMemory(),
    seen: new SeenHeaders(network, crypto),
    holdLane: holdLanes(),
  };
  const { net } = parts;
  const broadcaster = new Broadcaster(net, logger);
  const reconciler = new Reconciler(parts);
  const watch = new EquivocationWatch(parts);
  const members = new Members(parts, peers);
  const importer = new BlockImporter(parts);

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
  const signatures = new BlockSignatures(parts);
  signatures.serve();
  reconciler.start();
  watch.start();
  members.start();

  return {
    net,
    broadcast: (entries) => broadcaster.add(entries),
    async collectSignatures(header, committee, leaves) {
      // Records that come with the question would have to be asked for.
      await broadcaster.flush();
      // Void here, and anchored after all by a chain that has changed its mind: nobody else may have it then.
      const seqs = new Float64Array(leaves.ids.length / 32).fill(Number.NaN);
      parts.proposals.keep(blockHash(network, header), { ids: leaves.ids, seqs, extras: new Map() });
      return await collectVotes(parts, header, committee, leaves);
    },

    async importBlocks(blocks, lease, nextSize) {
      await watch.compare(blocks);
      await importer.import(blocks, lease, nextSize);
    },

    async announceAnchored(height, hash) {
      await net.publish(topics.anchored, jsonFrame({ height, hash }));
    },
    signaturesOf: (header) => signatures.of(header),
    hold: (id, own, hold) => holdByQuorum(parts, id, own, hold),

    async close() {
      importer.close();
      await Promise.all([members.close(), watch.close(), reconciler.close(), broadcaster.flush()]);
      await net.close();
    },
  };
}
