import { createHash } from 'node:crypto';
import type { Request, Response } from 'express';

/** For what never changes. */
export const immutablePolicy = 'public, max-age=31536000, immutable';

/** Description of the answer 304. */
export const notModified = { description: 'What the client has by `If-None-Match` is still so' };

/** Answers with bytes that a client may keep, or with 304 where it has them. @param policy `cache-control`. */
export function sendCached(
  request: Request,
  response: Response,
  bytes: Buffer,
  contentType: string,
  policy: string,
): void {
  const hash = createHash('sha256').update(bytes).digest('base64url').slice(0, 27);
  response.setHeader('etag', `"${hash}"`);
  response.setHeader('cache-control', policy);
  response.setHeader('access-control-allow-origin', '*');
  if (has(request.headers['if-none-match'], `"${hash}"`)) {
    response.statusCode = 304;
    response.end();
    return;
  }
  response.setHeader('content-type', contentType);
  response.setHeader('content-length', bytes.length);
  response.end(bytes);
}

// Express' own `fresh` gives in to `cache-control: no-cache`, which many clients send by default with their condition.
function has(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  return ifNoneMatch.trim() === '*' || ifNoneMatch.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag);
}
