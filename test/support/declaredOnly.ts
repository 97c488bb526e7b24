import type { IncomingMessage } from 'node:http';
import type { Problem } from '../../services/core/errors.ts';
import { uploadDocs } from '../../services/http/channels/uploadDocs.ts';
import { templateOf } from '../../services/http/handlerOf.ts';
import type { HttpServer } from '../../services/http/httpServer.ts';
import { openApiPath, pathPattern } from '../../services/http/Route.ts';

type Operation = { readonly responses: Readonly<Record<string, { readonly description: string }>> };
type Operations = Record<string, Record<string, Operation>>;

/** The same server. Where a route would answer with a problem that the OpenAPI document does not have for it, it says so instead. */
export function declaredOnly<Server extends HttpServer>(http: Server): Server {
  http.server.prependListener('request', (request, response) => {
    const checked = (chunk: unknown): unknown => {
      if (response.getHeader('content-type') !== 'application/problem+json' || typeof chunk !== 'string') return chunk;
      const problem = JSON.parse(chunk) as Problem;
      const place = routeOf(request);
      if (!place || place.codes(http).includes(problem.code)) return chunk;
      const detail = `the OpenAPI document does not have \`${problem.code}\` for ${place.name}`;
      const text = JSON.stringify({ ...problem, ...{ code: 'internal', status: 500, detail } });
      response.statusCode = 500;
      response.setHeader('content-length', Buffer.byteLength(text));
      return text;
    };
    const { write, end } = response;
    Object.assign(response, {
      write: (chunk: unknown, ...rest: unknown[]) => Reflect.apply(write, response, [checked(chunk), ...rest]),
      end: (chunk: unknown, ...rest: unknown[]) => Reflect.apply(end, response, [checked(chunk), ...rest]),
    });
  });
  return http;
}

type Place = { readonly name: string; readonly codes: (http: HttpServer) => string[] };

/** The route that a request took; undefined for what none takes. */
function routeOf(request: IncomingMessage): Place | undefined {
  const method = request.method!.toLowerCase();
  const path = request.url!.split('?')[0]!;
  const taken = templateOf(request);
  const template =
    taken === 'none'
      ? uploadDocs.find((each) => each.method === method && pathPattern(each.path).test(path))?.path
      : taken;
  if (template === undefined) return undefined;
  return {
    name: `${method} ${template}`,
    codes({ context }) {
      const { paths } = JSON.parse(context.openApiText()) as { paths: Operations };
      const operations = paths[openApiPath(template)]!;
      // What is got can be asked for without its body too.
      return codesOf((operations[method] ?? operations.get)!);
    },
  };
}

function codesOf({ responses }: Operation): string[] {
  return Object.entries(responses).flatMap(([status, { description }]) =>
    Number(status) < 400 ? [] : [...description.matchAll(/`([a-z0-9-]+)`:/g)].map((match) => match[1]!),
  );
}
