import { z } from 'zod';
import type { Hash } from '../../core/bytes.ts';
import { type ChannelView, channelViewSchema } from '../../core/channels/update.ts';
import { NotariumError } from '../../core/errors.ts';
import { hashSchema } from '../../core/schemas.ts';
import { callSignal } from '../callSignal.ts';
import type { EdgeContext } from '../HttpContext.ts';
import { edgeRoute, type Route } from '../Route.ts';
import { jsonBodyErrors } from '../readBody.ts';
import { deskOf, readForm, sendFresh } from './deskOf.ts';
import { acceptedDoc, channelParams, json, termsDoc, viewDoc } from './schemas.ts';

/** Terms of the verifier, and what it knows of a channel. */
export const channelRoutes: readonly Route<EdgeContext>[] = [
  edgeRoute({
    method: 'get',
    path: '/v1/verifier',
    access: 'public',
    tag: 'channels',
    summary: 'On what terms evidence is verified here',
    description: 'The contract, the account that a channel must name as its verifier, and what its policy asks for.',
    responses: { 200: { description: 'The terms', content: json(termsDoc) } },
    errors: ['verifier-missing'],
    handle({ response }, context) {
      sendFresh(response, deskOf(context).terms());
    },
  }),
  edgeRoute({
    method: 'post',
    path: '/v1/channels',
    access: 'channel',
    tag: 'channels',
    summary: 'Have an opened channel taken on',
    description:
      'The verifier looks at the chain. Every other request of the channel does the same; this one says why not.',
    requestBody: {
      required: true,
      content: json(z.strictObject({ channelId: hashSchema }).meta({ id: 'OpenedChannel' })),
    },
    responses: { 200: { description: 'The channel', content: json(acceptedDoc) } },
    errors: jsonBodyErrors,
    async handle({ request, response, channelId }, context) {
      const asked = await readForm(request, z.strictObject({ channelId: hashSchema }), context);
      if (asked.channelId !== channelId) throw new NotariumError('channel-access-invalid', 'it is for another channel');
      sendFresh(response, { channelId, channel: await deskOf(context).accept(asked.channelId) });
    },
  }),
  edgeRoute<{ id: Hash }>({
    method: 'get',
    path: '/v1/channels/{id}',
    access: 'channel',
    params: channelParams,
    tag: 'channels',
    summary: 'The newest state that both have signed, as the verifier has it',
    responses: { 200: { description: 'The view', content: json(viewDoc) } },
    errors: [],
    async handle({ response, params: { id } }, context) {
      sendFresh(response, await deskOf(context).channel(id, callSignal(response, context.lifetime)));
    },
  }),
  edgeRoute<{ id: Hash }>({
    method: 'put',
    path: '/v1/channels/{id}',
    access: 'channel',
    params: channelParams,
    tag: 'channels',
    summary: 'Show the verifier a newer state that both have signed',
    description: 'A verifier that was restored from a backup takes it over once it finds its own signature on it.',
    requestBody: { required: true, content: json(viewDoc) },
    responses: { 200: { description: 'What the verifier has now', content: json(viewDoc) } },
    errors: [...jsonBodyErrors, 'channel-countersignature-invalid', 'channel-update-invalid', 'bill-mismatch'],
    async handle({ request, response, params: { id } }, context) {
      const view: ChannelView = await readForm(request, channelViewSchema, context);
      if (view.channelId !== id) throw new NotariumError('channel-invalid', 'the view is of another channel');
      sendFresh(response, await deskOf(context).show(id, view, callSignal(response, context.lifetime)));
    },
  }),
];
