import type { Request } from 'express';
import type { z } from 'zod';
import type { ChannelDesk } from '../../app/channels/ChannelDesk.ts';
import { jsonWithAmounts } from '../../core/channels/amount.ts';
import { NotariumError } from '../../core/errors.ts';
import { parseStrictJson } from '../../core/strictJson.ts';
import { sendText } from '../answer.ts';
import type { EdgeContext } from '../HttpContext.ts';
import { invalidRequest } from '../handlerOf.ts';
import { readJsonText } from '../readBody.ts';

/** The verifier of this process. @throws NotariumError `verifier-missing`. */
export function deskOf({ channels }: Pick<EdgeContext, 'channels'>): ChannelDesk {
  if (!channels) throw new NotariumError('verifier-missing');
  return channels;
}

/**
 * The body of a request in its form.
 * @throws NotariumError `request-invalid`, those of {@link readJsonText} and of the strict parser.
 */
export async function readForm<T>(
  request: Request,
  schema: z.ZodType<T>,
  { limits }: Pick<EdgeContext, 'limits'>,
): Promise<T> {
  const text = await readJsonText(request, { maxBytes: limits.jsonBytes, idleMs: limits.bodyIdleMs });
  const parsed = schema.safeParse(parseStrictJson(text, { maxSize: limits.jsonBytes }));
  if (!parsed.success) throw invalidRequest(parsed.error, 'body');
  return parsed.data;
}

/** Answers with JSON that nobody may keep; amounts are decimal text. */
export function sendFresh(response: Parameters<typeof sendText>[0], value: unknown, status = 200): void {
  response.setHeader('cache-control', 'no-store');
  sendText(response, status, 'application/json; charset=utf-8', jsonWithAmounts(value));
}
