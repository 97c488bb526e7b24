import { z } from 'zod';
import type { OutcomeQuery } from '../../app/admission/AdmissionDesk.ts';
import { manifestSchema } from '../../core/admission/manifest.ts';
import { NotariumError } from '../../core/errors.ts';
import { addressSchema } from '../../core/schemas.ts';
import { parseStrictJson } from '../../core/strictJson.ts';
import { admissionOf } from '../admissionOf.ts';
import { sendJson, sendText } from '../answer.ts';
import { callSignal } from '../callSignal.ts';
import { invalidRequest } from '../handlerOf.ts';
import { type Route, route } from '../Route.ts';
import { jsonBodyErrors, readJsonText } from '../readBody.ts';
import { applicationDoc, applicationsDoc, madeManifestDoc, manifestDoc, outcomePageDoc } from '../schemas/admission.ts';
import { integerText, limitParameter } from '../schemas/parameters.ts';

const chainErrors = ['governance-missing', 'chain-unreachable', 'chain-answer-invalid'] as const;

const agreementSchema = z.strictObject({ agreement: manifestSchema.shape.agreement });

/** What operators and reviewers ask about admission; any centre answers. */
export const admissionRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/v1/admission/manifest',
    access: 'admin',
    tag: 'admission',
    summary: 'The protocol manifest whose hash is among the rules on chain',
    description:
      'Its canonical bytes. Candidates get it from an operator: that they hold it is the first thing that they prove.',
    responses: { 200: { description: 'The manifest', content: { 'application/json': { schema: manifestDoc } } } },
    errors: [...chainErrors, 'not-found', 'content-unavailable', 'manifest-invalid'],
    async handle({ response }, context) {
      const signal = callSignal(response, context.lifetime);
      const bytes = await admissionOf(context).manifest(signal);
      response.setHeader('cache-control', 'no-store');
      sendText(response, 200, 'application/json; charset=utf-8', Buffer.from(bytes).toString('utf8'));
    },
  }),
  route({
    method: 'post',
    path: '/v1/admission/manifest',
    access: 'admin',
    tag: 'admission',
    summary: 'Make the protocol manifest of this network',
    description:
      'By the facts of the chain, the formats and protocols of this software, and what the operators have agreed on. It is kept; a proposal of kind parameter puts its hash on chain.',
    requestBody: {
      required: true,
      content: { 'application/json': { schema: agreementSchema.meta({ id: 'ManifestRequest' }) } },
    },
    responses: { 200: { description: 'Made', content: { 'application/json': { schema: madeManifestDoc } } } },
    errors: [...jsonBodyErrors, 'governance-missing', 'manifest-invalid', 'storage-full'],
    async handle({ request, response }, context) {
      const { jsonBytes: maxBytes, bodyIdleMs: idleMs } = context.limits;
      const parsed = agreementSchema.safeParse(parseStrictJson(await readJsonText(request, { maxBytes, idleMs })));
      if (!parsed.success) throw invalidRequest(parsed.error, 'body');
      response.setHeader('cache-control', 'no-store');
      sendJson(response, 200, await admissionOf(context).makeManifest(parsed.data.agreement));
    },
  }),
  route({
    method: 'get',
    path: '/v1/admission/applications',
    access: 'read',
    tag: 'admission',
    summary: 'Candidates with a published application',
    description: 'As the registry has them, with what their authenticator found, and the proposal that votes on each.',
    responses: { 200: { description: 'Candidates', content: { 'application/json': { schema: applicationsDoc } } } },
    errors: chainErrors,
    async handle({ response }, context) {
      const items = await admissionOf(context).applications(callSignal(response, context.lifetime));
      response.setHeader('cache-control', 'no-store');
      sendJson(response, 200, { items });
    },
  }),
  route<{ address: `0x${string}` }>({
    method: 'get',
    path: '/v1/admission/applications/{address}',
    access: 'read',
    params: z.strictObject({ address: addressSchema }),
    tag: 'admission',
    summary: 'The published application of one node',
    responses: { 200: { description: 'It', content: { 'application/json': { schema: applicationDoc } } } },
    errors: [...chainErrors, 'not-found'],
    async handle({ response, params: { address } }, context) {
      const view = await admissionOf(context).application(address, callSignal(response, context.lifetime));
      if (!view) throw new NotariumError('not-found', undefined, { data: { address } });
      response.setHeader('cache-control', 'no-store');
      sendJson(response, 200, view);
    },
  }),
  route<undefined, Omit<OutcomeQuery, 'limit'> & { limit?: number | undefined }>({
    method: 'get',
    path: '/v1/admission/outcomes',
    access: 'admin',
    query: z.strictObject({
      candidate: addressSchema.optional(),
      cursor: integerText(1, Number.MAX_SAFE_INTEGER, '`next` of the page before').optional(),
      limit: limitParameter(50, 20),
    }),
    tag: 'admission',
    summary: 'What this authenticator has found out, newest first',
    responses: { 200: { description: 'A page', content: { 'application/json': { schema: outcomePageDoc } } } },
    errors: ['governance-missing'],
    async handle({ response, query: { limit = 20, ...query } }, context) {
      response.setHeader('cache-control', 'no-store');
      sendJson(response, 200, await admissionOf(context).outcomes({ ...query, limit }));
    },
  }),
];
