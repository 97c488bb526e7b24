import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Servers that answer some requests by themselves and pass the others to a centre. */
export class BetweenServers {
  readonly #servers: Server[] = [];

  /** @param answer Whether it has answered. @returns Where the server is. */
  async open(centreUrl: string, answer: (...args: Parameters<RequestListener>) => boolean): Promise<string> {
    const server = createServer(async (request, response) => {
      if (answer(request, response)) return;
      const chunks: Uint8Array[] = [];
      for await (const chunk of request) chunks.push(chunk as Uint8Array);
      const { method = 'GET', url, headers } = request;
      const passed = await fetch(`${centreUrl}${url}`, {
        method,
        headers: Object.fromEntries(
          Object.entries(headers).filter(([name]) => /^(content-type|authorization)$/.test(name)),
        ) as Record<string, string>,
        ...(method === 'GET' ? {} : { body: Buffer.concat(chunks) }),
      });
      response.writeHead(passed.status, { 'content-type': passed.headers.get('content-type') ?? '' });
      response.end(Buffer.from(await passed.arrayBuffer()));
    });
    this.#servers.push(server);
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  close(): void {
    for (const server of this.#servers.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
  }
}
