import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';

/*
 * Test processes run side by side, and many ports must stay free while the centre that has them is down. Below those that
 * kernels give out by themselves (Linux from 32768, others from 49152), nobody gets one by chance; and whoever has chosen one
 * here holds the UDP port of the same number until its process ends, which a second process then can't have.
 */
const firstPort = 12_000;
const endPort = 32_000;

let next = firstPort + Math.floor(Math.random() * (endPort - firstPort));

/** Ports of 127.0.0.1 that nobody uses, all different, and no other test will be given as long as this process runs. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    const port = following();
    if (await claimPort(port)) ports.push(port);
  }
  return ports;
}

/** The first of so many such ports in a row. */
export async function freePortsInARow(count: number): Promise<number> {
  for (let length = 0; ; ) {
    const port = following();
    if (port === firstPort) length = 0;
    length = (await claimPort(port)) ? length + 1 : 0;
    if (length === count) return port - count + 1;
  }
}

function following(): number {
  next = next + 1 < endPort ? next + 1 : firstPort;
  return next;
}

/** Takes a port for this process until its end; false where somebody listens on it, or another process has claimed it. */
export async function claimPort(port: number): Promise<boolean> {
  const socket = createSocket('udp4').unref();
  const server = createServer();
  try {
    socket.bind({ port, address: '127.0.0.1', exclusive: true });
    await once(socket, 'listening');
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  } catch (error) {
    if (!['EADDRINUSE', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    try {
      socket.close();
    } catch {
      // It is not bound.
    }
    return false;
  }
  await new Promise((done) => server.close(done));
  return true;
}
