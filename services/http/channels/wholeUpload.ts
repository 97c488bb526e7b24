import { Metadata } from '@tus/server';
import type { Request, Response } from 'express';
import type { UploadDesk } from '../../app/channels/evidence/UploadDesk.ts';
import type { Hash } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';
import { readBytes } from '../readBody.ts';
import { declarationOf } from './uploadMetadata.ts';

/** Media type of tus: bytes of an upload. */
export const uploadContentType = 'application/offset+octet-stream';

/** Largest upload that is held in memory until it is whole. */
const wholeBytes = 1 << 20;

/** What would make the request another one: other extensions of tus, and a body that is not the bytes themselves. */
const otherHeaders = ['upload-defer-length', 'upload-concat', 'x-http-method-override', 'content-encoding'];

/** Whether a request creates a small upload and has all of it with it. */
export function isWholeUpload({ headers }: Pick<Request, 'headers'>): boolean {
  const sizeBytes = headers['content-length'];
  return (
    headers['content-type'] === uploadContentType &&
    headers['tus-resumable'] === '1.0.0' &&
    sizeBytes !== undefined &&
    /^[1-9][0-9]{0,6}$/.test(sizeBytes) &&
    sizeBytes === headers['upload-length'] &&
    Number(sizeBytes) <= wholeBytes &&
    otherHeaders.every((name) => headers[name] === undefined)
  );
}

/**
 * Does what tus' creation-with-upload does, without its streams: for small contents they are most of the work. Nothing stays of what does
 * not come whole, as the client does not know where it would go on.
 * @param limits.idleMs Longest time without a byte.
 * @throws NotariumError as `Uploads.create` and `Uploads.append`, `request-timeout`, `request-invalid`; ClientGoneError.
 */
export async function takeWholeUpload(
  uploads: UploadDesk,
  by: { readonly channelId: Hash; readonly key: Uint8Array | undefined },
  request: Request,
  response: Response,
  { idleMs }: { readonly idleMs: number },
): Promise<void> {
  const { channelId, key } = by;
  const declared = declarationOf(metadataOf(request), Number(request.headers['upload-length']));
  const bytes = await readBytes(request, { maxBytes: wholeBytes, idleMs });
  const { id } = await uploads.create(channelId, declared, key, true);
  try {
    await uploads.append(channelId, id, 0, [bytes], key);
  } catch (error) {
    // What can't become right is gone already.
    await uploads.remove(channelId, id).catch(() => undefined);
    throw error;
  }
  response.writeHead(201, {
    'tus-resumable': '1.0.0',
    location: `/v1/channels/${channelId}/uploads/${id}`,
    'upload-offset': bytes.length,
    'content-length': 0,
  });
  response.end();
}

function metadataOf({ headers }: Request): Record<string, string | null> | undefined {
  const header = headers['upload-metadata'];
  if (header === undefined) return undefined;
  try {
    return Metadata.parse(String(header));
  } catch (cause) {
    throw new NotariumError('request-invalid', 'Upload-Metadata is not as tus wants it', { cause });
  }
}
