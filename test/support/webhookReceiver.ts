import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import type { CloudEvent } from '../../services/app/webhook/cloudEvent.ts';

/** A fresh secret in the form of Standard Webhooks. */
export function webhookSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`;
}

/** A real HTTP server that takes webhooks as any receiver would: verified by the library of Standard Webhooks. */
export type WebhookReceiver = AsyncDisposable & {
  readonly url: string;
  readonly port: number;
  /** What was taken, in order, repeats included. */
  readonly taken: CloudEvent[];
  /** Requests so far, refused ones included. */
  readonly requests: () => number;
  /** What was wrong with a request: its signature, its time or its form. */
  readonly faults: string[];
  /** Answers instead of taking, while it is set. */
  answer: ((response: ServerResponse, request: IncomingMessage) => void) | undefined;
  /** Breaks off what is under way, as a crash would. */
  close(): Promise<void>;
};

/** @param port Any free one by default. */
export async function webhookReceiver(secret: string, port = 0): Promise<WebhookReceiver> {
  const taken: CloudEvent[] = [];
  const faults: string[] = [];
  let requests = 0;
  const server = createServer((request, response) => {
    requests++;
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (receiver.answer) return receiver.answer(response, request);
      try {
        const headers = request.headers as Record<string, string>;
        const event = new Webhook(secret).verify(Buffer.concat(chunks).toString(), headers) as CloudEvent;
        if (headers['webhook-id'] !== event.id) throw new Error('another id in header and event');
        if (!headers['content-type']?.startsWith('application/cloudevents+json')) throw new Error('no CloudEvent');
        taken.push(event);
        response.writeHead(204).end();
      } catch (error) {
        faults.push((error as Error).message);
        response.writeHead(400).end();
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const chosen = (server.address() as AddressInfo).port;
  const receiver: WebhookReceiver = {
    url: `http://127.0.0.1:${chosen}/hook`,
    port: chosen,
    taken,
    faults,
    requests: () => requests,
    answer: undefined,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
    [Symbol.asyncDispose]: () => receiver.close(),
  };
  return receiver;
}
