import type { Acceptance, Refusal } from '../core/acceptance.ts';
import type { Anchor, BlockHeader, BlockSignature } from '../core/block.ts';
import type { BlockState } from '../core/blockState.ts';
import type { Address, Hash, RecordId } from '../core/bytes.ts';
import type { NotariumError } from '../core/errors.ts';
import type { EventType } from '../core/eventTypes.ts';
import type { Receipt } from '../core/receipt.ts';
import type { NotariumRecord } from '../core/recordSchema.ts';
import type { VerifyResult } from '../core/verifyReceipt.ts';
import type { ActivityDesk } from './activities/ActivityDesk.ts';
import type { AdmissionDesk } from './admission/AdmissionDesk.ts';
import type { GovernanceDesk } from './governance/GovernanceDesk.ts';

/** What became of one submitted record. */
export type IntakeResult =
  | { readonly status: 'accepted' | 'known'; readonly id: RecordId; readonly acceptance: Acceptance }
  | { readonly status: 'logged'; readonly id: RecordId; readonly leafIndex: number }
  | { readonly status: 'failed'; readonly id?: RecordId; readonly error: NotariumError };

/** As {@link IntakeResult}, where nobody asked for the signed promise: the centre keeps it, and signs it when asked. */
export type BriefResult =
  | IntakeResult
  | { readonly status: 'accepted' | 'known'; readonly id: RecordId; readonly acceptance?: never };

/** A block as the centre knows it. */
export type BlockView = {
  readonly header: BlockHeader;
  readonly hash: Hash;
  readonly state: BlockState;
  /** Records in this block. */
  readonly count: number;
  readonly signatures: readonly BlockSignature[];
  readonly anchor?: Anchor;
};

/** A record and where it stands. */
export type RecordView = {
  readonly id: RecordId;
  readonly record: NotariumRecord;
  readonly state: 'pooled' | 'logged' | 'refused';
  readonly acceptance?: Acceptance;
  readonly leafIndex?: number;
  /** Of its block; while it is pooled, of the block on its way that has it. */
  readonly height?: number;
  readonly refusal?: Refusal;
  /** The record that supersedes this one, where known. */
  readonly supersededBy?: RecordId;
};

/** Public facts of the network: what a verifier needs to know once. */
export type NetworkView = {
  /** `eip155:<chainId>:<contract>` */
  readonly network: string;
  readonly chainId: number;
  readonly contract: Address;
  readonly registry: Address;
  /** `ConsortiumGovernor`; left out while there is none. */
  readonly governor?: Address;
  readonly periodSeconds: number;
  readonly graceSeconds: number;
  readonly epoch: number;
  readonly quorum: number;
  readonly origin: string;
  readonly centres: readonly {
    readonly address: Address;
    readonly name: string;
    readonly endpoint: string;
    readonly encryptionKey: Hash;
    readonly noteKey: Hash;
    /** C2SP verifier key of this centre's checkpoints. */
    readonly verifierKey: string;
    readonly status: string;
  }[];
  /** Every committee so far, oldest first: offline verifiers keep these. */
  readonly committees: readonly { readonly epoch: number; readonly members: readonly Address[] }[];
};

/** How the centre is doing. */
export type CentreStatus = {
  readonly centre: Address;
  readonly network: string;
  readonly version: string;
  readonly startedAt: string;
  readonly ready: boolean;
  /** Stable codes and sentences of what is wrong now; empty when all is well. */
  readonly problems: readonly { readonly code: string; readonly detail: string }[];
  readonly pool: { readonly count: number; readonly bytes: number; readonly oldestAgeSeconds: number | null };
  readonly log: { readonly size: number; readonly root: Hash };
  readonly height: number;
  readonly anchoredHeight: number;
  readonly slot: number;
  readonly lastPublisher?: Address;
  /** Anchored blocks that are not in the log yet, as of the last look at the chain. */
  readonly lagBlocks: number;
  /** The other active centres. */
  readonly peers: readonly {
    readonly address: Address;
    readonly connected: boolean;
    /** 0 is blameless. */
    readonly score: number;
    readonly cutOffReason?: string;
  }[];
  readonly crypto: string;
};

/** Where a centre listens to the others. */
export type PeerAddressView = {
  readonly address: Address;
  /** libp2p peer id: the same key as the address. */
  readonly peerId: string;
  readonly multiaddrs: readonly string[];
};

/** An event of blocks, proposals or resource sets; `seq` grows by one. */
export type CentreEvent = {
  readonly seq: number;
  readonly type: EventType;
  readonly time: string;
  readonly data: Readonly<Record<string, unknown>>;
};

/** One page of a listing; `next` is the cursor of the next page. */
export type Page<T> = { readonly items: readonly T[]; readonly next?: string };

/** What an API key may do. */
export type ApiKeyScope = 'submit' | 'read' | 'admin';

/** An API key without its secret. */
export type ApiKeyView = {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly ApiKeyScope[];
  readonly createdAt: string;
  readonly revokedAt?: string;
};

/** One centre: everything that HTTP, the command line and tests may ask of it. */
export type Centre = {
  /**
   * Takes records, each given as its JSON text. Answers, in order, after all that was accepted is on disk. One bad line
   * fails alone; `pool-full`, `storage-full`, `storage-failed` and `shutting-down` come as failed lines too. Never rejects.
   */
  accept(lines: readonly string[]): Promise<IntakeResult[]>;
  /** As {@link Centre.accept}, but signs no acceptance: the promises are stored all the same, and hold. */
  acceptBriefly(lines: readonly string[]): Promise<BriefResult[]>;
  /** Signs a draft as submitter, with `meta.onBehalfOf` set to the client's name, and accepts it. */
  acceptDraft(draft: unknown, onBehalfOf: string): Promise<IntakeResult>;
  /**
   * Waits until a quorum of centres, this one included, has the record on disk; gives their signed acceptances, ours first.
   * @throws NotariumError `quorum-unreachable`; the record stays accepted here.
   */
  heldByQuorum(id: RecordId, own: Acceptance, waitMs: number, signal?: AbortSignal): Promise<readonly Acceptance[]>;
  /** Where other centres reach this one; undefined while it is alone. */
  peer(): PeerAddressView | undefined;
  record(id: RecordId): Promise<RecordView | undefined>;
  /**
   * The receipt of an anchored record, waiting up to `waitMs` for the anchor.
   * @throws NotariumError `record-not-found`, `record-not-anchored`, `record-refused`.
   */
  receipt(id: RecordId, waitMs?: number, signal?: AbortSignal): Promise<Receipt>;
  search(query: {
    digest?: string;
    subject?: string;
    submitter?: Address;
    after?: string;
    limit: number;
  }): Promise<Page<RecordView>>;
  blocks(query: { before?: number; limit: number }): Promise<Page<BlockView>>;
  block(height: number): Promise<BlockView | undefined>;
  /** RFC 9162 consistency proof between two sizes of the log; throws `proof-malformed` for sizes that it never had. */
  consistency(
    from: number,
    to: number,
  ): Promise<{ from: number; to: number; fromRoot: Hash; toRoot: Hash; path: string[] }>;
  /** Signed C2SP checkpoint of the newest anchored block. */
  checkpoint(): Promise<string>;
  /** Bytes of a tile by its tlog-tiles path below `tile/`; undefined when the log has no such tile. */
  tile(path: string): Promise<Uint8Array | undefined>;
  network(): Promise<NetworkView>;
  verify(receipt: unknown, contentDigest?: Uint8Array): Promise<VerifyResult>;
  /** Sequence number of the newest event; 0 where there is none. */
  lastEventSeq(): Promise<number>;
  /** Events after a sequence number, then new ones as they come, until the signal aborts. */
  events(afterSeq: number, signal: AbortSignal): AsyncIterable<CentreEvent>;
  /** @throws NotariumError `not-ready` with `data.problems` when the store does not answer. */
  status(): Promise<CentreStatus>;
  readonly keys: {
    create(name: string, scopes: readonly ApiKeyScope[]): Promise<{ key: ApiKeyView; secret: string }>;
    list(): Promise<ApiKeyView[]>;
    revoke(id: string): Promise<boolean>;
    /** The key that a secret belongs to, compared in constant time; undefined when unknown or revoked. */
    find(secret: string): Promise<ApiKeyView | undefined>;
  };
  /** Proposals and resource sets; undefined while the network has no governor. */
  readonly governance: GovernanceDesk | undefined;
  /** Admission of new centres; undefined while the network has no governor. */
  readonly admission: AdmissionDesk | undefined;
  /** Private activities; undefined where this process takes part in none. */
  readonly activities?: ActivityDesk | undefined;
  /** Stops taking records, seals nothing more, ends its loops and closes the store. Loses nothing. */
  close(): Promise<void>;
};
