import type { ServerResponse } from 'node:http';
import { z } from 'zod';
import type { CentreEvent } from '../../app/Centre.ts';
import { NotariumError } from '../../core/errors.ts';
import { callSignal } from '../callSignal.ts';
import { drained } from '../drained.ts';
import type { HttpContext } from '../HttpContext.ts';
import { type Call, type Route, route } from '../Route.ts';
import { integerText } from '../schemas/parameters.ts';
import { eventSchema } from '../schemas/service.ts';

type Query = { after?: number | 'latest' | undefined };

/** `GET /v1/events`. */
export const eventRoutes: readonly Route[] = [
  route<undefined, Query>({
    method: 'get',
    path: '/v1/events',
    access: 'read',
    query: z.strictObject({
      after: z
        .union([
          integerText(0, Number.MAX_SAFE_INTEGER, 'Start after this event; `Last-Event-ID` goes before it'),
          z.literal('latest').meta({ description: 'Start with the next event' }),
        ])
        .optional(),
    }),
    tag: 'network',
    summary: 'Blocks, proposals, votes, refusals and alerts as they come',
    description:
      'Server-sent events. Without `Last-Event-ID` or `after` the stream starts with the first event that the centre keeps; a browser that reconnects goes on where it stopped. After an id beyond the last one, which is of a stream that is gone, it starts anew.',
    responses: {
      200: {
        description: 'The stream',
        content: { 'text/event-stream': { schema: eventSchema } },
      },
    },
    errors: [],
    handle: streamEvents,
  }),
];

async function streamEvents({ request, response, query }: Call<undefined, Query>, context: HttpContext): Promise<void> {
  const { centre, limits, lifetime, metrics, eventClients } = context;
  const asked = lastEventId(request.headers['last-event-id']) ?? query.after ?? 0;
  if (eventClients.count >= limits.eventClients) {
    throw new NotariumError('rate-limited', 'too many event streams', {
      data: { limit: limits.eventClients, retryAfterSeconds: 10 },
    });
  }
  const signal = callSignal(response, lifetime);
  metrics.eventClients.set(++eventClients.count);
  let heartbeat: NodeJS.Timeout | undefined;
  try {
    // Before the answer begins: whoever has seen that misses nothing from then on.
    const after = asked === 'latest' ? await centre.lastEventSeq() : asked;
    begin(response, asked === 'latest' ? after : undefined);
    heartbeat = setInterval(() => {
      if (!response.writableNeedDrain) response.write(': \n\n');
    }, limits.heartbeatMs);
    for await (const event of centre.events(after, signal)) {
      if (signal.aborted) break;
      if (!response.write(frameOf(event))) await drained(response, limits.slowClientMs);
    }
  } finally {
    clearInterval(heartbeat);
    metrics.eventClients.set(--eventClients.count);
  }
  response.end();
}

/** @param place Of a stream that starts with the next event: after a break that comes before it, the client goes on from there. */
function begin(response: ServerResponse, place: number | undefined): void {
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    // nginx would hold the events back otherwise.
    'x-accel-buffering': 'no',
  });
  response.write(`retry: 2000\n${place === undefined ? '' : `id: ${place}\n`}\n`);
}

function frameOf(event: CentreEvent): string {
  return `id: ${event.seq}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}

function lastEventId(header: string | string[] | undefined): number | undefined {
  if (header === undefined || header === '') return undefined;
  const seq = typeof header === 'string' && /^[0-9]{1,16}$/.test(header) ? Number(header) : Number.NaN;
  if (!Number.isSafeInteger(seq)) throw new NotariumError('request-invalid', 'Last-Event-ID is not one of this stream');
  return seq;
}
