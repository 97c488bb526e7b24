import { createServer } from 'node:net';
import { NotariumError } from '../../services/core/errors.ts';

/**
 * Makes sure that a port of 127.0.0.1 is free before anything is started that would need it.
 * @throws NotariumError `port-taken`, naming the port and the flag that chooses another one.
 */
export async function requireFreePort(port: number, flag: string): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EADDRINUSE' && error.code !== 'EACCES') return reject(error);
      reject(
        new NotariumError('port-taken', `127.0.0.1:${port} (${error.code}); choose another one with ${flag} PORT`, {
          data: { port, flag },
        }),
      );
    });
    server.listen(port, '127.0.0.1', () => server.close(() => resolve()));
  });
}

/** A port of 127.0.0.1 that nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
