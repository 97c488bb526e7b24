import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** A run of scripts/start.ts. */
export type Started = {
  readonly child: ChildProcess;
  output(): string;
  /** Waits for a text; rejects with the output when the run ends before. */
  said(text: string): Promise<void>;
  readonly ended: Promise<number | null>;
};

/** What `npm start -- ARGS` runs, behind the bootstrap. */
export function startScript(cwd: string, ...args: string[]): Started {
  const command = ['--disable-warning=ExperimentalWarning', join(root, 'scripts', 'start.ts'), ...args];
  const child = spawn(process.execPath, command, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  const ended = once(child, 'close').then(([code]) => code as number | null);
  return {
    child,
    output: () => output,
    async said(text) {
      for (;;) {
        if (output.includes(text)) return;
        const over = await Promise.race([
          ended.then(() => true),
          once(child.stdout, 'data').then(() => false),
          once(child.stderr, 'data').then(() => false),
        ]);
        if (over && !output.includes(text)) throw new Error(`it ended\n${output}`);
      }
    },
    ended,
  };
}

/** Listens on a port of 127.0.0.1, which must be free. */
export async function listener(port = 0): Promise<Server> {
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

/** Fails when somebody still listens on one of these ports. */
export async function expectFree(...ports: readonly (string | number)[]): Promise<void> {
  for (const port of ports) {
    const server = await listener(Number(port));
    await new Promise((resolve) => server.close(resolve));
  }
}
