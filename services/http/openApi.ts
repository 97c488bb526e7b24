import type { z } from 'zod';
import {
  createDocument,
  type ZodOpenApiOperationObject,
  type ZodOpenApiPathsObject,
  type ZodOpenApiResponsesObject,
} from 'zod-openapi';
import { amountSchema, saltSchema } from '../core/channels/amount.ts';
import { type ErrorCode, errorTable } from '../core/errors.ts';
import { jsonObjectSchema, jsonSchema } from '../core/governance/json.ts';
import { digestSchema, timeSchema, unsignedRecordSchema } from '../core/recordSchema.ts';
import { addressSchema, hashSchema } from '../core/schemas.ts';
import { uploadDocs } from './channels/uploadDocs.ts';
import { type Described, openApiPath } from './Route.ts';
import { routes } from './routes.ts';
import { problemSchema } from './schemas/problem.ts';

const generalErrors: readonly ErrorCode[] = ['request-invalid', 'rate-limited', 'shutting-down', 'internal'];

/** The OpenAPI 3.1 document of the HTTP API, made from the routes and the schemas that check their input. */
export function openApiDocument(options: {
  version: string;
  /** Those of a centre by default. */
  routes?: readonly Described[];
}): ReturnType<typeof createDocument> {
  const paths: ZodOpenApiPathsObject = {};
  for (const route of [...(options.routes ?? routes), ...uploadDocs]) {
    const path = openApiPath(route.path);
    paths[path] = { ...paths[path], [route.method]: operationOf(route) };
  }
  return createDocument(
    {
      openapi: '3.1.1',
      info: {
        title: 'Notarium centre',
        version: options.version,
        description:
          'Takes signed records into the log of a consortium of centres, and serves what proves them. Every error is a problem document (RFC 9457) with a stable code: see docs/errors.md.',
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: '/', description: 'The centre that serves this document' }],
      tags: [
        { name: 'records', description: 'Submit records, look them up, get and verify receipts' },
        { name: 'log', description: 'Blocks, proofs, and the log itself as static tiles (C2SP tlog-tiles)' },
        { name: 'proposals', description: 'Proposals, votes on them, and what comes of them' },
        { name: 'resources', description: 'Shared resource sets: what was passed, and what is really there' },
        { name: 'admission', description: 'How a server becomes a centre: the challenge, and who has applied' },
        { name: 'channels', description: 'Evidence channels: a verifier confirms masses of evidence off chain' },
        {
          name: 'activities',
          description:
            'Private activities: messages that only the members of a group can read. Each call needs an API key',
        },
        { name: 'network', description: 'The consortium and this centre' },
        { name: 'keys', description: 'API keys' },
        { name: 'service', description: 'Probes, metrics and documentation' },
      ],
      components: {
        securitySchemes: {
          apiKey: { type: 'http', scheme: 'bearer', description: 'API key `ntm_…` with scopes submit, read, admin' },
          channelAccess: {
            type: 'apiKey',
            in: 'header',
            name: 'Authorization',
            description:
              '`Channel ` and base64url of the JSON `{channelId, expiresAt, signature}`: EIP-712 `ChannelAccess` signed by the requester of the channel, valid for a day at most (docs/protocol.md)',
          },
        },
      },
      paths,
    },
    { override: describeCustom },
  );
}

function operationOf(route: Described): ZodOpenApiOperationObject {
  const { path, method, params, query, headers, requestBody } = route;
  const codes = new Set<ErrorCode>([...generalErrors, ...route.errors]);
  if (route.unlimited) codes.delete('rate-limited');
  // Keys are in the store, and so is nearly all that they are for.
  if (route.access === 'channel') for (const code of channelErrors) codes.add(code);
  else if (route.access !== 'public') {
    for (const code of ['unauthorized', 'forbidden', 'storage-failed', 'store-corrupt'] as const) codes.add(code);
  }
  const requestParams = {
    ...(params ? { path: params as z.ZodObject } : {}),
    ...(query ? { query: query as z.ZodObject } : {}),
    ...(headers ? { header: headers } : {}),
  };
  const name = openApiPath(path)
    .replace(/^\/(v1\/)?/, '')
    .replace(/[{}]/g, '')
    .split(/[/.-]/)
    .filter(Boolean);
  return {
    operationId: [method, ...name]
      .map((word, at) => (at === 0 ? word : word[0]!.toUpperCase() + word.slice(1)))
      .join(''),
    tags: [route.tag],
    summary: route.summary,
    ...(route.description === undefined ? {} : { description: route.description }),
    ...(params || query || headers ? { requestParams } : {}),
    ...(requestBody ? { requestBody } : {}),
    ...securityOf(route),
    responses: { ...route.responses, ...problemResponses([...codes], Object.keys(route.responses)) },
  } as ZodOpenApiOperationObject;
}

// An empty requirement beside the key: whether one is needed is the access policy of the centre.
function securityOf({ access, keyed }: Described): Pick<ZodOpenApiOperationObject, 'security'> {
  if (access === 'public') return { security: [] };
  if (access === 'channel') return { security: [{ channelAccess: [] }] };
  return { security: access === 'admin' || keyed ? [{ apiKey: [] }] : [{}, { apiKey: [] }] };
}

function problemResponses(codes: readonly ErrorCode[], taken: readonly string[]): ZodOpenApiResponsesObject {
  const byStatus = Map.groupBy(codes, (code) => String(errorTable[code].status));
  const responses: ZodOpenApiResponsesObject = {};
  for (const [status, group] of [...byStatus].sort(([a], [b]) => Number(a) - Number(b))) {
    if (taken.includes(status)) throw new TypeError(`a route names the status ${status} as answer and as error`);
    responses[status as `4${number}`] = {
      description: group
        .sort()
        .map((code) => `\`${code}\`: ${errorTable[code].title}`)
        .join('  \n'),
      content: { 'application/problem+json': { schema: problemSchema } },
    };
  }
  return responses;
}

const channelErrors: readonly ErrorCode[] = [
  'verifier-missing',
  'channel-access-invalid',
  'channel-unknown',
  'channel-invalid',
  'chain-unreachable',
  'chain-answer-invalid',
  'storage-failed',
  'store-corrupt',
];

const customTypes: [unknown, object][] = [
  [addressSchema, { type: 'string', pattern: '^0x[0-9a-f]{40}$', description: 'Address in lower case' }],
  [hashSchema, { type: 'string', pattern: '^0x[0-9a-f]{64}$', description: '32 bytes in lower-case hexadecimal' }],
  [digestSchema, { type: 'string', pattern: '^sha-256:[0-9a-f]{64}$' }],
  [jsonSchema, { description: 'Any JSON value' }],
  [jsonObjectSchema, { type: 'object' }],
  [amountSchema, { type: 'string', pattern: '^(0|[1-9][0-9]{0,38})$', description: 'Amount in the smallest unit' }],
  [saltSchema, { type: 'string', pattern: '^(0|[1-9][0-9]{0,19})$' }],
  [timeSchema, { type: 'string', format: 'date-time', description: 'UTC with milliseconds' }],
  [unsignedRecordSchema.shape.meta.unwrap(), { type: 'object', description: 'At most 4 KiB in canonical form' }],
];

type Defined = { readonly _zod: { readonly def: { readonly type: string } } };

// What a schema is given by `meta` makes another one of it, of the same definition.
const customDefinitions = new Map(customTypes.map(([schema, type]) => [(schema as Defined)._zod.def, type]));

// core's schemas check by functions, which say nothing of the type they let through.
function describeCustom({ jsonSchema, zodSchema }: { jsonSchema: object; zodSchema: unknown }): void {
  const { def } = (zodSchema as Defined)._zod;
  const known = customDefinitions.get(def);
  if (known || def.type === 'custom') Object.assign(jsonSchema, { ...(known ?? { type: 'string' }), ...jsonSchema });
}
