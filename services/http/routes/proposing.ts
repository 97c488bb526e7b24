import type { Request, Response } from 'express';
import { z } from 'zod';
import type { GovernanceDesk } from '../../app/governance/GovernanceDesk.ts';
import { isNotariumError, NotariumError } from '../../core/errors.ts';
import { ownVoteSchema, signedVoteSchema } from '../../core/governance/ballot.ts';
import { hashSchema } from '../../core/schemas.ts';
import { parseStrictJson } from '../../core/strictJson.ts';
import { sendJson } from '../answer.ts';
import { callSignal } from '../callSignal.ts';
import { governanceOf } from '../governanceOf.ts';
import type { HttpContext } from '../HttpContext.ts';
import { invalidRequest } from '../handlerOf.ts';
import { type Route, route } from '../Route.ts';
import { jsonBodyErrors, readJsonText } from '../readBody.ts';
import {
  changedSchema,
  proposalRequestDoc,
  proposedSchema,
  votedSchema,
  voteRequestDoc,
} from '../schemas/proposing.ts';

const chainErrors = [
  'governance-missing',
  'chain-call-rejected',
  'chain-unreachable',
  'chain-answer-invalid',
  'chain-mismatch',
  'chain-contract-missing',
  'chain-funds-missing',
  'chain-fees-too-high',
  'wait-timeout',
] as const;
const ofProposal = ['proposal-unknown', 'proposal-state', 'elector-unknown', ...chainErrors] as const;

const idSchema = z.strictObject({ id: hashSchema });
type Id = z.infer<typeof idSchema>;

/** What changes proposals. Everything can be asked for again, and is the same then. */
export const proposingRoutes: readonly Route[] = [
  route({
    method: 'post',
    path: '/v1/proposals',
    access: 'admin',
    tag: 'proposals',
    summary: 'Propose something to the consortium',
    description:
      'Keeps the content, puts a record of the request into the log, and sends the transaction, in this order. The same request again is the same proposal. It can be looked up once the chain has confirmed it.',
    requestBody: { required: true, content: { 'application/json': { schema: proposalRequestDoc } } },
    responses: {
      201: { description: 'Proposed', content: { 'application/json': { schema: proposedSchema } } },
      200: { description: 'Proposed before', content: { 'application/json': { schema: proposedSchema } } },
    },
    errors: [
      ...jsonBodyErrors,
      ...chainErrors,
      'record-refused',
      'signature-mismatch',
      'pool-full',
      'storage-full',
      'tile-corrupt',
      'not-ready',
      'clock-skewed',
      'proposal-invalid',
      'proposal-mismatch',
      'proposal-outdated',
      'patch-failed',
      'configuration-invalid',
      'content-unavailable',
      'elector-unknown',
      'ballot-invalid',
    ],
    async handle({ request, response }, context) {
      const text = await bodyOf(request, context);
      const { isNew, ...proposed } = await asked(response, context, (desk, signal) => desk.propose(text, signal));
      response.setHeader('location', `/v1/proposals/${proposed.proposalId}`);
      sendJson(response, isNew ? 201 : 200, proposed);
    },
  }),
  route<Id>({
    method: 'post',
    path: '/v1/proposals/{id}/votes',
    access: 'admin',
    params: idSchema,
    tag: 'proposals',
    summary: 'Vote on a proposal, or hand a signed ballot in',
    description:
      'A centre votes for what it can read, and what the chain would do: the content must be here and stand for the very calls. The same vote again is the same answer.',
    requestBody: { required: true, content: { 'application/json': { schema: voteRequestDoc } } },
    responses: { 200: { description: 'The vote', content: { 'application/json': { schema: votedSchema } } } },
    errors: [
      ...jsonBodyErrors,
      ...ofProposal,
      'vote-cast',
      'ballot-invalid',
      'content-unavailable',
      'proposal-invalid',
      'proposal-mismatch',
    ],
    async handle({ request, response, params }, context) {
      const value = parseStrictJson(await bodyOf(request, context));
      const isSigned = typeof value === 'object' && value !== null && 'signature' in value;
      const parsed = (isSigned ? signedVoteSchema : ownVoteSchema).safeParse(value);
      if (!parsed.success) throw invalidRequest(parsed.error, 'body');
      const vote = parsed.data;
      sendJson(response, 200, await asked(response, context, (desk, signal) => desk.vote(params.id, vote, signal)));
    },
  }),
  route<Id>({
    method: 'post',
    path: '/v1/proposals/{id}/cancel',
    access: 'admin',
    params: idSchema,
    tag: 'proposals',
    summary: 'Take a proposal of this centre back before the vote starts',
    responses: { 200: { description: 'Taken back', content: { 'application/json': { schema: changedSchema } } } },
    errors: ofProposal,
    async handle({ response, params }, context) {
      sendJson(response, 200, await asked(response, context, (desk, signal) => desk.cancel(params.id, signal)));
    },
  }),
  route<Id>({
    method: 'post',
    path: '/v1/proposals/{id}/execute',
    access: 'admin',
    params: idSchema,
    tag: 'proposals',
    summary: 'Execute what has passed',
    description: 'Centres do it by themselves, unless they were told not to, but for kind general.',
    responses: { 200: { description: 'Executed', content: { 'application/json': { schema: changedSchema } } } },
    errors: ofProposal,
    async handle({ response, params }, context) {
      sendJson(response, 200, await asked(response, context, (desk, signal) => desk.execute(params.id, signal)));
    },
  }),
];

async function bodyOf(request: Request, { limits }: HttpContext): Promise<string> {
  return await readJsonText(request, { maxBytes: limits.jsonBytes, idleMs: limits.bodyIdleMs });
}

/** Asks the desk, and waits no longer than the client and the bound of a request do. */
async function asked<T>(
  response: Response,
  context: HttpContext,
  run: (desk: GovernanceDesk, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { limits, lifetime } = context;
  const desk = governanceOf(context);
  response.setHeader('cache-control', 'no-store');
  const signal = AbortSignal.any([callSignal(response, lifetime), AbortSignal.timeout(1000 * limits.waitSeconds)]);
  try {
    return await run(desk, signal);
  } catch (error) {
    if (!signal.aborted || isNotariumError(error)) throw error;
    throw new NotariumError('wait-timeout', 'it is under way: ask again', { cause: error });
  }
}
