import type { RequestHandler } from 'express';
import { NotariumError } from '../core/errors.ts';
import { pathPattern } from './Route.ts';
import { routes } from './routes.ts';

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

/** Whether the path is one of a route's very own, but the method is not: another route's template may fit it as well. */
export function isWrongMethod(path: string, method: string): boolean {
  return fixed.get(path)?.has(method) === false;
}

/** What no route took: an unknown path, or a known one with another method. */
export const notFound: RequestHandler = (request, response) => {
  const found =
    known.find(({ path }) => path === request.path) ?? known.find(({ pattern }) => pattern.test(request.path));
  if (!found) throw new NotariumError('not-found', undefined, { data: { path: request.path.slice(0, 256) } });
  response.setHeader('allow', found.allow);
  if (request.method === 'OPTIONS') {
    response.statusCode = 204;
    response.end();
    return;
  }
  throw new NotariumError('method-not-allowed', request.method, { data: { want: found.allow } });
};
