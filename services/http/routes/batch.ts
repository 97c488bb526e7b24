import type { IncomingMessage } from 'node:http';
import type { Response } from 'express';
import { z } from 'zod';
import { NotariumError } from '../../core/errors.ts';
import { linger, problemOf, requestIdOf, retryAfterSeconds } from '../answer.ts';
import { BodySource, ClientGoneError } from '../BodySource.ts';
import { BatchRun, type LineResult, wholeFailure } from '../batch/BatchRun.ts';
import { gunzipped } from '../batch/gunzipped.ts';
import { LineSplitter } from '../batch/LineSplitter.ts';
import { prefersMinimal } from '../batch/prefersMinimal.ts';
import { drained } from '../drained.ts';
import type { HttpContext } from '../HttpContext.ts';
import { type Call, type Route, route } from '../Route.ts';
import { checkMediaType, tooLarge } from '../readBody.ts';
import { batchLineSchema } from '../schemas/records.ts';

const mediaTypes = ['application/x-ndjson', 'application/ndjson', 'application/jsonl', 'application/x-jsonlines'];

/** `POST /v1/records/batch`. */
export const batchRoutes: readonly Route[] = [
  route({
    method: 'post',
    path: '/v1/records/batch',
    access: 'submit',
    tag: 'records',
    summary: 'Submit many records as NDJSON',
    description:
      'One record a line, each answered by a line in the same order, while the body is still on its way: read the answer as you send, or keep batches under about 8,000 lines. A bad line fails alone. Content encoding gzip is taken. With the header `Prefer: return=minimal` (RFC 7240; answered by `Preference-Applied`) lines have no `acceptance`: the centre promises all the same, and signs the promise when it is asked for, by `GET /v1/records/{id}` or by posting the record again.',
    requestBody: {
      required: true,
      content: { 'application/x-ndjson': { schema: z.string().meta({ description: 'Records, one a line' }) } },
    },
    responses: {
      200: {
        description: 'A result for every line that is not blank',
        content: { 'application/x-ndjson': { schema: batchLineSchema } },
      },
    },
    errors: [
      'request-too-large',
      'request-timeout',
      'request-media-type-unsupported',
      'request-encoding-unsupported',
      'pool-full',
      'storage-full',
      'storage-failed',
    ],
    handle: submitBatch,
  }),
];

async function submitBatch({ request, response }: Call<undefined, undefined>, context: HttpContext): Promise<void> {
  const { centre, limits, lifetime } = context;
  checkMediaType(request, mediaTypes);
  const isGzip = isGzipped(request);
  const isMinimal = prefersMinimal(request.headers.prefer);
  const answer = new BatchAnswer(response, context, isMinimal);
  const run = new BatchRun({
    accept: (texts) => (isMinimal ? centre.acceptBriefly(texts) : centre.accept(texts)),
    answer: (results) => answer.write(results),
    limits,
  });
  const splitter = new LineSplitter(limits.recordBytes);
  const source = new BodySource(request, { idleMs: limits.bodyIdleMs, signal: lifetime.cutting });
  let stop: unknown;
  try {
    let sizeBytes = 0;
    for await (const chunk of isGzip ? gunzipped(source, limits.gzipRatio) : source) {
      sizeBytes += chunk.length;
      if (sizeBytes > limits.batchBytes) throw tooLarge(limits.batchBytes);
      await run.push(splitter.push(chunk));
    }
    await run.push(splitter.end());
  } catch (error) {
    stop = error;
  }
  try {
    // What was read as whole lines is still taken, unless nobody hears of it.
    if (stop instanceof ClientGoneError) await run.settle();
    else await run.end();
  } catch (error) {
    stop ??= error;
    await run.settle();
  } finally {
    source.leave();
  }
  if (stop !== undefined) stopBatch(stop, { request, response, line: splitter.number });
  else answer.end();
}

/** Ends an answer before its time: as a problem when nothing was answered yet, else by a last line. */
function stopBatch(stop: unknown, at: { request: IncomingMessage; response: Response; line: number }): void {
  const { request, response, line } = at;
  if (!response.headersSent || !(stop instanceof NotariumError)) throw stop;
  const error = problemOf(stop, requestIdOf(response));
  response.write(`${JSON.stringify({ line, status: 'failed', stopped: true, error })}\n`);
  if (request.complete) response.end();
  else linger(request, response);
}

function isGzipped(request: IncomingMessage): boolean {
  const encoding = request.headers['content-encoding']?.toLowerCase() ?? 'identity';
  if (encoding === 'gzip' || encoding === 'x-gzip') return true;
  if (encoding === 'identity') return false;
  throw new NotariumError('request-encoding-unsupported', encoding.slice(0, 40), {
    data: { want: ['gzip', 'identity'] },
  });
}

/** The NDJSON answer of a batch. */
class BatchAnswer {
  readonly #response: Response;
  readonly #context: HttpContext;
  readonly #isMinimal: boolean;

  constructor(response: Response, context: HttpContext, isMinimal: boolean) {
    this.#response = response;
    this.#context = context;
    this.#isMinimal = isMinimal;
  }

  /** Throws what the whole request failed with when these are the first results and all of them failed so. */
  async write(results: readonly LineResult[]): Promise<void> {
    const response = this.#response;
    const { limits, metrics, unsent } = this.#context;
    if (response.destroyed) throw new ClientGoneError('the client closed the connection');
    if (!response.headersSent) {
      const whole = wholeFailure(results);
      if (whole) throw whole;
      this.#head();
    }
    const requestId = requestIdOf(response);
    const counts = new Map<string, number>();
    let text = '';
    for (const { line, result } of results) {
      counts.set(result.status, (counts.get(result.status) ?? 0) + 1);
      text += `${lineText(line, result, requestId)}\n`;
    }
    for (const [status, count] of counts) metrics.batchLine(status, count);
    response.write(text);
    unsent.count(response);
    // Many clients read nothing before they have sent everything: so much is kept for them, then they must wait.
    while (response.writableLength > limits.answerBufferBytes) await drained(response, limits.slowClientMs);
  }

  end(): void {
    if (!this.#response.headersSent) this.#head();
    this.#response.end();
  }

  #head(): void {
    this.#response.setHeader('content-type', 'application/x-ndjson');
    this.#response.setHeader('cache-control', 'no-store');
    if (this.#isMinimal) this.#response.setHeader('preference-applied', 'return=minimal');
    this.#response.writeHead(200);
  }
}

function lineText(line: number, result: LineResult['result'], requestId: string | undefined): string {
  if (result.status === 'accepted') {
    // The usual result, field by field: to spread it into an object with its line takes several times as long.
    const { id, acceptance } = result;
    const promise = acceptance ? `,"acceptance":${JSON.stringify(acceptance)}` : '';
    return `{"line":${line},"status":"accepted","id":"${id}"${promise}}`;
  }
  if (result.status !== 'failed') return JSON.stringify({ line, ...result });
  const { status, id, error } = result;
  const problem = problemOf(error, requestId);
  const afterSeconds = retryAfterSeconds(error);
  // There is no header for one line: Retry-After stands in its data.
  if (afterSeconds !== undefined) problem.data = { ...problem.data, retryAfterSeconds: afterSeconds };
  return JSON.stringify({ line, status, ...(id === undefined ? {} : { id }), error: problem });
}
