import type { Request, Response } from 'express';
import type { z } from 'zod';
import type { ZodOpenApiOperationObject, ZodOpenApiResponseObject } from 'zod-openapi';
import type { ApiKeyScope, ApiKeyView } from '../app/Centre.ts';
import type { Hash } from '../core/bytes.ts';
import type { ErrorCode } from '../core/errors.ts';
import type { EdgeContext, HttpContext } from './HttpContext.ts';

/** One request on its way through a route, its parameters checked. */
export type Call<Params, Query> = {
  readonly request: Request;
  readonly response: Response;
  readonly params: Params;
  readonly query: Query;
  /** The API key that came with the request, where a valid one did. */
  readonly key: ApiKeyView | undefined;
  /** The channel whose requester has signed the request: of a route with access `channel`. */
  readonly channelId: Hash | undefined;
};

/** What a route needs to be served and to be described: one value for both, so that they cannot differ. */
export type RouteSpec<Params, Query, Context = HttpContext> = {
  readonly method: 'get' | 'post' | 'put' | 'delete';
  /** As OpenAPI writes it: `/v1/records/{id}`; `{path+}` at the end takes any number of segments. */
  readonly path: string;
  /**
   * Scope of the key that it needs; `submit` and `read` need none where the access policy is `open`. `channel`: the signature of the
   * channel's requester, and that of no other channel than the path's `id`.
   */
  readonly access: 'public' | 'channel' | ApiKeyScope;
  /** It needs a key of that scope whatever the access policy says: what is private is for its owner alone. */
  readonly keyed?: true;
  /** Not counted by the rate limits: probes and the like. */
  readonly unlimited?: true;
  readonly params?: z.ZodType<Params>;
  readonly query?: z.ZodType<Query>;
  /** Headers that it reads, for the document. */
  readonly headers?: z.ZodObject;
  readonly tag:
    | 'records'
    | 'log'
    | 'proposals'
    | 'resources'
    | 'admission'
    | 'channels'
    | 'activities'
    | 'network'
    | 'keys'
    | 'service';
  readonly summary: string;
  readonly description?: string;
  readonly requestBody?: ZodOpenApiOperationObject['requestBody'];
  readonly responses: Readonly<Record<string, ZodOpenApiResponseObject>>;
  /** Error codes beside those that every route can answer with. */
  readonly errors: readonly ErrorCode[];
  readonly handle: (call: Call<Params, Query>, context: Context) => Promise<void> | void;
};

/** A route of any parameters. */
export type Route<Context = HttpContext> = RouteSpec<unknown, unknown, Context>;

/** What of a route is described; also of one that is served by others than our handlers. */
export type Described = Omit<Route, 'handle' | 'method'> & {
  readonly method: Route['method'] | 'options' | 'head' | 'patch';
  /** Headers of a request. */
  readonly headers?: z.ZodObject;
};

/** Types a route's parameters from its schemas. */
export function route<Params = undefined, Query = undefined>(spec: RouteSpec<Params, Query>): Route {
  return spec as Route;
}

/** The same for a route that every kind of process may serve. */
export function edgeRoute<Params = undefined, Query = undefined>(
  spec: RouteSpec<Params, Query, EdgeContext>,
): Route<EdgeContext> {
  return spec as Route<EdgeContext>;
}

/** The path as Express matches it. */
export function expressPath(path: string): string {
  return path.replace(/\{(\w+)\+\}/g, '*$1').replace(/\{(\w+)\}/g, ':$1');
}

/** The path as the OpenAPI document names it. */
export function openApiPath(path: string): string {
  return path.replace('+}', '}');
}

/** A pattern of all paths that the route's template covers. */
export function pathPattern(path: string): RegExp {
  const source = path
    .replace(/[.]/g, '\\.')
    .replace(/\{\w+\+\}/g, '.+')
    .replace(/\{\w+\}/g, '[^/]+');
  return new RegExp(`^${source}/?$`);
}
