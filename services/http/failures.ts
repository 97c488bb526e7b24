import type { RequestHandler } from 'express';
import { NotariumError } from '../core/errors.ts';
import { sendNothing } from './answer.ts';
import { pathPattern, type Route } from './Route.ts';

/** What becomes of requests that none of the routes takes. */
export type Unrouted = {
  /** Whether the path is one of a route's very own, but the method is not: another route's template may fit it as well. */
  readonly isWrongMethod: (path: string, method: string) => boolean;
  /** An unknown path, or a known one with another method. */
  readonly notFound: RequestHandler;
};

/** See {@link Unrouted}. */
export function unroutedOf(routes: readonly Pick<Route, 'path' | 'method'>[]): Unrouted {
  const methodsByPath = new Map<string, Set<string>>();
  for (const { path, method } of routes) {
    const methods = methodsByPath.get(path) ?? new Set<string>();
    methods.add(method.toUpperCase());
    if (method === 'get') methods.add('HEAD');
    methodsByPath.set(path, methods.add('OPTIONS'));
  }
  const known = [...methodsByPath].map(([path, methods]) => ({
    path,
    pattern: pathPattern(path),
    allow: [...methods].join(', '),
  }));
  const fixed = new Map([...methodsByPath].filter(([path]) => !path.includes('{')));
  return {
    isWrongMethod: (path, method) => fixed.get(path)?.has(method) === false,
    notFound(request, response) {
      const found =
        known.find(({ path }) => path === request.path) ?? known.find(({ pattern }) => pattern.test(request.path));
      if (!found) throw new NotariumError('not-found', undefined, { data: { path: request.path.slice(0, 256) } });
      response.setHeader('allow', found.allow);
      if (request.method === 'OPTIONS') {
        sendNothing(response);
        return;
      }
      throw new NotariumError('method-not-allowed', request.method, { data: { want: found.allow } });
    },
  };
}
