import { z } from 'zod';
import type { ProposalQuery } from '../../app/governance/ProposalLookUp.ts';
import { NotariumError } from '../../core/errors.ts';
import { proposalKinds } from '../../core/governance/names.ts';
import { proposalStates } from '../../core/governance/proposalState.ts';
import { digestSchema } from '../../core/recordSchema.ts';
import { addressSchema, hashSchema } from '../../core/schemas.ts';
import { sendJson } from '../answer.ts';
import { callSignal } from '../callSignal.ts';
import { governanceOf } from '../governanceOf.ts';
import { type Route, route } from '../Route.ts';
import { integerText, limitParameter } from '../schemas/parameters.ts';
import { proposalDetailDoc, proposalPageDoc, rulesDoc } from '../schemas/proposals.ts';
import { immutablePolicy, notModified, sendCached } from '../sendCached.ts';

/** Proposals, the rules that they are voted on by, and the documents that they name. */
export const proposalRoutes: readonly Route[] = [
  route<undefined, Omit<ProposalQuery, 'limit'> & { limit?: number | undefined }>({
    method: 'get',
    path: '/v1/proposals',
    access: 'read',
    query: z.strictObject({
      state: z.enum(proposalStates).optional(),
      kind: z.enum(proposalKinds).optional(),
      proposer: addressSchema.optional(),
      cursor: integerText(1, Number.MAX_SAFE_INTEGER, '`next` of the page before').optional(),
      limit: limitParameter(50, 20),
    }),
    tag: 'proposals',
    summary: 'Proposals, newest first',
    description: 'As the confirmed events of the chain have them.',
    responses: {
      200: { description: 'A page of proposals', content: { 'application/json': { schema: proposalPageDoc } } },
    },
    errors: ['governance-missing'],
    async handle({ query: { limit = 20, ...query }, response }, context) {
      sendJson(response, 200, await governanceOf(context).proposals({ ...query, limit }));
    },
  }),
  route<{ id: `0x${string}` }>({
    method: 'get',
    path: '/v1/proposals/{id}',
    access: 'read',
    params: z.strictObject({ id: hashSchema }),
    tag: 'proposals',
    summary: 'One proposal with its votes and its result data',
    responses: {
      200: { description: 'The proposal', content: { 'application/json': { schema: proposalDetailDoc } } },
    },
    errors: ['proposal-unknown', 'governance-missing'],
    async handle({ params: { id }, response }, context) {
      const proposal = await governanceOf(context).proposal(id);
      if (!proposal) throw new NotariumError('proposal-unknown', undefined, { data: { proposalId: id } });
      sendJson(response, 200, proposal);
    },
  }),
  route({
    method: 'get',
    path: '/v1/rules',
    access: 'read',
    tag: 'proposals',
    summary: 'How each kind of proposal is voted on now',
    responses: { 200: { description: 'The rules', content: { 'application/json': { schema: rulesDoc } } } },
    errors: ['not-ready', 'governance-missing'],
    async handle({ response }, context) {
      sendJson(response, 200, await governanceOf(context).rules());
    },
  }),
  route<{ digest: `sha-256:${string}` }>({
    method: 'get',
    path: '/v1/contents/{digest}',
    access: 'read',
    params: z.strictObject({ digest: digestSchema }),
    tag: 'proposals',
    summary: 'Content of a proposal, or configuration of a resource set, by its hash',
    description: 'What this centre does not have, it asks the others for. Check the bytes against the hash.',
    responses: {
      200: {
        description: 'The document',
        content: { 'application/json': { schema: z.record(z.string(), z.unknown()) } },
      },
      304: notModified,
    },
    errors: ['not-found', 'content-unavailable', 'governance-missing'],
    async handle({ request, response, params: { digest } }, context) {
      const hash = `0x${digest.slice('sha-256:'.length)}` as const;
      const signal = callSignal(response, context.lifetime);
      const bytes = await governanceOf(context)
        .content(hash, signal)
        .catch((error: unknown) => {
          // Where the client has gone, nobody reads it.
          throw error === signal.reason ? new NotariumError('shutting-down') : error;
        });
      if (!bytes) throw new NotariumError('not-found', undefined, { data: { digest } });
      const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
      sendCached(request, response, body, 'application/json; charset=utf-8', immutablePolicy);
    },
  }),
];
