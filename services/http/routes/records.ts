import { z } from 'zod';
import type { RecordId } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';
import { digestSchema } from '../../core/recordSchema.ts';
import { addressSchema, hashSchema } from '../../core/schemas.ts';
import { sendJson } from '../answer.ts';
import { callSignal } from '../callSignal.ts';
import { type Route, route } from '../Route.ts';
import { receiptDoc } from '../schemas/log.ts';
import { integerText, limitParameter } from '../schemas/parameters.ts';
import { recordPageSchema, recordViewSchema } from '../schemas/records.ts';

const idParameter = z.strictObject({ id: hashSchema });

const searchSchema = z.strictObject({
  digest: digestSchema.optional(),
  subject: z.string().min(1).max(512).optional(),
  submitter: addressSchema.optional(),
  after: z.string().min(1).max(200).optional().meta({ description: 'Cursor: `next` of the page before' }),
  limit: limitParameter(200, 50),
});

const hasFilter = (query: z.infer<typeof searchSchema>): boolean =>
  query.digest !== undefined || query.subject !== undefined || query.submitter !== undefined;

/** Look-up of records. */
export const recordRoutes: readonly Route[] = [
  route<{ id: RecordId }>({
    method: 'get',
    path: '/v1/records/{id}',
    access: 'read',
    params: idParameter,
    tag: 'records',
    summary: 'A record and where it stands',
    responses: { 200: { description: 'The record', content: { 'application/json': { schema: recordViewSchema } } } },
    errors: ['record-not-found', 'tile-corrupt'],
    async handle({ params, response }, { centre }) {
      const view = await centre.record(params.id);
      if (!view) throw new NotariumError('record-not-found', undefined, { data: { id: params.id } });
      sendJson(response, 200, view);
    },
  }),
  route<{ id: RecordId }, { wait?: number | undefined }>({
    method: 'get',
    path: '/v1/records/{id}/receipt',
    access: 'read',
    params: idParameter,
    query: z.strictObject({ wait: integerText(0, 60, 'Seconds to wait for the anchor; 0 by default').optional() }),
    tag: 'records',
    summary: 'The receipt of an anchored record',
    responses: { 200: { description: 'The receipt', content: { 'application/json': { schema: receiptDoc } } } },
    errors: ['record-not-found', 'record-not-anchored', 'record-refused', 'tile-corrupt'],
    async handle({ params, query, response }, { centre, lifetime, limits }) {
      const waitMs = Math.min(query.wait ?? 0, limits.waitSeconds) * 1000;
      const receipt = await centre.receipt(params.id, waitMs, waitMs > 0 ? callSignal(response, lifetime) : undefined);
      sendJson(response, 200, receipt);
    },
  }),
  route<undefined, z.infer<typeof searchSchema>>({
    method: 'get',
    path: '/v1/records',
    access: 'read',
    query: searchSchema,
    tag: 'records',
    summary: 'Records by digest, subject or submitter',
    description: 'At least one of the three; several narrow the search. Only records in the log are found.',
    responses: {
      200: { description: 'A page of records', content: { 'application/json': { schema: recordPageSchema } } },
    },
    errors: ['tile-corrupt'],
    async handle({ query, response }, { centre }) {
      if (!hasFilter(query))
        throw new NotariumError('request-invalid', 'query: digest, subject or submitter is needed');
      const { limit = 50, ...filters } = query;
      sendJson(response, 200, await centre.search({ ...present(filters), limit }));
    },
  }),
];

type Present<T> = { [Key in keyof T]?: Exclude<T[Key], undefined> };

function present<T extends object>(value: T): Present<T> {
  return Object.fromEntries(Object.entries(value).filter(([, part]) => part !== undefined)) as Present<T>;
}
