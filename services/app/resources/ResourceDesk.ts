import type { Address, Hash, RecordId } from '../../core/bytes.ts';
import type { ApplicationState } from '../../core/governance/applicationState.ts';
import type { Finding, ReportState } from '../../store/ResourceStore.ts';
import type { VersionProjection } from '../governance/projections.ts';

/** A version as this node has it. */
export type OwnVersionView = {
  readonly version: number;
  readonly state: ApplicationState;
  readonly changedAt: string;
  readonly reason?: string;
  /** What is to come back, or came back, where it cannot be applied: a version, or 0 for what was there before. */
  readonly fallback?: number;
  readonly check?: Finding;
};

/** A resource set. */
export type ResourceSetView = {
  /** Name; left out while no content tells it. */
  readonly resourceSet?: string;
  /** Keccak-256 of the name. */
  readonly id: Hash;
  /** The version that is to be there, and the one that a quorum reports as right; 0 for none. */
  readonly head: number;
  readonly inForce: number;
  /** The head as this node has it; left out before it has looked. */
  readonly own?: OwnVersionView;
};

/** A version as the chain has it. */
export type VersionView = Omit<VersionProjection, 'resourceSet' | 'added' | 'reports'> & {
  readonly addedAt: number;
  readonly transactionHash: Hash;
  /** Nodes whose latest report says right, and something else. */
  readonly matching: number;
  readonly differing: number;
};

/** A set with a page of its versions, newest first. */
export type ResourceSetPage = ResourceSetView & {
  readonly versions: { readonly items: readonly VersionView[]; readonly next?: string };
};

/** One version with every node's latest report. */
export type ResourceVersionView = VersionView & {
  readonly resourceSet?: string;
  readonly id: Hash;
  readonly own?: OwnVersionView;
  readonly reports: readonly {
    readonly reporter: Address;
    readonly matches: boolean;
    readonly sequence: number;
    readonly actualHash: Hash;
    /** Its record in the log, whose digest is that of the full report. */
    readonly recordId: Hash;
    readonly transactionHash: Hash;
    readonly time: number;
  }[];
  /** The newest of this node, also while it is on its way. */
  readonly ownReport?: {
    readonly sequence: number;
    readonly state: ReportState;
    readonly matches: boolean;
    readonly actualHash: Hash;
    readonly recordId: RecordId;
    /** Over EIP-712 `Report` of the resource registry: who has it can hand the report in. */
    readonly signature: string;
    readonly madeAt: string;
    readonly transactionHash?: Hash;
    readonly reason?: string;
  };
};

/** What HTTP and the command line may ask about resource sets. A set is named by its name or by the Keccak-256 of it. */
export type ResourceDesk = {
  /** In the order of their names. */
  resourceSets(): Promise<ResourceSetView[]>;
  /** @throws NotariumError `resource-unknown`. */
  resourceSet(set: string, page: { readonly before?: number; readonly limit: number }): Promise<ResourceSetPage>;
  /** @throws NotariumError `resource-unknown`. */
  resourceVersion(set: string, version: number): Promise<ResourceVersionView>;
  /**
   * Looks now what is really there; with `repair`, what is not right is written again. The signal ends the waiting.
   * @throws NotariumError `resource-unknown`; `not-ready` where another process of this centre keeps its resource sets;
   *   `resource-failed` where it cannot be known what is there; `content-unavailable`; `wait-timeout`.
   */
  checkResource(
    set: string,
    options: { readonly repair: boolean; readonly signal?: AbortSignal },
  ): Promise<ResourceSetView>;
};
