import type { Address } from '../../core/bytes.ts';
import type { Net } from '../../net/Net.ts';
import type { Arrivals } from '../Arrivals.ts';
import type { CentreParts } from '../CentreParts.ts';
import type { IntakeWorkers } from '../IntakeWorkers.ts';
import type { ProposalMemory } from './ProposalMemory.ts';
import type { SeenHeaders } from './SeenHeaders.ts';

/** What the verbs of this folder work with; built once in openReplication.ts. */
export type ReplicationParts = Omit<CentreParts, 'replication'> & {
  readonly net: Net;
  readonly workers: Pick<IntakeWorkers, 'check'>;
  /** Whether so many records more that a peer passes on have room in the pool: see `Intake`. */
  readonly hasRoomFor: (count: number, peer: Address, beyond: number) => boolean;
  /** Called after records that a peer passed on have come into the pool. */
  readonly onPooled: (count: number, peer: Address) => void;
  /** Asks for a look at the chain now. */
  readonly lookSoon: () => void;
  readonly arrivals: Arrivals;
  readonly proposals: ProposalMemory;
  readonly seen: SeenHeaders;
  /** Runs so many requests to hold records at a time at each centre: it refuses, and blames, whoever has more than it allows. */
  readonly holdLane: <T>(member: Address, job: () => Promise<T>) => Promise<T>;
};
