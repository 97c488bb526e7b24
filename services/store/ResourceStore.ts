import type { Hash, RecordId } from '../core/bytes.ts';
import type { ApplicationState } from '../core/governance/applicationState.ts';
import type { Json } from '../core/governance/json.ts';
import type { WriteOptions } from './WriteOptions.ts';

/** A resource set that this node keeps. */
export type StoredResourceSet = {
  /** Keccak-256 of its name. */
  readonly resourceSet: Hash;
  /** Undefined while no content has told it. */
  readonly name?: string;
  /** The version that was written, or found there, last. */
  readonly written?: number;
};

/** What to go back to when a version cannot be applied. */
export type Fallback =
  /** An earlier version; its configuration is a content. */
  | { readonly kind: 'version'; readonly version: number; readonly configurationHash: Hash }
  /** What was there before. */
  | { readonly kind: 'found'; readonly configuration: Json }
  /** There was nothing, or nothing that could be written again. */
  | { readonly kind: 'nothing' };

/** What a look at the real configuration has found. */
export type Finding = {
  /** RFC 3339. */
  readonly time: string;
  readonly matches: boolean;
  /** Of the canonical configuration there; zero where there is none. Undefined where it could not be known. */
  readonly actualHash?: Hash;
  /** JSON Pointers of the fields that differ, some of them where there are many. */
  readonly differences: readonly string[];
  /** Code of the error, where it could not be read. */
  readonly problem?: string;
};

/** A version as it stands at this node. */
export type StoredVersion = {
  readonly resourceSet: Hash;
  readonly version: number;
  readonly configurationHash: Hash;
  readonly state: ApplicationState;
  /** Writes since it was last waiting. */
  readonly attempts: number;
  readonly fallback?: Fallback;
  /** Why it was refused, or could not be applied. */
  readonly reason?: string;
  /** RFC 3339, of the last change of its state. */
  readonly changedAt: string;
  readonly finding?: Finding;
};

/** Where a report is on its way: `void` will never be sent. */
export type ReportState = 'made' | 'recorded' | 'sending' | 'sent' | 'void';

/** A report of this node on its way into the log and onto the chain. */
export type StoredReport = {
  readonly resourceSet: Hash;
  readonly version: number;
  readonly sequence: number;
  readonly state: ReportState;
  readonly matches: boolean;
  readonly actualHash: Hash;
  /** Canonical JSON of the full report. */
  readonly document: string;
  /** Entry of the record with its digest. */
  readonly entry: string;
  readonly recordId: RecordId;
  /** Of the node, over `Report`: whoever has it can hand the report in. */
  readonly signature: string;
  /** RFC 3339. */
  readonly madeAt: string;
  readonly transactionHash?: Hash;
  /** Why it is void. */
  readonly reason?: string;
};

/** The part of the store about what this node does with resource sets. */
export type ResourceStore = {
  /** Sets that the chain has versions of, by what the reader of the chain has stored. */
  resourceSetsOnChain(): Promise<Hash[]>;
  /** Sets in the order of their names, those without one last. */
  resourceSets(): Promise<StoredResourceSet[]>;
  resourceSet(resourceSet: Hash): Promise<StoredResourceSet | undefined>;
  resourceVersion(resourceSet: Hash, version: number): Promise<StoredVersion | undefined>;
  /** Newest first. */
  resourceVersions(query: {
    readonly resourceSet: Hash;
    readonly below?: number;
    readonly states?: readonly ApplicationState[];
    readonly limit: number;
  }): Promise<StoredVersion[]>;
  /** Keeps a set, versions of it, and events, in one transaction. */
  saveResource(
    changed: { readonly set?: StoredResourceSet; readonly versions?: readonly StoredVersion[] },
    options?: WriteOptions,
  ): Promise<void>;
  /** Newest first. */
  resourceReports(resourceSet: Hash, version: number, limit: number): Promise<StoredReport[]>;
  /** Reports that are still to be sent, oldest first. */
  openReports(limit: number): Promise<StoredReport[]>;
  saveReport(report: StoredReport, options?: WriteOptions): Promise<void>;
};
