import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

type Call = { id: number; method: string; params: unknown[] };

/**
 * What the proxy does with a call: a JSON-RPC error of its own, any whole answer of its own, the chain's result changed, or
 * nothing (passes on).
 */
export type Interception =
  | { error: { code: number; message: string; data?: unknown } }
  | { raw: string; status?: number }
  | { change: (result: unknown) => unknown }
  | undefined;

/** A real HTTP server between a client and a chain that refuses or spoils some calls, as public providers do. */
export type RpcProxy = { readonly rpcUrl: string; readonly calls: string[]; close(): Promise<void> };

/** Starts a proxy on 127.0.0.1. */
export async function rpcProxy(target: string, intercept: (call: Call) => Interception): Promise<RpcProxy> {
  const calls: string[] = [];
  const answer = async (body: string, response: ServerResponse): Promise<void> => {
    const call = JSON.parse(body) as Call;
    calls.push(call.method);
    const own = intercept(call);
    if (own && 'raw' in own) {
      response.writeHead(own.status ?? 200).end(own.raw);
    } else if (own && 'error' in own) {
      response.end(JSON.stringify({ jsonrpc: '2.0', id: call.id, error: own.error }));
    } else {
      const answered = await fetch(target, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
      const text = await answered.text();
      response.writeHead(answered.status).end(own ? changed(text, own.change) : text);
    }
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      answer(Buffer.concat(chunks).toString(), response).catch((error: unknown) => response.destroy(error as Error));
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    rpcUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    close: () =>
      new Promise((done, fail) => {
        server.close((error) => (error ? fail(error) : done()));
        server.closeAllConnections();
      }),
  };
}

function changed(text: string, change: (result: unknown) => unknown): string {
  const answer = JSON.parse(text) as { result: unknown };
  return JSON.stringify({ ...answer, result: change(answer.result) });
}
