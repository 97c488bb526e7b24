import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { hexDigits } from '../../services/core/bytes.ts';
import { serveParent } from './runChild.ts';

/**
 * Requests over keep-alive connections, one at a time on each: posts of the lines of files, or receipts of ids. Plain
 * sockets and ready-made bytes, so that the client takes as little of the processors as it can.
 */
export type SocketTask = {
  readonly url: string;
  readonly connections: number;
  readonly status: number;
} & ({ readonly path: string; readonly files: readonly string[] } | { readonly ids: Uint8Array });

/** How long it took, and how many answers had the wanted status; `latenciesMs` ascending. */
export type SocketAnswer = {
  readonly seconds: number;
  readonly good: number;
  readonly latenciesMs: Float64Array;
  readonly cpuSeconds: number;
};

serveParent<SocketTask, SocketAnswer>(async (task) => {
  const { hostname, port, host } = new URL(task.url);
  const requests = 'ids' in task ? receiptRequests(task.ids, host) : postRequests(task.files, task.path, host);
  const status = Buffer.from(`HTTP/1.1 ${task.status} `);
  const sockets = await Promise.all(Array.from({ length: task.connections }, () => opened(Number(port), hostname)));
  const latenciesMs = new Float64Array(requests.length);
  const cpuBefore = process.cpuUsage();
  const startMs = performance.now();
  let good = 0;
  let next = 0;
  const work = async (socket: Socket): Promise<void> => {
    const answers = answersOf(socket);
    while (next < requests.length) {
      const number = next++;
      const sentMs = performance.now();
      socket.write(requests[number]!);
      const head = await answers();
      latenciesMs[number] = performance.now() - sentMs;
      if (head.subarray(0, status.length).equals(status)) good++;
    }
  };
  await Promise.all(sockets.map(work));
  const seconds = (performance.now() - startMs) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  for (const socket of sockets) socket.destroy();
  return { seconds, good, latenciesMs: latenciesMs.sort(), cpuSeconds: (user + system) / 1e6 };
});

function postRequests(files: readonly string[], path: string, host: string): Buffer[] {
  const lines = files.flatMap((file) => readFileSync(file, 'latin1').trimEnd().split('\n'));
  const head = `POST ${path} HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\ncontent-length: `;
  return lines.map((line) => Buffer.from(`${head}${line.length}\r\n\r\n${line}`, 'latin1'));
}

function receiptRequests(ids: Uint8Array, host: string): Buffer[] {
  return Array.from({ length: ids.length / 32 }, (_, at) => {
    const id = hexDigits(ids.subarray(32 * at, 32 * at + 32));
    return Buffer.from(`GET /v1/records/0x${id}/receipt HTTP/1.1\r\nhost: ${host}\r\n\r\n`, 'latin1');
  });
}

function opened(port: number, host: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host, noDelay: true }, () => resolve(socket)).once('error', reject);
  });
}

/** Gives a function that resolves with the next whole answer, told by its Content-Length. */
function answersOf(socket: Socket): () => Promise<Buffer> {
  let waiting: ((answer: Buffer) => void) | undefined;
  let rest: Buffer | undefined;
  socket.on('data', (chunk: Buffer) => {
    rest = rest ? Buffer.concat([rest, chunk]) : chunk;
    const headEnd = rest.indexOf('\r\n\r\n');
    if (headEnd < 0) return;
    const length = /\r\ncontent-length: (\d+)/i.exec(rest.toString('latin1', 0, headEnd))?.[1];
    if (length === undefined) throw new Error('an answer without Content-Length');
    if (rest.length < headEnd + 4 + Number(length)) return;
    const answer = rest;
    rest = undefined;
    waiting!(answer);
  });
  socket.on('close', () => {
    if (waiting) throw new Error('the server closed a connection');
  });
  return () =>
    new Promise((resolve) => {
      waiting = (answer) => {
        waiting = undefined;
        resolve(answer);
      };
    });
}
