import { z } from 'zod';
import type { Hash } from '../../core/bytes.ts';
import { billRequestsSchema, closeRequestSchema, updateSchema } from '../../core/channels/update.ts';
import { NotariumError } from '../../core/errors.ts';
import { callSignal } from '../callSignal.ts';
import type { EdgeContext } from '../HttpContext.ts';
import { edgeRoute, type Route } from '../Route.ts';
import { jsonBodyErrors } from '../readBody.ts';
import { deskOf, readForm, sendFresh } from './deskOf.ts';
import {
  billAnswersDoc,
  billParams,
  channelParams,
  closeAnswerDoc,
  closeRequestDoc,
  json,
  updateAnswerDoc,
  updateDoc,
} from './schemas.ts';

const billsSchema = z.strictObject({ requests: billRequestsSchema });

/** The exchange: bills, signed states, and the end. */
export const exchangeRoutes: readonly Route<EdgeContext>[] = [
  edgeRoute<{ id: Hash }>({
    method: 'post',
    path: '/v1/channels/{id}/updates',
    access: 'channel',
    params: channelParams,
    tag: 'channels',
    summary: 'Propose the next state',
    description:
      'Signed by the requester. The answer countersigns it and discloses the keys of the bills that it locks. The same update again gets the same answer; `channel-base-stale` tells the version that the verifier has.',
    requestBody: { required: true, content: json(updateDoc) },
    responses: { 200: { description: 'Countersigned', content: json(updateAnswerDoc) } },
    errors: [
      ...jsonBodyErrors,
      'channel-base-stale',
      'channel-update-invalid',
      'channel-locks-full',
      'channel-balance-short',
      'channel-state',
      'bill-unknown',
      'bill-expired',
      'statement-invalid',
    ],
    async handle({ request, response, params: { id } }, context) {
      const update = await readForm(request, updateSchema, context);
      if (update.channelId !== id) throw new NotariumError('channel-invalid', 'the update is of another channel');
      sendFresh(response, await deskOf(context).update(update, callSignal(response, context.lifetime)));
    },
  }),
  edgeRoute<{ id: Hash }>({
    method: 'post',
    path: '/v1/channels/{id}/bills',
    access: 'channel',
    params: channelParams,
    tag: 'channels',
    summary: 'Ask for bills',
    description: 'For evidence that was uploaded whole. Each answer is a signed bill or the reason why there is none.',
    requestBody: { required: true, content: json(billsSchema.meta({ id: 'BillRequests' })) },
    responses: { 200: { description: 'An answer for each, in their order', content: json(billAnswersDoc) } },
    errors: [...jsonBodyErrors, 'channel-state', 'evidence-hook-failed'],
    async handle({ request, response, params: { id } }, context) {
      const { requests } = await readForm(request, billsSchema, context);
      const bills = await deskOf(context).bills(id, requests, callSignal(response, context.lifetime));
      sendFresh(response, { bills });
    },
  }),
  edgeRoute<{ id: Hash; bill: Hash }>({
    method: 'delete',
    path: '/v1/channels/{id}/bills/{bill}',
    access: 'channel',
    params: billParams,
    tag: 'channels',
    summary: 'Withdraw a bill that was not locked',
    description: 'What it asks for counts as free again. A bill that the verifier does not have is withdrawn already.',
    responses: { 204: { description: 'It cannot be locked any more' } },
    errors: ['channel-state'],
    async handle({ response, params: { id, bill } }, context) {
      await deskOf(context).withdraw(id, bill, callSignal(response, context.lifetime));
      response.status(204).end();
    },
  }),
  edgeRoute<{ id: Hash }>({
    method: 'post',
    path: '/v1/channels/{id}/close',
    access: 'channel',
    params: channelParams,
    tag: 'channels',
    summary: 'Close together',
    description: 'No lock may be open. From then on neither side signs another state.',
    requestBody: { required: true, content: json(closeRequestDoc) },
    responses: { 200: { description: 'Countersigned', content: json(closeAnswerDoc) } },
    errors: [...jsonBodyErrors, 'channel-base-stale', 'channel-update-invalid', 'channel-state'],
    async handle({ request, response, params: { id } }, context) {
      const asked = await readForm(request, closeRequestSchema, context);
      if (asked.channelId !== id) throw new NotariumError('channel-invalid', 'the closing is of another channel');
      sendFresh(response, await deskOf(context).close(asked, callSignal(response, context.lifetime)));
    },
  }),
];
