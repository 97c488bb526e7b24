import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type ErrorCode, NotariumError } from '../core/errors.ts';

/** Where a server listens. */
export type Listening = {
  readonly port: number;
  /** `http://host:port` */
  readonly url: string;
};

/**
 * Has a server listen, at any free port for 0.
 * @throws NotariumError `port-taken`, `config-invalid`, with data `{ host, port }`.
 */
export async function listen(server: Server, host: string, port: number): Promise<Listening> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const code: ErrorCode = error.code === 'EADDRINUSE' ? 'port-taken' : 'config-invalid';
      reject(new NotariumError(code, `${host}:${port} (${error.code})`, { data: { host, port }, cause: error }));
    });
    server.listen(port, host, resolve);
  });
  const { port: actual } = server.address() as AddressInfo;
  return { port: actual, url: `http://${host.includes(':') ? `[${host}]` : host}:${actual}` };
}
