import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A wire between two processes that a test can cut and mend. */
export type TcpProxy = {
  readonly port: number;
  /** Breaks all connections and lets no new one through. */
  cut(): void;
  heal(): void;
  close(): Promise<void>;
};

/**
 * Starts a proxy on 127.0.0.1 to a port there.
 * @param onBytes Is told every byte that goes through, whichever way.
 */
export async function tcpProxy(targetPort: number, onBytes?: (bytes: Buffer) => void): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  let isCut = false;
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    if (onBytes) socket.on('data', onBytes);
    // A connection that breaks is what this is for.
    return socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket));
  };
  const server = createServer((incoming) => {
    keep(incoming);
    if (isCut) return void incoming.destroy();
    const outgoing = keep(connect(targetPort, '127.0.0.1'));
    incoming.pipe(outgoing).on('close', () => incoming.destroy());
    outgoing.pipe(incoming).on('close', () => outgoing.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    cut() {
      isCut = true;
      for (const socket of sockets) socket.destroy();
    },
    heal() {
      isCut = false;
    },
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
