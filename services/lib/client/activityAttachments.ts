import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { type Attachment, attachmentSchema } from '../../core/activities/contents.ts';
import { NotariumError } from '../../core/errors.ts';
import { onceOnly } from './backOff.ts';
import type { CentreHttp } from './CentreHttp.ts';
import type { CallOptions } from './Connection.ts';

/** However large a file is: what stands still is ended by the centre. */
const uploadMs = 24 * 60 * 60_000;
/** The centre may have to fetch it from a member first. */
const downloadMs = 20 * 60_000;

/** A file that goes beside a message. */
export type AttachmentToSend = {
  readonly name: string;
  readonly mediaType?: string | undefined;
  readonly content: AsyncIterable<Uint8Array>;
};

/** Sends a file piece by piece, as fast as the centre takes it. @throws what reading it throws. */
export async function sendAttachment(
  http: CentreHttp,
  { name, mediaType, content }: AttachmentToSend,
  { signal }: CallOptions,
): Promise<Attachment> {
  let unread: { readonly error: unknown } | undefined;
  async function* read(): AsyncGenerator<Uint8Array> {
    try {
      yield* content;
    } catch (error) {
      unread = { error };
      throw error;
    }
  }
  const body = Readable.toWeb(Readable.from(read(), { objectMode: false })) as ReadableStream<Uint8Array>;
  try {
    return await http.json(
      {
        ...{ method: 'POST', path: '/v1/activity-attachments', body, signal },
        attachmentName: name,
        contentType: mediaType ?? 'application/octet-stream',
        timeoutMs: uploadMs,
        backOff: onceOnly,
      },
      attachmentSchema,
    );
  } catch (error) {
    // To the connection it looks as if the centre were gone.
    throw unread ? unread.error : error;
  }
}

/** Gives a file piece by piece, and checks it in the end. */
export async function receiveAttachment(
  http: CentreHttp,
  path: string,
  attachment: Attachment,
  { signal }: CallOptions,
): Promise<AsyncGenerator<Uint8Array>> {
  const response = await http.send({ path, accept: '*/*', signal, timeoutMs: downloadMs });
  return checkedContent((response.body ?? []) as AsyncIterable<Uint8Array>, attachment, signal);
}

async function* checkedContent(
  content: AsyncIterable<Uint8Array>,
  { name, sizeBytes, digest }: Attachment,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  let taken = 0;
  try {
    for await (const chunk of content) {
      taken += chunk.length;
      if (taken > sizeBytes) break;
      hash.update(chunk);
      yield chunk;
    }
  } catch (cause) {
    signal?.throwIfAborted();
    throw new NotariumError('server-unreachable', `the connection broke after ${taken} of ${sizeBytes} bytes`, {
      cause,
    });
  }
  if (taken !== sizeBytes || `0x${hash.digest('hex')}` !== digest) throw new NotariumError('attachment-corrupt', name);
}
