import type { RequestHandler } from 'express';
import type { z } from 'zod';
import { NotariumError } from '../core/errors.ts';
import type { Access } from './Access.ts';
import type { EdgeContext } from './HttpContext.ts';
import type { RateLimiter } from './RateLimiter.ts';
import type { Route } from './Route.ts';

/** Template of the route that a request took; 'none' where it took none. For metrics. */
const templates = new WeakMap<object, string>();

/** See {@link templates}. */
export function templateOf(request: object): string {
  return templates.get(request) ?? 'none';
}

/** Everything between Express and a route's own work: rate limit, access, parameters. */
export function handlerOf<Context extends EdgeContext>(
  route: Route<Context>,
  parts: { context: Context; access: Access; limiter: RateLimiter | undefined },
): RequestHandler {
  const { context, access } = parts;
  const limiter = route.unlimited ? undefined : parts.limiter;
  // Most requests have no query: what the schema makes of that is known beforehand, unless it demands one.
  const noQuery = route.query?.safeParse({});
  return async (request, response) => {
    templates.set(request, route.path);
    const found = access.caller(request.headers.authorization);
    const caller = found instanceof Promise ? await found : found;
    // Before the check: wrong keys must count too.
    if (limiter) await limiter.check(request, response, caller);
    access.check(caller, route.access, route.keyed);
    const channelId =
      route.access === 'channel' ? await access.channelOf(caller, request.headers.authorization) : undefined;
    const params = route.params && parse(route.params, request.params, 'path');
    const hasQuery = request.url.includes('?');
    const query =
      !hasQuery && (noQuery === undefined || noQuery.success) ? noQuery?.data : readQuery(route, request.query);
    requireChannel(channelId, params);
    await route.handle({ request, response, params, query, key: caller.key, channelId }, context);
  };
}

/**
 * Checks that the path is about the channel whose requester has signed.
 * @throws NotariumError `channel-access-invalid`.
 */
export function requireChannel(channelId: string | undefined, params: unknown): void {
  const named = channelId === undefined ? undefined : (params as { id?: string } | undefined)?.id;
  if (named === undefined || named === channelId) return;
  throw new NotariumError('channel-access-invalid', 'it is for another channel', {
    data: { have: channelId, want: named },
  });
}

function readQuery(route: Pick<Route<never>, 'query'>, query: unknown): unknown {
  if (route.query) return parse(route.query, query, 'query');
  const [name] = Object.keys(query as object);
  if (name === undefined) return undefined;
  throw new NotariumError('request-invalid', `unknown query parameter ${name.slice(0, 64)}`);
}

function parse(schema: z.ZodType, value: unknown, place: string): unknown {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw invalidRequest(parsed.error, place);
}

/** The error of a request that does not fit its schema. */
export function invalidRequest(error: z.ZodError, place: string): NotariumError {
  const issue = error.issues[0]!;
  const field = issue.path.join('.').slice(0, 64);
  const detail = `${place}${field === '' ? '' : ` ${field}`}: ${issue.message.slice(0, 200)}`;
  return new NotariumError('request-invalid', detail, { data: { in: place, ...(field === '' ? {} : { field }) } });
}
