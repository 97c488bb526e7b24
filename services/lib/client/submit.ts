import type { Acceptance } from '../../core/acceptance.ts';
import { type RecordId, toHex } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';
import { asRecord, type CheckedRecord, recordIdBytes, signRecord } from '../../core/record.ts';
import type { NotariumRecord } from '../../core/recordSchema.ts';
import { submitAnswerSchema } from './answers.ts';
import type { CallOptions, Connection } from './Connection.ts';
import { completeDraft, type Draft, draftForCentre, isSigned } from './draft.ts';
import { inGroups, mapInOrder } from './jobs.ts';
import { type SubmitResult, submitBatch, takenResult } from './submitBatch.ts';
import { submitDrafts } from './submitDrafts.ts';
import { checkAcceptanceOf } from './Trust.ts';

/** A record that the centre took, and what was posted. */
export type Submitted = {
  readonly status: 'accepted' | 'known' | 'logged';
  readonly id: RecordId;
  readonly acceptance?: Acceptance;
  /** Absent when the centre signed for a client with an API key. */
  readonly record?: NotariumRecord;
};

/** What may be handed in: a signed record, or a draft that this client (or, by API key, the centre) signs. */
export type Submittable = NotariumRecord | Draft;

/** Signs a draft with the client's key. Errors: see `Notarium.sign`. */
export async function signDraft(connection: Connection, draft: Draft, options: CallOptions): Promise<CheckedRecord> {
  const signer = await connection.signer();
  if (!signer) throw new NotariumError('key-missing', 'signing needs privateKey or signer');
  const { network } = (await connection.trust(options)).trusted;
  return signRecord(completeDraft(draft, network, Date.now()), signer, await connection.crypto());
}

/** Hands in one record. Errors: see `Notarium.submit`. */
export async function submitOne(connection: Connection, item: Submittable, options: CallOptions): Promise<Submitted> {
  const prepared = await prepare(connection, item, options);
  const answer = await connection.http.json(
    { method: 'POST', path: '/v1/records', body: prepared.line, signal: options.signal },
    submitAnswerSchema,
  );
  const result = await checked(connection, prepared, takenResult(answer, 'submit'), options);
  if (result.status === 'failed') throw result.error;
  return { ...result, ...(prepared.record ? { record: prepared.record } : {}) };
}

/** How many records go at a time, and what is asked for. */
export type SubmitManyOptions = {
  /** Records of a batch; 1,000 by default. */
  readonly batchSize?: number | undefined;
  /** Batches on their way at a time; 2 by default. */
  readonly batchesAtOnce?: number | undefined;
  /** `false` spares the centre a signature for each record: its promises hold, and are signed when asked for by `record(id)`. */
  readonly acceptances?: boolean | undefined;
};

/** Hands in any number of records. See `Notarium.submitMany`. */
export async function* submitAll(
  connection: Connection,
  items: AsyncIterable<Submittable> | Iterable<Submittable>,
  options: CallOptions & SubmitManyOptions,
): AsyncGenerator<SubmitResult & { readonly record?: NotariumRecord }> {
  const { signal, batchSize = 1000, batchesAtOnce = 2, acceptances } = options;
  const { backOff } = connection.options;
  const groups = inGroups(prepareAll(connection, items, options), {
    maxCount: batchSize,
    maxSize: 4 << 20,
    sizeOf: ({ line }) => line.length,
  });
  const batches = mapInOrder(groups, batchesAtOnce, async (group) => {
    const open = group.filter(({ failed }) => !failed);
    const lines = open.filter(({ record }) => record).map(({ line }) => line);
    // A batch takes signed records only.
    const drafts = open.filter(({ record }) => !record).map(({ line }) => line);
    const answers =
      lines.length === 0 ? [] : await submitBatch(connection.http, lines, { signal, backOff, acceptances });
    return { group, answers, single: await submitDrafts(connection.http, drafts, { signal, backOff }) };
  });
  for await (const { group, answers, single } of batches) {
    let next = 0;
    let nextSingle = 0;
    for (const prepared of group) {
      const answer = (): SubmitResult => (prepared.record ? answers[next++]! : single[nextSingle++]!);
      const result = prepared.failed ?? (await checked(connection, prepared, answer(), options));
      yield { ...result, ...(prepared.record ? { record: prepared.record } : {}) };
    }
  }
}

/** One line to post, or why there is none. */
type Prepared = {
  readonly line: string;
  readonly record?: NotariumRecord;
  readonly id?: RecordId;
  readonly failed?: SubmitResult & { readonly status: 'failed' };
};

async function* prepareAll(
  connection: Connection,
  items: AsyncIterable<Submittable> | Iterable<Submittable>,
  options: CallOptions,
): AsyncGenerator<Prepared> {
  for await (const item of items) {
    options.signal?.throwIfAborted();
    try {
      yield await prepare(connection, item, options);
    } catch (error) {
      // What is wrong with one record is that record's result; anything else is wrong with all.
      if (!(error instanceof NotariumError) || !/^(record|json|signature)-/.test(error.code)) throw error;
      yield { line: '', failed: { status: 'failed', error } };
    }
  }
}

async function prepare(connection: Connection, item: Submittable, options: CallOptions): Promise<Prepared> {
  if (isSigned(item)) {
    const record = asRecord(item);
    return { line: JSON.stringify(record), record, id: toHex(recordIdBytes(record, await connection.crypto())) };
  }
  if (connection.options.apiKey !== undefined && !(await connection.signer())) {
    return { line: JSON.stringify(draftForCentre(item, Date.now())) };
  }
  const { record, id } = await signDraft(connection, item, options);
  return { line: JSON.stringify(record), record, id };
}

async function checked(
  connection: Connection,
  prepared: Prepared,
  result: SubmitResult,
  options: CallOptions,
): Promise<SubmitResult> {
  if (result.status === 'failed') return result;
  if (prepared.id !== undefined && prepared.id !== result.id) {
    const data = { have: result.id, want: prepared.id };
    return { status: 'failed', error: new NotariumError('server-answer-invalid', 'another record id', { data }) };
  }
  if (result.status === 'logged' || result.acceptance === undefined) return result;
  const { trusted } = await connection.trust(options);
  try {
    checkAcceptanceOf(result.id, result.acceptance, trusted, await connection.crypto());
    return result;
  } catch (error) {
    if (!(error instanceof NotariumError)) throw error;
    return { status: 'failed', id: result.id, error };
  }
}
