import { z } from 'zod';
import { NotariumError } from '../../core/errors.ts';
import { parseTilePath, tileWidth } from '../../core/log/tile.ts';
import { sendJson } from '../answer.ts';
import { type Route, route } from '../Route.ts';
import { blockPageSchema, blockViewSchema, consistencySchema } from '../schemas/log.ts';
import { integerText, limitParameter } from '../schemas/parameters.ts';
import { immutablePolicy, notModified, sendCached } from '../sendCached.ts';

const height = integerText(1, Number.MAX_SAFE_INTEGER, 'Height of the block, from 1');
const size = (description: string) => integerText(0, Number.MAX_SAFE_INTEGER, description);

/** Full tiles never change; partial ones go when they are full; a checkpoint is news. */
const cacheControl = {
  full: immutablePolicy,
  partial: 'public, max-age=60',
  checkpoint: 'public, max-age=1',
};

/** Blocks, proofs, checkpoint and tiles. */
export const logRoutes: readonly Route[] = [
  route<undefined, { before?: number | undefined; limit?: number | undefined }>({
    method: 'get',
    path: '/v1/blocks',
    access: 'read',
    query: z.strictObject({ before: height.optional(), limit: limitParameter(200, 20) }),
    tag: 'log',
    summary: 'Blocks, newest first',
    responses: {
      200: { description: 'A page of blocks', content: { 'application/json': { schema: blockPageSchema } } },
    },
    errors: [],
    async handle({ query: { before, limit = 20 }, response }, { centre }) {
      sendJson(response, 200, await centre.blocks({ ...(before === undefined ? {} : { before }), limit }));
    },
  }),
  route<{ height: number }>({
    method: 'get',
    path: '/v1/blocks/{height}',
    access: 'read',
    params: z.strictObject({ height }),
    tag: 'log',
    summary: 'One block',
    responses: { 200: { description: 'The block', content: { 'application/json': { schema: blockViewSchema } } } },
    errors: ['block-not-found'],
    async handle({ params, response }, { centre }) {
      const block = await centre.block(params.height);
      if (!block) throw new NotariumError('block-not-found', undefined, { data: { height: params.height } });
      sendJson(response, 200, block);
    },
  }),
  route<undefined, { from: number; to: number }>({
    method: 'get',
    path: '/v1/proof/consistency',
    access: 'read',
    query: z.strictObject({ from: size('Older size of the log'), to: size('Newer size of the log') }),
    tag: 'log',
    summary: 'Proof that the log only grew',
    responses: { 200: { description: 'The proof', content: { 'application/json': { schema: consistencySchema } } } },
    errors: ['proof-malformed', 'tile-corrupt'],
    async handle({ query: { from, to }, response }, { centre }) {
      sendJson(response, 200, await centre.consistency(from, to));
    },
  }),
  route({
    method: 'get',
    path: '/log/checkpoint',
    access: 'read',
    tag: 'log',
    summary: 'Signed checkpoint of the log',
    description: 'C2SP signed note (tlog-checkpoint) of the newest anchored block.',
    responses: {
      200: { description: 'The note', content: { 'text/plain': { schema: z.string() } } },
      304: notModified,
    },
    errors: ['not-ready', 'tile-corrupt'],
    async handle({ request, response }, { centre }) {
      const note = Buffer.from(await centre.checkpoint(), 'utf8');
      sendCached(request, response, note, 'text/plain; charset=utf-8', cacheControl.checkpoint);
    },
  }),
  route<{ path: string[] }>({
    method: 'get',
    path: '/log/tile/{path+}',
    access: 'read',
    params: z.strictObject({
      path: z.array(z.string()).meta({
        description: 'Rest of the path by C2SP tlog-tiles: `<L>/<N>`, `entries/<N>`, with `.p/<W>` for a partial tile',
        example: 'entries/x001/067.p/8',
        override: ({ jsonSchema }) => {
          delete jsonSchema.items;
          jsonSchema.type = 'string';
        },
      }),
    }),
    tag: 'log',
    summary: 'A tile of the log',
    description: 'As it lies on disk (C2SP tlog-tiles); the log can be mirrored with `GET`s alone.',
    responses: {
      200: {
        description: 'The tile, or the entry bundle',
        content: { 'application/octet-stream': { schema: z.string().meta({ override: { format: 'binary' } }) } },
      },
      304: notModified,
    },
    errors: ['tile-not-found', 'tile-corrupt'],
    async handle({ request, response, params }, { centre }) {
      const path = params.path.join('/');
      const tile = parseTilePath(`tile/${path}`);
      const bytes = tile && (await centre.tile(path));
      if (!tile || !bytes) throw new NotariumError('tile-not-found', undefined, { data: { path: path.slice(0, 100) } });
      const policy = tile.width === tileWidth ? cacheControl.full : cacheControl.partial;
      sendCached(
        request,
        response,
        Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length),
        'application/octet-stream',
        policy,
      );
    },
  }),
];
