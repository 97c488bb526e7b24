import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A document as JSON. */
export type Document = Record<string, unknown>;

/** A small HTTP service that keeps a JSON document under each path: GET, and PUT with If-Match and If-None-Match. */
export type ResourceService = {
  /** Where the document of a name is. */
  readonly urlOf: (name: string) => string;
  /** What is there now. */
  readonly documentOf: (name: string) => Document | undefined;
  /** Changes what is there behind the back of whoever keeps it. */
  meddle(name: string, document: Document): void;
  /** Changes what is written under a name before it is kept: a service that is faulty, on purpose. */
  alter(name: string, change: (document: Document) => Document): void;
  close(): Promise<void>;
};

const maxBytes = 1 << 20;

/** Starts the service on a free port of 127.0.0.1. */
export async function startResourceService(): Promise<ResourceService> {
  const documents = new Map<string, string>();
  const changes = new Map<string, (document: Document) => Document>();

  const put = async (name: string, request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let text = '';
    for await (const chunk of request.setEncoding('utf8') as AsyncIterable<string>) {
      text += chunk;
      if (text.length > maxBytes) return void response.writeHead(413).end();
    }
    const etag = etagOf(documents.get(name));
    const { 'if-match': match, 'if-none-match': noneMatch } = request.headers;
    const isOutdated = (match !== undefined && match !== etag) || (noneMatch === '*' && etag !== undefined);
    if (isOutdated) return void response.writeHead(412).end();
    const document = JSON.parse(text) as Document;
    documents.set(name, JSON.stringify(changes.get(name)?.(document) ?? document));
    response.writeHead(204, { etag: etagOf(documents.get(name)) }).end();
  };

  const server = createServer((request, response) => {
    const name = request.url!.slice(1);
    const text = documents.get(name);
    if (request.method === 'PUT') {
      put(name, request, response).catch(() => response.writeHead(400).end());
    } else if (request.method !== 'GET') response.writeHead(405, { allow: 'GET, PUT' }).end();
    else if (text === undefined) response.writeHead(404).end();
    else response.writeHead(200, { 'content-type': 'application/json', etag: etagOf(text) }).end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    urlOf: (name) => `http://127.0.0.1:${port}/${name}`,
    documentOf: (name) => {
      const text = documents.get(name);
      return text === undefined ? undefined : (JSON.parse(text) as Document);
    },
    meddle: (name, document) => void documents.set(name, JSON.stringify(document)),
    alter: (name, change) => void changes.set(name, change),
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

function etagOf(text: string): string;
function etagOf(text: string | undefined): string | undefined;
function etagOf(text: string | undefined): string | undefined {
  return text === undefined ? undefined : `"${createHash('sha256').update(text).digest('hex').slice(0, 32)}"`;
}
