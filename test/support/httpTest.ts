import { connect, type Socket } from 'node:net';
import { expect } from 'chai';
import { networkName } from '../../services/core/eip712.ts';
import { type ErrorCode, errorTable, type Problem } from '../../services/core/errors.ts';
import { signRecord } from '../../services/core/record.ts';
import type { NotariumRecord, UnsignedRecord } from '../../services/core/recordSchema.ts';
import type { HttpOptions } from '../../services/http/HttpOptions.ts';
import { type HttpServer, startHttpServer } from '../../services/http/httpServer.ts';
import { localSigner } from '../../services/lib/localSigner.ts';
import { loadCrypto } from '../../services/lib/nativeCrypto.ts';
import { declaredOnly } from './declaredOnly.ts';
import { type MemoryCentre, memoryCentre, memoryNetwork } from './memoryCentre.ts';

const crypto = await loadCrypto();
/** Signer of test records, with a well-known development key: 32 bytes of 3. */
export const testSigner = localSigner(new Uint8Array(32).fill(3), crypto);

/** A server in front of a {@link memoryCentre}, for one test. */
export type HttpTest = HttpServer & { readonly centre: MemoryCentre };

const running: HttpTest[] = [];

/** Starts a server on a free port, without rate limits unless asked for. */
export async function startHttpTest(options: HttpOptions = {}): Promise<HttpTest> {
  const centre = await memoryCentre();
  const http = declaredOnly(await startHttpServer(centre, { port: 0, rateLimits: false, stopMs: 300, ...options }));
  const test = { ...http, centre };
  running.push(test);
  return test;
}

/** Stops every server that the test started. */
export async function stopHttpTests(): Promise<void> {
  await Promise.all(running.splice(0).map((http) => http.stop()));
}

/** Seals what comes until the work is done. */
export async function sealingUntil<T>({ centre }: HttpTest, work: Promise<T>): Promise<T> {
  let isDone = false;
  const done = work.finally(() => {
    isDone = true;
  });
  while (!isDone) {
    await centre.seal();
    await Promise.race([done.catch(() => {}), new Promise((next) => setTimeout(next, 20))]);
  }
  return done;
}

/** A signed record of the test network. */
export async function signedRecord(subject: string, more: Partial<UnsignedRecord> = {}): Promise<NotariumRecord> {
  const { record } = await signRecord(
    {
      v: 1,
      network: networkName(memoryNetwork),
      kind: 'evidence',
      subject,
      digest: `sha-256:${'ab'.repeat(32)}`,
      time: '2026-11-21T01:30:00.000Z',
      ...more,
    },
    testSigner,
    crypto,
  );
  return record;
}

/** Texts of so many different records. */
export async function recordTexts(count: number, prefix = 'urn:test'): Promise<string[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, index) => JSON.stringify(await signedRecord(`${prefix}:${index}`))),
  );
}

/** A POST with a body. */
export function post(url: string, body: string | Uint8Array, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    body: body as BodyInit,
    headers: { 'content-type': 'application/json', ...headers },
  });
}

/** A POST to the batch route. */
export function postBatch(
  http: HttpTest,
  body: string | Uint8Array,
  headers: Record<string, string> = {},
): Promise<Response> {
  return post(`${http.url}/v1/records/batch`, body, { 'content-type': 'application/x-ndjson', ...headers });
}

/** One line of the answer to a batch. */
export type AnswerLine = {
  line: number;
  status: string;
  id?: string;
  leafIndex?: number;
  acceptance?: { recordId: string };
  error?: Problem;
  stopped?: true;
};

/** Lines of an NDJSON answer. */
export async function answerLines(response: Response): Promise<AnswerLine[]> {
  const text = await response.text();
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as AnswerLine);
}

/** Checks that an answer is a whole problem document with this code, and gives it. */
export async function expectProblem(answer: Response | Promise<Response>, code: ErrorCode): Promise<Problem> {
  const response = await answer;
  const text = await response.text();
  expect(response.headers.get('content-type'), text).to.equal('application/problem+json');
  const problem = JSON.parse(text) as Problem;
  expect(problem.code, text).to.equal(code);
  expect(response.status).to.equal(errorTable[code].status);
  expect(problem).to.include({ status: response.status, title: errorTable[code].title, retry: errorTable[code].retry });
  expect(problem.type).to.equal(`https://notarium.invalid/errors#${code}`);
  expect(problem.requestId).to.equal(response.headers.get('x-request-id'));
  expect(response.headers.has('retry-after')).to.equal(errorTable[code].retry);
  expect(text).not.to.match(/ at .*\.[jt]s:|node_modules/);
  return problem;
}

/** A TCP connection to the server, and all that came over it so far. */
export type RawConnection = { readonly socket: Socket; text(): string; readonly closed: Promise<void> };

/** Opens a connection; HTTP is up to the test. */
export async function rawConnection(http: HttpTest): Promise<RawConnection> {
  const socket = connect(http.port, http.host);
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
  });
  // A reset is one way to be closed, and some tests are about being closed.
  socket.on('error', () => {});
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  return { socket, text: () => text, closed };
}
