import type { Request, Response } from 'express';
import { z } from 'zod';
import type { ActivityCaller, ActivityDesk, SentMessage } from '../../app/activities/ActivityDesk.ts';
import { checkValues, maxBodyValues } from '../../core/activities/valueBounds.ts';
import type { Hash } from '../../core/bytes.ts';
import { type ErrorCode, NotariumError } from '../../core/errors.ts';
import { hashSchema } from '../../core/schemas.ts';
import { parseStrictJson } from '../../core/strictJson.ts';
import { allows } from '../Access.ts';
import { sendJson } from '../answer.ts';
import type { HttpContext } from '../HttpContext.ts';
import { invalidRequest } from '../handlerOf.ts';
import type { Call } from '../Route.ts';
import { jsonBodyErrors, readJsonText } from '../readBody.ts';
import { sentMessageDoc } from './docs.ts';

/** Deepest nesting of a request: what a message may hold, without what comes around it there. */
const maxDepth = 32;

/** Path of a route about one activity. */
export const activityParams = z.strictObject({ id: hashSchema });

/** See {@link activityParams}. */
export type ActivityParams = { readonly id: Hash };

/** Errors of every route about one activity. */
export const activityErrors = [
  'activities-missing',
  'activity-unknown',
  'activity-store-corrupt',
] as const satisfies readonly ErrorCode[];

/** Errors of every route that sends a message in an activity. */
export const sendingErrors = [
  ...jsonBodyErrors,
  ...activityErrors,
  'activity-body-invalid',
  'activity-not-member',
  'activity-role',
  'activity-message-invalid',
  'activity-epoch-stale',
  'activity-forked',
  'activity-changed',
  'not-ready',
  'storage-full',
] as const satisfies readonly ErrorCode[];

/** And of those whose messages have contents. */
export const contentsErrors = [
  ...sendingErrors,
  'activity-field-unknown',
  'activity-fields-invalid',
  'attachment-unknown',
  'attachment-corrupt',
  'device-credential-invalid',
] as const satisfies readonly ErrorCode[];

/** What every route of activities says of its access: a key is needed, whatever the policy of the centre. */
export const privately = { keyed: true, tag: 'activities' } as const;

/** Content that is JSON. */
export const json = <T>(schema: T) => ({ 'application/json': { schema } });

/** Answer of a route that sends. */
export const sentAnswer = { 201: { description: 'It is on the disk of this centre', content: json(sentMessageDoc) } };

/** The desk. @throws NotariumError `activities-missing`. */
export function activitiesOf({ centre }: Pick<HttpContext, 'centre'>): ActivityDesk {
  if (!centre.activities) throw new NotariumError('activities-missing');
  return centre.activities;
}

/** A key of scope admin is the operator's; every other one is a client's, and sees what is its own. */
export function callerOf({ key }: Pick<Call<unknown, unknown>, 'key'>): ActivityCaller {
  if (!key) throw new NotariumError('unauthorized');
  return allows(key, 'admin') ? {} : { client: key.id };
}

/** The JSON body of a request, in its form. @throws NotariumError of {@link jsonBodyErrors}, `request-invalid`, `activity-body-invalid`. */
export async function bodyOf<T>(
  request: Request,
  { limits }: Pick<HttpContext, 'limits'>,
  schema: z.ZodType<T>,
): Promise<T> {
  const text = await readJsonText(request, { maxBytes: limits.activityBytes, idleMs: limits.bodyIdleMs });
  checkValues(text, maxBodyValues);
  const parsed = schema.safeParse(parseStrictJson(text, { maxSize: limits.activityBytes, maxDepth }));
  if (!parsed.success) throw invalidRequest(parsed.error, 'body');
  return parsed.data;
}

/** Answers with what is nobody else's business. */
export function sendPrivately(response: Response, status: number, value: unknown): void {
  response.setHeader('cache-control', 'no-store');
  sendJson(response, status, value);
}

/** Answers that a message was sent. */
export function sendSent(response: Response, { activity, message }: SentMessage): void {
  response.setHeader('location', `/v1/activities/${activity}/messages/${message}`);
  sendPrivately(response, 201, { activity, message });
}
