import { z } from 'zod';
import type { ActivityTerms } from '../../core/activities/message.ts';
import type { Hash } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';
import { hashSchema } from '../../core/schemas.ts';
import { sendNothing } from '../answer.ts';
import { type Route, route } from '../Route.ts';
import { jsonBodyErrors } from '../readBody.ts';
import { receiptDoc } from '../schemas/log.ts';
import { limitParameter } from '../schemas/parameters.ts';
import { sendReceipt, waitParameter } from './anchoredReceipt.ts';
import {
  type ActivityParams,
  activitiesOf,
  activityErrors,
  activityParams,
  bodyOf,
  callerOf,
  contentsErrors,
  json,
  privately,
  sendingErrors,
  sendPrivately,
  sendSent,
  sentAnswer,
} from './asked.ts';
import { contentsOf } from './contents.ts';
import { activityDoc, activityPageDoc, certificateDoc } from './docs.ts';
import { countersignBody, noteBody, ownerBody, startBody, updateBody } from './requests.ts';
import { sendingRoute } from './sendingRoute.ts';

const usualPage = 20;

/** Private activities: their beginning, their versions, and what is said of these. */
export const activityRoutes: readonly Route[] = [
  route({
    ...privately,
    method: 'post',
    path: '/v1/activities',
    access: 'submit',
    summary: 'Begin an activity',
    description:
      'The parties are looked up in the registry: while one of them is unknown or cannot be a member, nothing is sent to anybody. The members get it sealed; the log gets the digest of the seal under a blinded group id.',
    requestBody: { required: true, content: json(startBody) },
    responses: sentAnswer,
    errors: [
      ...contentsErrors.filter((code) => code !== 'activity-unknown'),
      'activity-schema-invalid',
      'party-unknown',
      'party-ambiguous',
      'party-unfit',
    ],
    async handle(call, context) {
      const by = callerOf(call);
      const desk = activitiesOf(context);
      const asked = await bodyOf(call.request, context, startBody);
      const { kind, request, receivers, regulators, rules, schema, salt } = asked;
      const sent = await desk.start(by, {
        ...contentsOf(asked),
        ...{ kind, request, receivers },
        ...(regulators === undefined ? {} : { regulators }),
        ...(rules === undefined ? {} : { rules: defined(rules) }),
        ...(schema === undefined ? {} : { schema: schema as NonNullable<ActivityTerms['schema']> }),
        ...(salt === undefined ? {} : { salt }),
      });
      sendSent(call.response, sent);
    },
  }),
  route<undefined, { after?: string | undefined; begins?: string | undefined; limit?: number | undefined }>({
    ...privately,
    method: 'get',
    path: '/v1/activities',
    access: 'read',
    query: z.strictObject({
      after: z.string().min(1).max(200).optional().meta({ description: 'Cursor: `next` of the page before' }),
      begins: z
        .string()
        .regex(/^0x[0-9a-f]{0,64}$/, 'not the beginning of an id')
        .optional()
        .meta({ description: 'Those alone whose id begins so' }),
      limit: limitParameter(100, usualPage),
    }),
    summary: 'Activities of the caller, the changed last first',
    description: 'A key of scope admin sees all of this centre.',
    responses: { 200: { description: 'A page of activities', content: json(activityPageDoc) } },
    errors: ['activities-missing', 'activity-store-corrupt'],
    async handle(call, context) {
      const { after, begins, limit = usualPage } = call.query ?? {};
      const query = {
        ...(after === undefined ? {} : { after }),
        ...(begins === undefined ? {} : { begins }),
        limit,
      };
      sendPrivately(call.response, 200, await activitiesOf(context).list(callerOf(call), query));
    },
  }),
  route<ActivityParams>({
    ...privately,
    method: 'get',
    path: '/v1/activities/{id}',
    access: 'read',
    params: activityParams,
    summary: 'One activity: members, versions, conflicts, proposals',
    responses: { 200: { description: 'The activity', content: json(activityDoc) } },
    errors: activityErrors,
    async handle(call, context) {
      sendPrivately(call.response, 200, await activitiesOf(context).show(callerOf(call), call.params.id));
    },
  }),
  sendingRoute({
    path: '/v1/activities/{id}/versions',
    summary: 'A new version in the place of another one, or of several',
    description:
      'Where `builds` is left out and several versions are in conflict, or names one that was replaced, the answer is `activity-version-stale` with `data.heads`.',
    body: updateBody,
    errors: [...contentsErrors, 'activity-version-stale'],
    send(desk, by, id, asked) {
      const { builds } = asked;
      return desk.update(by, id, { ...contentsOf(asked), ...(builds === undefined ? {} : { builds }) });
    },
  }),
  sendingRoute({
    path: '/v1/activities/{id}/notes',
    summary: 'Say something of a version, as every member may',
    body: noteBody,
    errors: [...contentsErrors, 'not-found', 'activity-message-early'],
    send: (desk, by, id, asked) => desk.note(by, id, { ...contentsOf(asked), on: asked.on }),
  }),
  sendingRoute({
    path: '/v1/activities/{id}/countersignatures',
    summary: 'Agree to a version',
    description: 'When all members have, its sender makes the certificate.',
    body: countersignBody,
    errors: [
      ...sendingErrors,
      'not-found',
      'activity-trust-unasked',
      'activity-message-known',
      'activity-message-early',
    ],
    send: (desk, by, id, { on }) => desk.countersign(by, id, on),
  }),
  route<ActivityParams & { readonly version: Hash }>({
    ...privately,
    method: 'get',
    path: '/v1/activities/{id}/certificate/{version}',
    access: 'read',
    params: activityParams.extend({ version: hashSchema }),
    summary: "All members' signatures over a version",
    description: '`not-found` while some are missing: `data.missing` says whose. Its own digest is in the log.',
    responses: { 200: { description: 'The certificate', content: json(certificateDoc) } },
    errors: [...activityErrors, 'not-found'],
    async handle(call, context) {
      const { id, version } = call.params;
      sendPrivately(call.response, 200, await activitiesOf(context).certificate(callerOf(call), id, version));
    },
  }),
  route<ActivityParams & { readonly version: Hash }, { wait?: number | undefined }>({
    ...privately,
    method: 'get',
    path: '/v1/activities/{id}/certificate/{version}/receipt',
    access: 'read',
    params: activityParams.extend({ version: hashSchema }),
    query: z.strictObject({ wait: waitParameter }),
    summary: "The receipt of a certificate's own record",
    description: 'With it anybody can verify the certificate. `not-found` while some signatures are missing.',
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
      const { id, version } = call.params;
      const [desk, by] = [activitiesOf(context), callerOf(call)];
      const find = () => desk.certificateRecord(by, id, version);
      await sendReceipt(call.response, context, call.query?.wait, find);
    },
  }),
  route<ActivityParams>({
    ...privately,
    method: 'put',
    path: '/v1/activities/{id}/owner',
    access: 'admin',
    params: activityParams,
    summary: 'Give an activity to a client, or take it back',
    requestBody: { required: true, content: json(ownerBody) },
    responses: { 204: { description: 'It is so' } },
    errors: [...jsonBodyErrors, 'activity-body-invalid', ...activityErrors, 'not-found'],
    async handle(call, context) {
      const desk = activitiesOf(context);
      const { client } = await bodyOf(call.request, context, ownerBody);
      if (client !== null) {
        const keys = await context.centre.keys.list();
        const isThere = keys.some(({ id, revokedAt }) => id === client && revokedAt === undefined);
        if (!isThere) throw new NotariumError('not-found', 'no such key', { data: { client } });
      }
      await desk.give(callerOf(call), call.params.id, client ?? undefined);
      sendNothing(call.response);
    },
  }),
];

type Defined<T> = { [Key in keyof T]?: Exclude<T[Key], undefined> };

function defined<T extends object>(value: T): Defined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, part]) => part !== undefined)) as Defined<T>;
}
