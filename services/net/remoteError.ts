import { z } from 'zod';
import { fromUtf8, utf8 } from '../core/bytes.ts';
import { type ErrorCode, errorTable, NotariumError } from '../core/errors.ts';
import { errorFrameBytes, FrameFault } from './frames.ts';

const detailLength = 1000;
const remoteErrorSchema = z.object({
  code: z.string(),
  detail: z.string(),
  data: z.record(z.string(), z.unknown()),
});

/** Payload of the error frame for what a handler threw; all but a NotariumError is `internal`, without particulars. */
export function errorPayload(error: unknown): Uint8Array {
  const { code, detail, data } = error instanceof NotariumError ? error : new NotariumError('internal');
  const short = detail.slice(0, detailLength);
  try {
    const payload = utf8(JSON.stringify({ code, detail: short, data }));
    if (payload.length <= errorFrameBytes) return payload;
  } catch {
    // Data that JSON has no form for (a bigint, a circle) stay here.
  }
  return utf8(JSON.stringify({ code, detail: short, data: {} }));
}

/**
 * The error that a peer reports.
 * @throws FrameFault when the payload is no error of this version of Notarium.
 */
export function remoteError(payload: Uint8Array): NotariumError {
  let json: unknown;
  try {
    json = JSON.parse(fromUtf8(payload));
  } catch {
    throw new FrameFault('frame-malformed', 'the error is not JSON');
  }
  const parsed = remoteErrorSchema.safeParse(json);
  if (!parsed.success) throw new FrameFault('frame-malformed', 'the error does not have the expected form');
  const { code, detail, data } = parsed.data;
  // Not blamed: a newer peer may know codes that this one does not.
  if (!Object.hasOwn(errorTable, code)) {
    return new NotariumError('peer-answer-invalid', 'the peer answered with an error that this version does not know');
  }
  return new NotariumError(code as ErrorCode, detail === '' ? undefined : detail.slice(0, detailLength), { data });
}
