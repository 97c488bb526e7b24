import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { maxAttachments } from '../../core/activities/contents.ts';
import type { Hash } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';
import { hashSchema } from '../../core/schemas.ts';
import { BodySource } from '../BodySource.ts';
import { invalidRequest } from '../handlerOf.ts';
import { type Route, route } from '../Route.ts';
import { requireIdentityEncoding } from '../readBody.ts';
import { integerText } from '../schemas/parameters.ts';
import {
  type ActivityParams,
  activitiesOf,
  activityErrors,
  activityParams,
  callerOf,
  json,
  privately,
  sendPrivately,
} from './asked.ts';
import { attachmentDoc } from './contents.ts';

/** Media type of what says none. */
const plainBytes = 'application/octet-stream';

const binary = z.string().meta({ override: { format: 'binary' } });

// In headers, since proxies write the paths of requests into their logs, and a name may tell much.
const nameHeader = z.object({
  'attachment-name': z
    .string()
    .min(1)
    .max(3 * 255)
    .meta({ description: 'Name of the file, percent-encoded UTF-8' }),
});
const uploadHeaders = nameHeader.extend({ 'content-type': z.string().min(1).max(127).optional() });

/** Files beside messages. */
export const activityAttachmentRoutes: readonly Route[] = [
  route({
    ...privately,
    method: 'post',
    path: '/v1/activity-attachments',
    access: 'submit',
    headers: nameHeader,
    summary: 'Keep a file for a message, of any size',
    description:
      'It is encrypted under a key of its own as it comes, and goes after a day without a message that names it; a key may have so much of that, and no more (`attachment-quota`). `Content-Type` is the media type of the file. The answer goes into `attachments` of the message: whoever has it can read the file.',
    requestBody: { required: true, content: { '*/*': { schema: binary } } },
    responses: { 201: { description: 'The file', content: json(attachmentDoc) } },
    errors: [
      'activities-missing',
      'not-found',
      'request-timeout',
      'request-encoding-unsupported',
      'request-too-large',
      'attachment-quota',
      'upload-conflict',
      'activity-store-corrupt',
      'storage-full',
    ],
    async handle(call, context) {
      const { request, response } = call;
      const by = callerOf(call);
      const desk = activitiesOf(context);
      requireIdentityEncoding(request);
      const parsed = uploadHeaders.safeParse(request.headers);
      if (!parsed.success) throw invalidRequest(parsed.error, 'header');
      const { 'attachment-name': encoded, 'content-type': mediaType = plainBytes } = parsed.data;
      const name = decoded(encoded);
      const { limits, lifetime } = context;
      const source = new BodySource(request, { idleMs: limits.bodyIdleMs, signal: lifetime.cutting });
      // Ended early, it is not to destroy the request: an answer still gets out.
      const content = Readable.from(source, { objectMode: false });
      try {
        const length = request.headers['content-length'];
        const named = {
          ...{ name, content },
          ...(mediaType === plainBytes ? {} : { mediaType }),
          ...(length === undefined ? {} : { sizeBytes: Number(length) }),
        };
        sendPrivately(response, 201, await desk.putAttachment(by, named));
      } finally {
        content.destroy();
        source.leave();
      }
    },
  }),
  route<ActivityParams & { readonly message: Hash; readonly index: number }>({
    ...privately,
    method: 'get',
    path: '/v1/activities/{id}/messages/{message}/attachments/{index}',
    access: 'read',
    params: activityParams.extend({
      message: hashSchema,
      index: integerText(0, maxAttachments - 1, 'Place in the attachments of the message'),
    }),
    summary: 'A file of a message',
    description:
      'Decrypted as it is sent. What is not here yet is fetched from a member first. A file that is damaged ends before its `Content-Length`.',
    responses: {
      200: {
        description: 'The file; its name is in `Content-Disposition`, its media type in the message',
        content: { [plainBytes]: { schema: binary } },
      },
    },
    errors: [
      ...activityErrors,
      'not-found',
      'attachment-unknown',
      'attachment-mismatch',
      'attachment-corrupt',
      'peer-unreachable',
      'peer-timeout',
      'peer-busy',
      'peer-answer-invalid',
      'request-too-large',
      'upload-conflict',
      'storage-full',
    ],
    async handle(call, context) {
      const { response, params } = call;
      const { id, ...place } = params;
      const { attachment, content } = await activitiesOf(context).attachment(callerOf(call), id, place);
      // Never the media type that a member names: no browser is to show what others have sent as a page of this centre.
      response.setHeader('content-type', plainBytes);
      response.setHeader('content-length', attachment.sizeBytes);
      response.setHeader('content-disposition', `attachment; filename*=UTF-8''${extended(attachment.name)}`);
      response.setHeader('cache-control', 'no-store');
      // It is sent piece by piece, and each waits for the client.
      response.socket?.setTimeout(context.limits.slowClientMs);
      await pipeline(content, response);
    },
  }),
];

function decoded(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch (cause) {
    throw new NotariumError('request-invalid', 'Attachment-Name is not percent-encoded UTF-8', { cause });
  }
}

/** RFC 8187, section 3.2.1. */
function extended(name: string): string {
  return encodeURIComponent(name.toWellFormed()).replace(/['()*]/g, (char) => `%${char.charCodeAt(0).toString(16)}`);
}
