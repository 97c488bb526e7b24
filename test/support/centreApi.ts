import type { CentreStatus, RecordView } from '../../services/app/Centre.ts';
import type { RecordId } from '../../services/core/bytes.ts';
import type { Receipt } from '../../services/core/receipt.ts';
import type { CheckedRecord } from '../../services/core/record.ts';
import { Notarium } from '../../services/index.ts';
import { statusOf } from './centreProcess.ts';
import { textOf } from './recordKit.ts';
import { until } from './until.ts';

/** An answer with its JSON body. */
export type Answer = { readonly status: number; readonly body: Record<string, unknown> };

/** Gets or posts JSON. */
export async function json(url: string, init?: RequestInit): Promise<Answer> {
  const response = await fetch(url, init);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

/** Posts one record. */
export function post(url: string, record: CheckedRecord): Promise<Answer> {
  const headers = { 'content-type': 'application/json' };
  return json(`${url}/v1/records`, { method: 'POST', body: textOf(record), headers });
}

/** One line of the answer to a batch. */
export type BatchLine = { line: number; status: string; id?: RecordId; error?: { code: string } };

/**
 * Posts a batch; where it is refused as a whole, that stands for its first line. `onAccepted` gets each id whose acceptance has been read, also when the connection breaks right after it.
 * @throws TypeError when the connection breaks.
 */
export async function postBatch(
  url: string,
  records: readonly CheckedRecord[],
  onAccepted: (id: RecordId) => void = () => {},
  signal?: AbortSignal,
): Promise<BatchLine[]> {
  const response = await fetch(`${url}/v1/records/batch`, {
    method: 'POST',
    body: records.map((record) => `${textOf(record)}\n`).join(''),
    headers: { 'content-type': 'application/x-ndjson' },
    ...(signal ? { signal } : {}),
  });
  if (!response.ok) {
    return [{ line: 1, status: 'failed', error: (await response.json()) as { code: string } }];
  }
  const lines: BatchLine[] = [];
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of response.body!) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    text = text.slice(whole.length);
    for (const each of whole.split('\n')) {
      if (each === '') continue;
      const line = JSON.parse(each) as BatchLine;
      if (line.status === 'accepted') onAccepted(line.id!);
      lines.push(line);
    }
  }
  return lines;
}

/** The receipt of a record, waited for. @throws Error with the answer when there is none in time. */
export async function receiptOf(url: string, { id }: Pick<CheckedRecord, 'id'>): Promise<Receipt> {
  return await until(`the receipt of ${id}`, async () => {
    const { status, body } = await json(`${url}/v1/records/${id}/receipt?wait=60`);
    if (status === 200) return body as unknown as Receipt;
    throw new Error(`no receipt: ${JSON.stringify(body)}`);
  });
}

/** A record as the centre shows it. */
export async function recordOf(url: string, id: RecordId): Promise<RecordView> {
  return (await json(`${url}/v1/records/${id}`)).body as unknown as RecordView;
}

/** Waits until the centre says that it has a problem, and answers its sentence. */
export function untilProblem(url: string, code: string, limitMs?: number): Promise<string> {
  const look = async (): Promise<string | undefined> =>
    (await statusOf(url)).problems.find((problem) => problem.code === code)?.detail;
  return until(`the problem ${code}`, look, limitMs);
}

/** Waits until nothing is wrong and nothing waits. */
export function untilIdle(url: string, limitMs?: number): Promise<CentreStatus> {
  return until(
    'a centre without problems and with an empty pool',
    async () => {
      const status = await statusOf(url);
      return status.ready && status.pool.count === 0 && status;
    },
    limitMs,
  );
}

/** Codes of what keeps `/readyz` from saying `ready`. */
export async function readyProblems(url: string): Promise<string[]> {
  const { status, body } = await json(`${url}/readyz`);
  if (status === 200) return [];
  return (body.data as { problems: { code: string }[] }).problems.map(({ code }) => code);
}

/**
 * Steps that a receipt of a `signedRecord` did not pass, as a stranger checks it: offline and by the chain's own answers.
 */
export async function failedSteps(place: { url: string; rpcUrl: string }, receipt: Receipt): Promise<string[]> {
  const { subject } = JSON.parse(Buffer.from(receipt.entry, 'base64').toString()) as { subject: string };
  const content = new TextEncoder().encode(subject.replace('urn:test:', ''));
  const { steps } = await new Notarium(place).verify(content, receipt);
  if (steps.length < 6) throw new Error('steps are missing');
  return steps.filter(({ status }) => status !== 'passed').map(({ step, status }) => `${step} ${status}`);
}
