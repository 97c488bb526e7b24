import { z } from 'zod';
import type { ActivityCaller, ActivityDesk, MessageView } from '../../app/activities/ActivityDesk.ts';
import type { Head } from '../../core/activities/message.ts';
import type { Hash } from '../../core/bytes.ts';
import { hashSchema } from '../../core/schemas.ts';
import { type Route, route } from '../Route.ts';
import { receiptDoc } from '../schemas/log.ts';
import { integerText, limitParameter } from '../schemas/parameters.ts';
import { sendReceipt, waitParameter } from './anchoredReceipt.ts';
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
import { deliveriesDoc, messageDoc, messagePageDoc } from './docs.ts';

const messageParams = activityParams.extend({ message: hashSchema });
type MessageParams = ActivityParams & { readonly message: Hash };

const usualPage = 50;
/** Each may be as large as a message can be: so many are in memory at a time. */
const messagesAtOnce = 8;

/** What was said in an activity, and how far it has come. */
export const activityMessageRoutes: readonly Route[] = [
  route<ActivityParams, { from?: number | undefined; limit?: number | undefined }>({
    ...privately,
    method: 'get',
    path: '/v1/activities/{id}/messages',
    access: 'read',
    params: activityParams,
    query: z.strictObject({
      from: integerText(0, Number.MAX_SAFE_INTEGER, 'Place of the first; 0 by default').optional(),
      limit: limitParameter(200, usualPage),
    }),
    summary: 'Messages without their contents, in the order in which this centre has taken them',
    responses: { 200: { description: 'A page', content: json(messagePageDoc) } },
    errors: activityErrors,
    async handle(call, context) {
      const { from = 0, limit = usualPage } = call.query ?? {};
      const desk = activitiesOf(context);
      sendPrivately(call.response, 200, await messageLines(desk, callerOf(call), call.params.id, { from, limit }));
    },
  }),
  route<MessageParams>({
    ...privately,
    method: 'get',
    path: '/v1/activities/{id}/messages/{message}',
    access: 'read',
    params: messageParams,
    summary: 'A message with its contents',
    responses: { 200: { description: 'The message', content: json(messageDoc) } },
    errors: [...activityErrors, 'not-found', 'tile-corrupt'],
    async handle(call, context) {
      const { id, message } = call.params;
      sendPrivately(call.response, 200, await activitiesOf(context).message(callerOf(call), id, message));
    },
  }),
  route<MessageParams>({
    ...privately,
    method: 'get',
    path: '/v1/activities/{id}/messages/{message}/deliveries',
    access: 'read',
    params: messageParams,
    summary: 'How far a message of this centre has come at each member',
    description: 'None for a message that another centre has sent.',
    responses: { 200: { description: 'Deliveries', content: json(deliveriesDoc) } },
    errors: [...activityErrors, 'not-found', 'tile-corrupt'],
    async handle(call, context) {
      const { id, message } = call.params;
      const items = await activitiesOf(context).deliveries(callerOf(call), id, message);
      sendPrivately(call.response, 200, { items });
    },
  }),
  route<MessageParams, { wait?: number | undefined }>({
    ...privately,
    method: 'get',
    path: '/v1/activities/{id}/messages/{message}/receipt',
    access: 'read',
    params: messageParams,
    query: z.strictObject({ wait: waitParameter }),
    summary: "The receipt of a message's record",
    responses: { 200: { description: 'The receipt', content: json(receiptDoc) } },
    errors: [
      ...activityErrors,
      'not-found',
      'record-not-found',
      'record-not-anchored',
      'record-refused',
      'tile-corrupt',
    ],
    async handle(call, context) {
      const { id, message } = call.params;
      const [desk, by] = [activitiesOf(context), callerOf(call)];
      const find = async () => (await desk.message(by, id, message)).recordId;
      await sendReceipt(call.response, context, call.query?.wait, find);
    },
  }),
];

async function messageLines(
  desk: ActivityDesk,
  by: ActivityCaller,
  id: Hash,
  { from, limit }: { readonly from: number; readonly limit: number },
): Promise<{ items: ReturnType<typeof lineOf>[]; next?: string }> {
  const items: ReturnType<typeof lineOf>[] = [];
  for (let fromPlace = from; items.length < limit; ) {
    const some = await desk.messages(by, id, { fromPlace, limit: Math.min(messagesAtOnce, limit - items.length) });
    items.push(...some.map(lineOf));
    if (some.length === 0) return { items };
    fromPlace = some.at(-1)!.place + 1;
  }
  const next = items.at(-1)!.place + 1;
  const hasMore = (await desk.messages(by, id, { fromPlace: next, limit: 1 })).length > 0;
  return { items, ...(hasMore ? { next: String(next) } : {}) };
}

function lineOf({ parcel, seal: _, ...view }: MessageView) {
  const { head, attachments } = parcel;
  const files = attachments.list.map(({ name, mediaType, sizeBytes }) => ({ name, mediaType, sizeBytes }));
  return { ...view, time: head.time, on: aboutOf(head), attachments: files };
}

function aboutOf(head: Head): readonly Hash[] {
  if (head.type === 'update') return head.builds;
  return 'on' in head ? [head.on] : [];
}
