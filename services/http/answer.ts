import type { IncomingMessage, ServerResponse } from 'node:http';
import { errorTable, type NotariumError, type Problem, toProblem } from '../core/errors.ts';

/** Request id of an answer, as its problem documents carry it. */
export function requestIdOf(response: ServerResponse): string | undefined {
  const id = response.getHeader('x-request-id');
  return typeof id === 'string' ? id : undefined;
}

/** Answers with JSON. */
export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  sendText(response, status, 'application/json; charset=utf-8', JSON.stringify(value));
}

/** Answers with text. */
export function sendText(response: ServerResponse, status: number, contentType: string, text: string): void {
  response.statusCode = status;
  response.setHeader('content-type', contentType);
  response.setHeader('content-length', Buffer.byteLength(text));
  response.end(text);
}

/** Answers that it is done, and nothing more. */
export function sendNothing(response: ServerResponse): void {
  response.statusCode = 204;
  response.end();
}

/** Seconds after which a client may try again what failed with this error; undefined when a retry does not help. */
export function retryAfterSeconds(error: NotariumError): number | undefined {
  const named = error.data.retryAfterSeconds;
  if (typeof named === 'number') return named;
  if (!errorTable[error.code].retry) return undefined;
  switch (error.code) {
    case 'storage-full':
    case 'storage-failed':
    case 'clock-skewed':
      return 30;
    case 'shutting-down':
    case 'not-ready':
      return 5;
    default:
      return 1;
  }
}

/** The problem document of an error, with the id of its request. */
export function problemOf(error: NotariumError, requestId: string | undefined): Problem {
  return { ...toProblem(error), ...(requestId === undefined ? {} : { requestId }) };
}

/** How much of a refused body is read, and for how long, before the connection is closed under it. */
const lingerBytes = 4 * 1024 * 1024;
const lingerMs = 2_000;

/** Answers with a problem document (RFC 9457). */
export function sendProblem(request: IncomingMessage, response: ServerResponse, error: NotariumError): void {
  const text = JSON.stringify(problemOf(error, requestIdOf(response)));
  const afterSeconds = retryAfterSeconds(error);
  if (afterSeconds !== undefined && !response.hasHeader('retry-after')) response.setHeader('retry-after', afterSeconds);
  if (error.code === 'unauthorized') response.setHeader('www-authenticate', 'Bearer realm="notarium"');
  response.statusCode = errorTable[error.code].status;
  response.setHeader('content-type', 'application/problem+json');
  response.setHeader('content-length', Buffer.byteLength(text));
  response.setHeader('cache-control', 'no-store');
  if (hasWholeBody(request)) {
    response.end(text);
    return;
  }
  response.setHeader('connection', 'close');
  response.write(text);
  linger(request, response);
}

function hasWholeBody(request: IncomingMessage): boolean {
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
  return request.complete || (encoding === undefined && (length === undefined || length === '0'));
}

/**
 * Ends an answer whose request body is still on its way. Closing at once would reset the connection under a client that is
 * still writing, and it would never see the answer (RFC 9112 section 9.6); reading on for ever would serve an endless body.
 */
export function linger(request: IncomingMessage, response: ServerResponse): void {
  const { socket } = request;
  let taken = 0;
  const end = (): void => {
    clearTimeout(timer);
    request.off('data', count).off('end', end).off('close', end);
    // Node would keep the connection for the rest of the body, where the head of the answer did not say `close`.
    response.end(() => request.complete || socket.destroySoon());
  };
  const count = (chunk: Buffer): void => {
    taken += chunk.length;
    if (taken > lingerBytes) end();
  };
  const timer = setTimeout(end, lingerMs);
  request.on('data', count).on('end', end).on('close', end);
  request.resume();
}
