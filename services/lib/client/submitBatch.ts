import type { Acceptance } from '../../core/acceptance.ts';
import type { RecordId } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';
import { batchLineSchema, type SubmitAnswer } from './answers.ts';
import { type BackOff, defaultBackOff, waitBeforeTry } from './backOff.ts';
import { type CentreHttp, checkAnswer } from './CentreHttp.ts';
import { parseProblem } from './problem.ts';

/**
 * What became of one record: taken by the centre (promise included, unless the client wanted none), already in the log, or
 * failed alone.
 */
export type SubmitResult =
  | { readonly status: 'accepted' | 'known'; readonly id: RecordId; readonly acceptance?: Acceptance }
  | { readonly status: 'logged'; readonly id: RecordId; readonly leafIndex?: number }
  | { readonly status: 'failed'; readonly id?: RecordId; readonly error: NotariumError };

/** How a batch is posted. `acceptances: false` asks for no signed promises; a centre may send them all the same. */
export type BatchOptions = {
  readonly signal?: AbortSignal | undefined;
  readonly backOff?: BackOff | undefined;
  readonly acceptances?: boolean | undefined;
};

/**
 * Posts records, each one line of JSON, as one NDJSON batch. A line that fails does not touch the others; lines that the
 * centre says to try again, and those that a broken connection left unanswered, are posted again (idempotent by id).
 * @throws NotariumError when the whole batch fails, as {@link CentreHttp.send}; the signal's reason.
 */
export async function submitBatch(
  http: CentreHttp,
  lines: readonly string[],
  options: BatchOptions = {},
): Promise<SubmitResult[]> {
  const backOff = options.backOff ?? defaultBackOff;
  const results: (SubmitResult | undefined)[] = lines.map(() => undefined);
  let open = lines.map((_, index) => index);
  for (let tried = 1; ; tried++) {
    const again = await postOnce(http, lines, open, results, options);
    if (again.length === 0) break;
    // Progress starts the count anew: a busy centre takes a large batch piece by piece.
    if (again.length < open.length) tried = 1;
    if (tried >= backOff.tries) {
      for (const { index, error } of again) results[index] = { status: 'failed', error };
      break;
    }
    open = again.map(({ index }) => index);
    await waitBeforeTry(tried, backOff, { signal: options.signal });
  }
  return results as SubmitResult[];
}

type Again = { readonly index: number; readonly error: NotariumError };

async function postOnce(
  http: CentreHttp,
  lines: readonly string[],
  open: readonly number[],
  results: (SubmitResult | undefined)[],
  { signal, acceptances = true }: BatchOptions,
): Promise<Again[]> {
  const response = await http.send({
    method: 'POST',
    path: '/v1/records/batch',
    body: open.map((index) => `${lines[index]}\n`).join(''),
    contentType: 'application/x-ndjson',
    accept: 'application/x-ndjson, application/problem+json',
    ...(acceptances ? {} : { prefer: 'return=minimal' }),
    signal,
  });
  const answered = new Set<number>();
  const again: Again[] = [];
  // Why the answer ends before the last line: unless the centre says so, the connection broke.
  let rest = { error: new NotariumError('server-unreachable', 'the answer broke off before this line'), retry: true };
  for (const line of await answerLines(response, signal)) {
    const { line: number, result, retry, stopped } = readLine(line, acceptances);
    // Lines are numbered from 1, as editors do.
    const index = open[number - 1];
    if (index === undefined || answered.has(index)) {
      throw new NotariumError('server-answer-invalid', `batch: line ${number} was not asked, or answered twice`);
    }
    if (stopped && result.status === 'failed') {
      rest = { error: result.error, retry };
      break;
    }
    answered.add(index);
    if (result.status === 'failed' && retry) again.push({ index, error: result.error });
    else results[index] = result;
  }
  for (const index of open) {
    if (answered.has(index)) continue;
    if (rest.retry) again.push({ index, error: rest.error });
    else results[index] = { status: 'failed', error: rest.error };
  }
  return again.sort((a, b) => a.index - b.index);
}

/** Whole lines of an answer; a connection that breaks gives those that came. */
async function answerLines(response: Response, signal: AbortSignal | undefined): Promise<string[]> {
  const decoder = new TextDecoder();
  let text = '';
  try {
    for await (const chunk of response.body ?? []) text += decoder.decode(chunk as Uint8Array, { stream: true });
  } catch {
    // What came before the break still counts: the records behind those lines are on the centre's disk.
    signal?.throwIfAborted();
  }
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '');
}

function readLine(
  text: string,
  acceptances: boolean,
): { line: number; result: SubmitResult; retry: boolean; stopped?: boolean } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new NotariumError('server-answer-invalid', 'batch: a line is not JSON', { cause });
  }
  const { line, status, id, acceptance, leafIndex, error, stopped } = checkAnswer(batchLineSchema, value, 'batch');
  if (error !== undefined) {
    const problem = parseProblem(error, typeof error.status === 'number' ? error.status : 0);
    const result: SubmitResult = { status: 'failed', ...(id ? { id } : {}), error: problem.error };
    return { line, retry: problem.retry, result, stopped: stopped === true };
  }
  const answer = { status, id, acceptance, leafIndex } as SubmitAnswer;
  return { line, retry: false, result: takenResult(answer, 'batch', acceptances) };
}

/**
 * The result that a successful answer stands for.
 * @param acceptances whether a promise must be there.
 * @throws NotariumError `server-answer-invalid`.
 */
export function takenResult(answer: SubmitAnswer, what: string, acceptances = true): SubmitResult {
  const { status, id, acceptance, leafIndex } = answer;
  if (id !== undefined && status === 'logged') return { status, id, ...(leafIndex === undefined ? {} : { leafIndex }) };
  if (id !== undefined && (acceptance !== undefined || !acceptances) && (status === 'accepted' || status === 'known')) {
    return { status, id, ...(acceptance === undefined ? {} : { acceptance }) };
  }
  throw new NotariumError(
    'server-answer-invalid',
    `${what}: status ${String(status).slice(0, 32)} without what belongs to it`,
  );
}
