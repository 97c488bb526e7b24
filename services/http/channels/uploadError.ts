import { NotariumError } from '../../core/errors.ts';

/** What tus throws: a status, and a sentence. */
type TusError = { readonly status_code: number; readonly body: string };

/** Any failure of an upload as the error that it is answered with; its status is the one that tus asks for. */
export function uploadError(error: Error | TusError): unknown {
  if (!('status_code' in error)) return error;
  const detail = error.body.trim().split('\n')[0]!.slice(0, 120);
  switch (error.status_code) {
    case 404:
    case 410:
      return new NotariumError('upload-unknown');
    case 413:
      return new NotariumError('request-too-large', detail);
    case 409:
    // Another request for the same upload was given precedence, or is still at it.
    case 500:
      return new NotariumError('upload-conflict', detail);
    default:
      return new NotariumError('request-invalid', detail);
  }
}
