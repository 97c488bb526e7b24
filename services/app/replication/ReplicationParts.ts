import type { Net } from '../../net/Net.ts';
import type { CentreParts } from '../CentreParts.ts';
import type { IntakeWorkers } from '../IntakeWorkers.ts';
import type { Arrivals } from './Arrivals.ts';
import type { ProposalMemory } from './ProposalMemory.ts';
import type { SeenHeaders } from './SeenHeaders.ts';

/** What the verbs of this folder work with; built once in openReplication.ts. */
export type ReplicationParts = Omit<CentreParts, 'replication'> & {
  readonly net: Net;
  readonly workers: Pick<IntakeWorkers, 'check'>;
  /** Whether so many records more have room in the pool. */
  readonly hasRoom: (count: number) => boolean;
  /** Called after others' records have come into the pool. */
  readonly onPooled: (count: number) => void;
  /** Asks for a look at the chain now. */
  readonly lookSoon: () => void;
  readonly arrivals: Arrivals;
  readonly proposals: ProposalMemory;
  readonly seen: SeenHeaders;
};
