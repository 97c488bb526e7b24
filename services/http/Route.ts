import type { Request, Response } from 'express';
import type { z } from 'zod';
import type { ZodOpenApiOperationObject, ZodOpenApiResponseObject } from 'zod-openapi';
import type { ApiKeyScope, ApiKeyView } from '../app/Centre.ts';
import type { ErrorCode } from '../core/errors.ts';
import type { HttpContext } from './HttpContext.ts';

/** One request on its way through a route, its parameters checked. */
export type Call<Params, Query> = {
  readonly request: Request;
  readonly response: Response;
  readonly params: Params;
  readonly query: Query;
  /** The API key that came with the request, where a valid one did. */
  readonly key: ApiKeyView | undefined;
};

/** What a route needs to be served and to be described: one value for both, so that they cannot differ. */
export type RouteSpec<Params, Query> = {
  readonly method: 'get' | 'post' | 'delete';
  /** As OpenAPI writes it: `/v1/records/{id}`; `{path+}` at the end takes any number of segments. */
  readonly path: string;
  /** Scope of the key that it needs; `submit` and `read` need none where the access policy is `open`. */
  readonly access: 'public' | ApiKeyScope;
  /** Not counted by the rate limits: probes and the like. */
  readonly unlimited?: true;
  readonly params?: z.ZodType<Params>;
  readonly query?: z.ZodType<Query>;
  readonly tag: 'records' | 'log' | 'proposals' | 'resources' | 'admission' | 'network' | 'keys' | 'service';
  readonly summary: string;
  readonly description?: string;
  readonly requestBody?: ZodOpenApiOperationObject['requestBody'];
  readonly responses: Readonly<Record<string, ZodOpenApiResponseObject>>;
  /** Error codes beside those that every route can answer with. */
  readonly errors: readonly ErrorCode[];
  readonly handle: (call: Call<Params, Query>, context: HttpContext) => Promise<void> | void;
};

/** A route of any parameters. */
export type Route = RouteSpec<unknown, unknown>;

/** Types a route's parameters from its schemas. */
export function route<Params = undefined, Query = undefined>(spec: RouteSpec<Params, Query>): Route {
  return spec as Route;
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
