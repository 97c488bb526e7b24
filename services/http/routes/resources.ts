import { z } from 'zod';
import { parseStrictJson } from '../../core/strictJson.ts';
import { sendJson } from '../answer.ts';
import { callSignal } from '../callSignal.ts';
import { governanceOf } from '../governanceOf.ts';
import { invalidRequest } from '../handlerOf.ts';
import { type Route, route } from '../Route.ts';
import { readJsonText } from '../readBody.ts';
import { integerText, limitParameter } from '../schemas/parameters.ts';
import {
  checkRequestSchema,
  setListSchema,
  setPageSchema,
  setParameter,
  setSchema,
  versionReportsSchema,
} from '../schemas/resources.ts';

const maxBodyBytes = 1024;
const maxPage = 100;
const usualPage = 20;
const whole = (least: number, description: string) => integerText(least, Number.MAX_SAFE_INTEGER, description);

/** Shared resource sets: what was passed, what is in force, and what is really there. */
export const resourceRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/v1/resources',
    access: 'read',
    tag: 'resources',
    summary: 'All resource sets',
    responses: { 200: { description: 'The sets', content: { 'application/json': { schema: setListSchema } } } },
    errors: ['governance-missing'],
    async handle({ response }, context) {
      response.setHeader('cache-control', 'no-store');
      sendJson(response, 200, { items: await governanceOf(context).resourceSets() });
    },
  }),
  route<{ set: string }, { before?: number | undefined; limit?: number | undefined }>({
    method: 'get',
    path: '/v1/resources/{set}',
    access: 'read',
    params: z.strictObject({ set: setParameter }),
    query: z.strictObject({
      before: whole(1, 'Cursor: `next` of the page before').optional(),
      limit: limitParameter(maxPage, usualPage),
    }),
    tag: 'resources',
    summary: 'One resource set with its versions, newest first',
    responses: { 200: { description: 'The set', content: { 'application/json': { schema: setPageSchema } } } },
    errors: ['governance-missing', 'resource-unknown'],
    async handle({ params, query: { before, limit = usualPage }, response }, context) {
      const page = { limit, ...(before === undefined ? {} : { before }) };
      response.setHeader('cache-control', 'no-store');
      sendJson(response, 200, await governanceOf(context).resourceSet(params.set, page));
    },
  }),
  route<{ set: string; version: number }>({
    method: 'get',
    path: '/v1/resources/{set}/versions/{version}',
    access: 'read',
    params: z.strictObject({ set: setParameter, version: whole(1, 'Number of the version, from 1') }),
    tag: 'resources',
    summary: 'One version with the latest report of every centre',
    responses: {
      200: { description: 'The version', content: { 'application/json': { schema: versionReportsSchema } } },
    },
    errors: ['governance-missing', 'resource-unknown'],
    async handle({ params, response }, context) {
      response.setHeader('cache-control', 'no-store');
      sendJson(response, 200, await governanceOf(context).resourceVersion(params.set, params.version));
    },
  }),
  route<{ set: string }>({
    method: 'post',
    path: '/v1/resources/{set}/check',
    access: 'admin',
    params: z.strictObject({ set: setParameter }),
    tag: 'resources',
    summary: 'Look now what is really there',
    description: 'With `repair`, what is not right is written again, also a version that could not be applied before.',
    requestBody: { required: false, content: { 'application/json': { schema: checkRequestSchema } } },
    responses: { 200: { description: 'The set', content: { 'application/json': { schema: setSchema } } } },
    errors: [
      'governance-missing',
      'resource-unknown',
      'resource-failed',
      'content-unavailable',
      'not-ready',
      'wait-timeout',
      'chain-unreachable',
      'chain-answer-invalid',
      'shutting-down',
      'json-malformed',
      'json-duplicate-key',
      'json-too-deep',
      'text-not-utf8',
      'request-too-large',
      'request-timeout',
      'request-media-type-unsupported',
      'request-encoding-unsupported',
    ],
    async handle({ params, request, response }, context) {
      const { limits, lifetime } = context;
      const text = await readJsonText(request, { maxBytes: maxBodyBytes, idleMs: limits.bodyIdleMs });
      const parsed = checkRequestSchema.safeParse(text.trim() === '' ? {} : parseStrictJson(text));
      if (!parsed.success) throw invalidRequest(parsed.error, 'body');
      const signal = AbortSignal.any([callSignal(response, lifetime), AbortSignal.timeout(1000 * limits.waitSeconds)]);
      response.setHeader('cache-control', 'no-store');
      const { repair = false } = parsed.data;
      sendJson(response, 200, await governanceOf(context).checkResource(params.set, { repair, signal }));
    },
  }),
];
