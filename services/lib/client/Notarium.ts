import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Acceptance } from '../../core/acceptance.ts';
import type { Hash, RecordId } from '../../core/bytes.ts';
import type { Committee } from '../../core/committee.ts';
import { NotariumError } from '../../core/errors.ts';
import type { Receipt } from '../../core/receipt.ts';
import { type CheckedRecord, digestText } from '../../core/record.ts';
import type { NotariumRecord } from '../../core/recordSchema.ts';
import type { VerifyResult } from '../../core/verifyReceipt.ts';
import { Activities } from './Activities.ts';
import { Admissions } from './Admissions.ts';
import {
  type RecordAnswer,
  recordAnswerSchema,
  type StatusAnswer,
  searchAnswerSchema,
  statusAnswerSchema,
} from './answers.ts';
import { type CallOptions, Connection, type NotariumOptions } from './Connection.ts';
import { type Content, hashContent } from './content.ts';
import { type Draft, fileSubject } from './draft.ts';
import { type FollowOptions, followEvents } from './followEvents.ts';
import { getContent } from './getContent.ts';
import type { EventAnswer } from './governanceAnswers.ts';
import { mapInOrder } from './jobs.ts';
import { aggregateMembers, type Member, type MemberSet } from './memberReceipts.ts';
import { Proposals } from './Proposals.ts';
import { Resources } from './Resources.ts';
import { recordFate } from './recordFate.ts';
import { type SubmitManyOptions, type Submittable, type Submitted, signDraft, submitAll, submitOne } from './submit.ts';
import type { SubmitResult } from './submitBatch.ts';
import type { TrustOutcome } from './Trust.ts';
import { networkOf } from './TrustedNetwork.ts';
import { type AcceptanceVerdict, verifyAcceptance } from './verifyAcceptance.ts';
import { checkGivenReceipt, verifyDigest } from './verifyContent.ts';
import { type WaitOptions, waitForReceipt } from './waitForReceipt.ts';

/**
 * Client of a Notarium centre. It takes nobody's word: acceptances are checked to be signed by a known centre, receipts to be
 * valid offline, before they are handed out.
 */
export class Notarium {
  readonly #connection: Connection;
  readonly proposals: Proposals;
  readonly resources: Resources;
  readonly admissions: Admissions;
  readonly activities: Activities;

  /** @throws NotariumError `config-invalid`. */
  constructor(options: NotariumOptions) {
    this.#connection = new Connection(options);
    this.proposals = new Proposals(this.#connection);
    this.resources = new Resources(this.#connection);
    this.admissions = new Admissions(this.#connection);
    this.activities = new Activities(this.#connection);
  }

  /** The network as this client trusts it, compared once with what the centre says. */
  network(options: CallOptions = {}): Promise<TrustOutcome> {
    return this.#connection.trust(options);
  }

  /**
   * Signs a draft as this client's key.
   * @throws NotariumError `key-missing`, the `record-…` codes.
   */
  sign(draft: Draft, options: CallOptions = {}): Promise<CheckedRecord> {
    return signDraft(this.#connection, draft, options);
  }

  /**
   * Hands in one record, or a draft that is signed first. Idempotent: the same record again gives the same acceptance.
   * @throws NotariumError why the centre did not take it; `acceptance-signer-unknown`.
   */
  submit(item: Submittable, options: CallOptions = {}): Promise<Submitted> {
    return submitOne(this.#connection, item, options);
  }

  /**
   * Hands in any number of records in NDJSON batches and gives one result for each, in order. Takes from `items` only as
   * results are taken. A record that fails does not touch the others; what a broken connection left open is posted again.
   * @throws NotariumError when a whole batch fails (all before it have given their results); the signal's reason.
   */
  submitMany(
    items: AsyncIterable<Submittable> | Iterable<Submittable>,
    options: CallOptions & SubmitManyOptions = {},
  ): AsyncGenerator<SubmitResult & { readonly record?: NotariumRecord }> {
    return submitAll(this.#connection, items, options);
  }

  /**
   * Hashes a file or stream (it goes nowhere), and hands in a record of its digest. The subject, public in the log, is
   * `file:` and the file's name without its folders, unless another one is given.
   * @throws NotariumError `request-invalid` for the kind aggregate, which {@link notarizeAggregate} makes; `file-unreadable`, `file-changed`, and as {@link submit}.
   */
  async notarizeFile(
    content: Content,
    options: CallOptions &
      Partial<Omit<Draft, 'digest'>> & { onProgress?: (readBytes: number, sizeBytes: number) => void } = {},
  ): Promise<Submitted & { readonly digest: string }> {
    const { signal, onProgress, subject, ...draft } = options;
    if (draft.kind === 'aggregate') throw new NotariumError('request-invalid', 'one file is no aggregate');
    const digest = digestText((await hashContent(content, { signal, onProgress })).digest);
    const path = content instanceof URL ? fileURLToPath(content) : content;
    // Folders may tell more than the owner wants the world to know.
    const named = typeof path === 'string' ? fileSubject(basename(path)) : digest;
    return { ...(await this.submit({ ...draft, subject: subject ?? named, digest }, { signal })), digest };
  }

  /**
   * Puts any number of files under one record. `receiptOf(await waitForReceipt(id), index)` is the receipt of one file.
   * @throws NotariumError as {@link notarizeFile}, for the first file that fails.
   */
  async notarizeAggregate(
    paths: AsyncIterable<string> | Iterable<string>,
    options: CallOptions & Partial<Omit<Draft, 'digest' | 'kind'>> = {},
  ): Promise<Submitted & MemberSet> {
    const { signal, subject, ...draft } = options;
    const members: Member[] = [];
    const hashed = mapInOrder(paths, 4, async (path) => ({
      path,
      digest: (await hashContent(path, { signal })).digest,
    }));
    for await (const member of hashed) members.push(member);
    if (members.length === 0) throw new NotariumError('request-invalid', 'an aggregate needs a member');
    const set = aggregateMembers(members, { ...draft, subject: subject ?? `aggregate of ${members.length} files` });
    return { ...(await this.submit(set.draft, { signal })), ...set };
  }

  /**
   * Waits until a record is anchored, and gives its receipt, checked offline.
   * @throws NotariumError `wait-timeout`, `record-not-found`, `record-refused`, the `receipt-…` codes; the signal's reason.
   */
  async waitForReceipt(id: RecordId, options: WaitOptions = {}): Promise<Receipt> {
    const receipt = await waitForReceipt(this.#connection.http, id, options);
    const { trusted } = await this.network(options);
    const basis = {
      network: networkOf(trusted),
      committees: trusted.committees,
      crypto: await this.#connection.crypto(),
    };
    await checkGivenReceipt(id, receipt, basis);
    return receipt;
  }

  /**
   * Verifies a content against a receipt: offline by the trusted committees, and online where there is an `rpcUrl`.
   * @throws NotariumError `file-unreadable`, `file-changed`, the `chain-…` codes. What is wrong with the receipt is in the verdict.
   */
  async verify(
    content: Content,
    receipt: Receipt,
    options: CallOptions & { committees?: readonly Committee[]; rpcUrl?: string } = {},
  ): Promise<VerifyResult> {
    const { signal } = options;
    const { digest } = await hashContent(content, { signal });
    const trusted = this.#connection.options.trusted ?? (await this.network(options)).trusted;
    return verifyDigest(digest, receipt, {
      network: trusted.network,
      committees: options.committees ?? trusted.committees,
      rpcUrl: options.rpcUrl ?? this.#connection.options.rpcUrl,
      crypto: await this.#connection.crypto(),
      signal,
    });
  }

  /** How the centre is doing. */
  status(options: CallOptions = {}): Promise<StatusAnswer> {
    return this.#connection.http.json({ path: '/v1/status', signal: options.signal }, statusAnswerSchema);
  }

  /** A record and where it stands. @throws NotariumError `record-not-found`. */
  record(id: RecordId, options: CallOptions = {}): Promise<RecordAnswer> {
    return this.#connection.http.json({ path: `/v1/records/${id}`, signal: options.signal }, recordAnswerSchema);
  }

  /** The centre's events as they come, each once, until the signal aborts; see {@link followEvents}. */
  events(options: FollowOptions = {}): AsyncGenerator<EventAnswer> {
    return followEvents(this.#connection.http, options);
  }

  /**
   * A content of a proposal, or a configuration, by its SHA-256: checked, so any centre will do.
   * @throws NotariumError `not-found`, `content-unavailable`, `server-answer-invalid`.
   */
  async content(hash: Hash, options: CallOptions = {}): Promise<Uint8Array> {
    return getContent(this.#connection.http, hash, await this.#connection.crypto(), options);
  }

  /** Logged records of a content digest, a subject or a submitter, oldest first, page after page. */
  async *search(
    query: { digest?: string; subject?: string; submitter?: string },
    options: CallOptions = {},
  ): AsyncGenerator<RecordAnswer> {
    for (let after: string | undefined; ; ) {
      const entries = Object.entries({ ...query, after }).filter(
        (entry): entry is [string, string] => entry[1] !== undefined,
      );
      const path = `/v1/records?${new URLSearchParams(entries)}`;
      const page = await this.#connection.http.json({ path, signal: options.signal }, searchAnswerSchema);
      yield* page.items;
      if (page.next === undefined) return;
      after = page.next;
    }
  }

  /**
   * Whether the centre kept its promise; asks it for the record, and the chain (where there is an `rpcUrl`) for a block that
   * waits for confirmations.
   * @throws NotariumError as `verifyAcceptance`; any other code (`server-unreachable`, `not-ready`, `rate-limited` …) says why
   *   nothing is known.
   */
  async checkAcceptance(
    acceptance: Acceptance,
    options: CallOptions & { nowMs?: number } = {},
  ): Promise<AcceptanceVerdict> {
    const { trusted } = await this.network(options);
    const id = acceptance.recordId;
    const getReceipt = () => this.waitForReceipt(id, { ...options, timeoutMs: 0 });
    const fate = await recordFate(this.#connection, networkOf(trusted), id, getReceipt, options);
    return verifyAcceptance(acceptance, fate, trusted, options.nowMs ?? Date.now(), await this.#connection.crypto());
  }
}
