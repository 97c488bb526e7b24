import type { Refusal } from '../core/acceptance.ts';
import type { BlockState } from '../core/blockState.ts';

/** Columns of an accepted record. Keys are those of keys.ts; times as in `PoolRow`. */
type RecordColumns = {
  seq: number;
  /** First 52 bits of the id: the index over it stays small. */
  id52: number;
  id: Uint8Array;
  leaf_hash: Uint8Array;
  digest_key: number;
  subject_key: number;
  submitter_key: number;
  accepted_at: number;
  include_by_slot: number;
  acceptance: Uint8Array;
  expires_ms: number | null;
  supersedes: Uint8Array | null;
  entry: Uint8Array;
};

/** Tables of the database. Numbers are 64-bit integers below 2^53. */
export type Schema = {
  /** One row; every write that counts something locks it first, so PostgreSQL does them one after another too. */
  counters: {
    one: number;
    next_seq: number;
    pool_count: number;
    pool_bytes: number;
    log_size: number;
    last_event: number;
    lease_token: number;
  };
  pool: RecordColumns;
  /** Pool rows that were refused, and why. */
  refusals: RecordColumns & { refusal: string };
  /** One index for id, digest, subject and submitter: the key is a hash, so each hit is confirmed by its entry. */
  postings: { key: number; leaf_index: number };
  successors: { predecessor: Uint8Array; winner: Uint8Array };
  blocks: {
    hash: string;
    height: number;
    state: BlockState;
    tree_size: number;
    count: number;
    /** Runs of pool seqs in log order, as JSON [[first, last], …]; null for a block from a rebuild. */
    runs: string | null;
    last_seq: number;
    sealed_ms: number;
    header: string;
    signatures: string;
    anchor: string | null;
    submission: string | null;
  };
  votes: { slot: number; hash: string; header: string };
  /** Headers that publishers have signed, as JSON with the signature. */
  seen_headers: { slot: number; publisher: string; hash: string; signed: string };
  events: { seq: number; type: string; time: string; data: string };
  api_keys: {
    id: string;
    hash: Uint8Array;
    name: string;
    scopes: string;
    created_at: string;
    revoked_at: string | null;
  };
  meta: { name: string; value: string };
  notices: {
    seq: number;
    identity: string;
    subject: string;
    type: string;
    block_number: number;
    log_index: number;
    place: string;
    data: string;
    /** 1 while it is off the chain. */
    is_orphaned: number;
  };
  notice_checkpoints: { block_number: number; block_hash: string };
  /** What follows from the notices of a subject; null where none is on the chain. */
  projections: { subject: string; kind: string; seq: number; body: string | null; due_at: number | null };
  /** Documents of the evidence store that may be given away. */
  contents: { hash: string; size_bytes: number };
  /** Drafts that were completed: the same draft again is the same proposal. */
  proposal_drafts: { draft_hash: string; content_hash: string; content: string; valid_until: number };
  /** Votes by signature; the reason is JSON. */
  ballots: { proposal_id: string; voter: string; support: string; reason: string; signature: string };
  outcome_signatures: { proposal_id: string; centre: string; digest: string; signature: string };
  /** Name and last written version are null while they are not known. */
  resource_sets: { resource_set: string; name: string | null; written: number | null };
  /** Fallback, reason and finding are JSON. */
  resource_versions: {
    resource_set: string;
    version: number;
    configuration_hash: string;
    state: string;
    attempts: number;
    fallback: string | null;
    reason: string | null;
    changed_at: string;
    finding: string | null;
  };
  /** Outbox of reports; the reason is JSON. */
  resource_reports: {
    resource_set: string;
    version: number;
    sequence: number;
    state: string;
    /** 1 where what is there is what was passed. */
    matches: number;
    actual_hash: string;
    document: string;
    entry: string;
    record_id: string;
    signature: string;
    made_at: string;
    transaction_hash: string | null;
    reason: string | null;
  };
  /** One row: the newest event that the webhook has taken. */
  webhook: { one: number; seq: number };
  /** What became of candidates' sessions; document and entry are JSON. */
  admission_outcomes: {
    seq: number;
    candidate: string;
    network: string;
    outcome: string;
    purpose: string;
    code: string | null;
    time_ms: number;
    document_hash: string;
    document: string;
    entry: string;
    /** 1 once the log has taken its record. */
    is_recorded: number;
  };
  /** Which centres are below the minimum; null where one is not. */
  centre_standings: { address: string; since_ms: number; reason: string | null };
  leases: { name: string; owner: string; token: number; expires_ms: number };
};

/** Columns that pool and refusals share, in the order of a bulk insert. */
export const recordColumns = [
  'seq',
  'id52',
  'id',
  'leaf_hash',
  'digest_key',
  'subject_key',
  'submitter_key',
  'accepted_at',
  'include_by_slot',
  'acceptance',
  'expires_ms',
  'supersedes',
  'entry',
] as const satisfies readonly (keyof RecordColumns)[];

/** A refusal as its row has it. */
export function refusalOf(row: { refusal: string }): Refusal {
  return JSON.parse(row.refusal) as Refusal;
}
