import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import type { Hash } from '../../core/bytes.ts';
import { hashSchema } from '../../core/schemas.ts';
import { callSignal } from '../callSignal.ts';
import type { EdgeContext } from '../HttpContext.ts';
import { edgeRoute, type Route } from '../Route.ts';
import { integerText, limitParameter } from '../schemas/parameters.ts';
import { deskOf, sendFresh } from './deskOf.ts';
import { channelParams, evidencePageDoc, json, receiptDoc } from './schemas.ts';
import { contentKeyHeader, contentKeyOf } from './uploads.ts';

/** Most bills on a page of evidence. */
export const maxEvidencePage = 256;

const digestParams = z.strictObject({ id: hashSchema, digest: hashSchema });

/** What a channel has preserved. */
export const evidenceRoutes: readonly Route<EdgeContext>[] = [
  edgeRoute<{ id: Hash }, { from?: number | undefined; limit?: number | undefined }>({
    method: 'get',
    path: '/v1/channels/{id}/evidence',
    access: 'channel',
    params: channelParams,
    query: z.strictObject({
      from: integerText(0, Number.MAX_SAFE_INTEGER, 'Place in the evidence tree; 0 by default').optional(),
      limit: limitParameter(maxEvidencePage, maxEvidencePage),
    }),
    tag: 'channels',
    summary: 'Bills that were paid, as leaves of the evidence tree',
    responses: { 200: { description: 'A page', content: json(evidencePageDoc) } },
    errors: [],
    async handle({ response, params: { id }, query: { from = 0, limit = maxEvidencePage } }, context) {
      const signal = callSignal(response, context.lifetime);
      sendFresh(response, { items: await deskOf(context).evidence(id, from, limit, signal) });
    },
  }),
  edgeRoute<{ id: Hash; digest: Hash }>({
    method: 'get',
    path: '/v1/channels/{id}/receipts/{digest}',
    access: 'channel',
    params: digestParams,
    tag: 'channels',
    summary: 'The channel receipt of one bill',
    description:
      'By the digest of the bill: of one content, or of a batch, whose members prove themselves under it (`inner`). With the newest signed state, and with the settlement once there is one.',
    responses: { 200: { description: 'The receipt', content: json(receiptDoc) } },
    errors: ['evidence-not-found'],
    async handle({ response, params: { id, digest } }, context) {
      sendFresh(response, await deskOf(context).receipt(id, digest, callSignal(response, context.lifetime)));
    },
  }),
  edgeRoute<{ id: Hash; digest: Hash }>({
    method: 'get',
    path: '/v1/channels/{id}/contents/{digest}',
    access: 'channel',
    params: digestParams,
    tag: 'channels',
    summary: 'Content of evidence by its SHA-256',
    description: 'What is stored encrypted needs its key: 32 bytes in hexadecimal in the header `Evidence-Key`.',
    responses: {
      200: {
        description: 'The content',
        content: { 'application/octet-stream': { schema: z.string().meta({ override: { format: 'binary' } }) } },
      },
    },
    errors: ['evidence-not-found', 'evidence-corrupt', 'evidence-key-missing'],
    async handle({ request, response, params: { id, digest } }, context) {
      const key = contentKeyOf(request.headers[contentKeyHeader]);
      const { content, sizeBytes } = await deskOf(context).content(id, digest, key);
      response.setHeader('content-type', 'application/octet-stream');
      response.setHeader('content-length', sizeBytes);
      response.setHeader('cache-control', 'no-store');
      // It is sent piece by piece, and each waits for the client.
      response.socket?.setTimeout(context.limits.slowClientMs);
      await pipeline(content, response);
    },
  }),
];
