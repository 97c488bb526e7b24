import { z } from 'zod';
import type { ApiKeyScope } from '../../app/Centre.ts';
import { NotariumError } from '../../core/errors.ts';
import { parseStrictJson } from '../../core/strictJson.ts';
import { sendJson, sendNothing } from '../answer.ts';
import { invalidRequest } from '../handlerOf.ts';
import { type Route, route } from '../Route.ts';
import { readJsonText } from '../readBody.ts';
import { createdKeySchema, keyListSchema, newKeySchema } from '../schemas/service.ts';

/** API keys. The first one is made by `notarium keys create` on the machine of the centre. */
export const keyRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/v1/keys',
    access: 'admin',
    tag: 'keys',
    summary: 'All API keys, without their secrets',
    responses: { 200: { description: 'The keys', content: { 'application/json': { schema: keyListSchema } } } },
    errors: [],
    async handle({ response }, { centre }) {
      response.setHeader('cache-control', 'no-store');
      sendJson(response, 200, { items: await centre.keys.list() });
    },
  }),
  route({
    method: 'post',
    path: '/v1/keys',
    access: 'admin',
    tag: 'keys',
    summary: 'Create an API key',
    requestBody: { required: true, content: { 'application/json': { schema: newKeySchema } } },
    responses: {
      201: {
        description: 'The key and its secret, which is never shown again',
        content: { 'application/json': { schema: createdKeySchema } },
      },
    },
    errors: [
      'json-malformed',
      'json-duplicate-key',
      'json-too-deep',
      'text-not-utf8',
      'request-too-large',
      'request-timeout',
      'request-media-type-unsupported',
      'request-encoding-unsupported',
    ],
    async handle({ request, response }, { centre, limits }) {
      const text = await readJsonText(request, { maxBytes: limits.recordBytes, idleMs: limits.bodyIdleMs });
      const parsed = newKeySchema.safeParse(parseStrictJson(text));
      if (!parsed.success) throw invalidRequest(parsed.error, 'body');
      const scopes = [...new Set<ApiKeyScope>(parsed.data.scopes)];
      response.setHeader('cache-control', 'no-store');
      sendJson(response, 201, await centre.keys.create(parsed.data.name, scopes));
    },
  }),
  route<{ id: string }>({
    method: 'delete',
    path: '/v1/keys/{id}',
    access: 'admin',
    params: z.strictObject({ id: z.string().min(1).max(100) }),
    tag: 'keys',
    summary: 'Revoke an API key',
    responses: { 204: { description: 'It does not work any more' } },
    errors: ['not-found'],
    async handle({ params, response }, { centre, keysChanged }) {
      if (!(await centre.keys.revoke(params.id))) {
        throw new NotariumError('not-found', 'no such key', { data: { id: params.id } });
      }
      keysChanged();
      sendNothing(response);
    },
  }),
];
