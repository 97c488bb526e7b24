import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { Slice } from './Corpus.ts';
import { runChild } from './runChild.ts';
import type { SocketAnswer, SocketTask } from './socketClient.ts';

/** Posts a second that bare node:http takes from the same client: reads the body, answers 201 with a small one. */
export async function plainServerRate({ files }: Slice, connections: number): Promise<number> {
  const child: ChildProcess = fork(fileURLToPath(import.meta.url), ['serve']);
  try {
    const [port] = (await once(child, 'message')) as [number];
    const url = `http://127.0.0.1:${port}`;
    const task: SocketTask = { url, connections, status: 201, path: '/v1/records', files };
    const client = new URL('./socketClient.ts', import.meta.url);
    await runChild<SocketAnswer>(client, task);
    const { good, seconds } = await runChild<SocketAnswer>(client, task);
    return good / seconds;
  } finally {
    child.kill();
  }
}

if (process.argv[2] === 'serve' && process.send) {
  const answer = JSON.stringify({ status: 'accepted' });
  const server = createServer((request, response) => {
    request
      .on('data', () => {})
      .on('end', () => {
        response.writeHead(201, { 'content-type': 'application/json', 'content-length': answer.length });
        response.end(answer);
      });
  });
  server.listen(0, '127.0.0.1', () => process.send!((server.address() as AddressInfo).port));
  process.on('disconnect', () => process.exit());
}
