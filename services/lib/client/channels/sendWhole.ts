import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { NotariumError } from '../../../core/errors.ts';
import { jsonOrUndefined } from '../../jsonOrUndefined.ts';
import { parseProblem } from '../problem.ts';
import type { UploadSource } from './uploadSource.ts';

/** Where it goes, by whom, and what is declared of it. */
type WholeUpload = {
  readonly endpoint: string;
  readonly authorization: () => string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
};

/** Longest time without an answer. */
const idleMs = 30_000;
const problemBytes = 64 * 1024;

/**
 * Uploads a small content by one request of tus' creation-with-upload, as it stands: for so little, a client of the whole protocol is most of the work.
 * @returns Where it is; undefined where it broke off, or may be tried again: then tus goes about it.
 * @throws NotariumError the code of the verifier's problem; those of the source; the signal's reason.
 */
export async function sendWhole(
  source: UploadSource,
  { endpoint, authorization, metadata, signal }: WholeUpload,
): Promise<string | undefined> {
  signal?.throwIfAborted();
  const parts: Uint8Array[] = [];
  for await (const part of source.read(0)) parts.push(part);
  const body = Buffer.concat(parts);
  const headers = {
    authorization: authorization(),
    'tus-resumable': '1.0.0',
    'upload-length': source.sizeBytes,
    'upload-metadata': Object.entries(metadata)
      .map(([name, value]) => `${name} ${Buffer.from(value).toString('base64')}`)
      .join(','),
    'content-type': 'application/offset+octet-stream',
    'content-length': body.length,
  };
  let answer: Answer;
  try {
    answer = await post(endpoint, headers, body, signal);
  } catch {
    signal?.throwIfAborted();
    return undefined;
  }
  const { status, location, offset, text } = answer;
  if (status === 201 && location !== undefined && offset === String(body.length))
    return new URL(location, endpoint).href;
  if (status < 400) return undefined;
  // Of a proxy's page the status alone tells what happened.
  const { error, retry } = parseProblem(jsonOrUndefined(text), status);
  if (retry) return undefined;
  throw error;
}

type Answer = {
  readonly status: number;
  readonly location: string | undefined;
  readonly offset: string | undefined;
  readonly text: string;
};

function post(
  url: string,
  headers: http.OutgoingHttpHeaders,
  body: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { request } = url.startsWith('https:') ? https : http;
    const sent = request(url, { method: 'POST', headers, timeout: idleMs, ...(signal ? { signal } : {}) });
    sent.on('response', (response) => answerOf(response).then(resolve, reject));
    sent.on('timeout', () => sent.destroy(new NotariumError('server-unreachable', url)));
    sent.on('error', reject);
    sent.end(body);
  });
}

async function answerOf(response: IncomingMessage): Promise<Answer> {
  const { statusCode: status = 0, headers } = response;
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) if (text.length < problemBytes) text += chunk;
  const offset = headers['upload-offset'];
  return { status, location: headers.location, offset: offset === undefined ? undefined : String(offset), text };
}
