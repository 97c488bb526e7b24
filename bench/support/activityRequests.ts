import { Agent, type IncomingMessage, request } from 'node:http';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Address } from '../../services/core/bytes.ts';

/** A centre, as its client knows it; its process, and the folder in which attachments arrive there, to look at. */
export type ActivityPlace = {
  readonly url: string;
  readonly address: Address;
  readonly key: string;
  readonly pid: number;
  readonly arrivals: string;
};

/** An activity that was begun at a place. */
export type Sent = { readonly activity: string; readonly message: string; readonly place: ActivityPlace };

type Deliveries = { readonly items: readonly { readonly member: string; readonly state: string }[] };

/** Connections of the client; to be destroyed in the end. */
export const agent = new Agent({ keepAlive: true, maxSockets: 256 });
const lookMs = 20;

/** Text of a request that begins an activity of an initiator with all others. */
export function startText(
  places: readonly ActivityPlace[],
  initiator: ActivityPlace,
  body: object,
  attachments: readonly object[] = [],
): Buffer {
  const receivers = places.filter(({ address }) => address !== initiator.address).map(({ address }) => address);
  return Buffer.from(JSON.stringify({ kind: 'industrial', request: 'information', receivers, body, attachments }));
}

/** An order of about so many bytes. */
export function orderOf(bytes: number): object {
  const goods: object[] = [];
  const line = { article: 'Copper cable 4x16', colour: 'grey', metres: 1200, price: 41.5, to: 'Ghent, dock 7' };
  for (let left = bytes - 60; left > 0; left -= 110) goods.push({ number: goods.length, ...line });
  return { order: 'PO-2026-1122', currency: 'EUR', goods };
}

/** Begins an activity. */
export async function start(place: ActivityPlace, body: Buffer): Promise<Sent> {
  const answer = await send(place, { method: 'POST', path: '/v1/activities', body });
  return { ...(JSON.parse(await textOf(answer)) as Omit<Sent, 'place'>), place };
}

/** Waits until so many members have acknowledged. */
export async function delivered(sent: Sent, members: number): Promise<void> {
  while (!(await isDelivered(sent, members))) await sleep(lookMs);
}

/** Whether so many members have acknowledged. @throws Error where one has refused. */
export async function isDelivered({ place, activity, message }: Sent, members: number): Promise<boolean> {
  const path = `/v1/activities/${activity}/messages/${message}/deliveries`;
  const { items } = JSON.parse(await textOf(await send(place, { method: 'GET', path }))) as Deliveries;
  if (items.length !== members) throw new Error(`${items.length} deliveries of ${members}`);
  const bad = items.find(({ state }) => state === 'refused');
  if (bad) throw new Error(`${bad.member} has refused ${message}`);
  return items.every(({ state }) => state !== 'queued');
}

type Asked = {
  readonly method: string;
  readonly path: string;
  readonly body?: Buffer | Readable;
  readonly headers?: Record<string, string>;
};

/** @throws Error where the answer is a problem. */
export async function send(place: ActivityPlace, { method, path, body, headers }: Asked): Promise<IncomingMessage> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const sent = request(`${place.url}${path}`, {
      ...{ method, agent },
      headers: {
        authorization: `Bearer ${place.key}`,
        ...(body instanceof Buffer ? { 'content-type': 'application/json', 'content-length': body.length } : {}),
        ...headers,
      },
    });
    sent.once('response', resolve).once('error', reject);
    if (body instanceof Readable) body.once('error', reject).pipe(sent);
    else sent.end(body);
  });
  if (response.statusCode! >= 300) throw new Error(`${method} ${path}: ${await textOf(response)}`);
  return response;
}

/** All of an answer. */
export async function textOf(response: IncomingMessage): Promise<string> {
  return Buffer.concat(await Array.fromAsync(response as AsyncIterable<Buffer>)).toString();
}
