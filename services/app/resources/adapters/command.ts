import { spawn } from 'node:child_process';
import { NotariumError } from '../../../core/errors.ts';
import type { Adapter } from './Adapter.ts';
import { actualJson, maxActualBytes } from './actualJson.ts';
import { resourceFailed } from './failure.ts';

/** A program that reads and writes a configuration. */
export type CommandResource = {
  /** Program and arguments; no shell. */
  readonly command: readonly [string, ...string[]];
  /** Folder that it runs in. */
  readonly folder: string;
  /** All of its environment. */
  readonly environment: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
};

const maxErrorBytes = 2_000;

/**
 * Any program. It gets one line of JSON on stdin, `{"do":"read"|"write","resourceSet","version","configuration"?}`, and ends with
 * exit code 0 when it has done so; after `read` its stdout is the configuration, or empty where there is none. What it writes to
 * stderr is the cause of the error when it fails: for the log of the centre alone, since it may hold secrets.
 */
export function commandAdapter(resource: CommandResource): Adapter {
  const name = `command ${resource.command[0]}`;
  return {
    name,
    async read(asked, signal) {
      const stdout = await run(resource, name, { do: 'read', ...asked }, signal);
      return stdout.every((byte) => byte <= 32) ? undefined : actualJson(stdout);
    },
    async write({ resourceSet, version, configuration }, signal) {
      await run(resource, name, { do: 'write', resourceSet, version, configuration }, signal);
    },
  };
}

async function run(resource: CommandResource, name: string, request: object, stop: AbortSignal): Promise<Buffer> {
  const { command, folder, environment, timeoutMs } = resource;
  const signal = AbortSignal.any([stop, AbortSignal.timeout(timeoutMs)]);
  if (signal.aborted) throw resourceFailed(name, 'was not started', signal.reason);
  const [program, ...args] = command;
  // A group of its own: what it has started ends with it.
  const child = spawn(program, args, { cwd: folder, env: { ...environment }, detached: true, stdio: 'pipe' });
  const stdout: Buffer[] = [];
  let stdoutBytes = 0;
  let stderr = '';
  let failure: NotariumError | undefined;
  const end = (error: NotariumError): void => {
    failure ??= error;
    if (child.pid === undefined) return;
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It is gone already.
    }
    // Whoever left the group may hold the pipes open.
    child.stdout.destroy();
    child.stderr.destroy();
  };
  const onAbort = (): void => {
    end(resourceFailed(name, stop.aborted ? 'the centre is stopping' : `no end within ${timeoutMs} ms`, signal.reason));
  };
  signal.addEventListener('abort', onAbort, { once: true });
  child.stdout.on('data', (chunk: Buffer) => {
    stdoutBytes += chunk.length;
    if (stdoutBytes > maxActualBytes)
      end(new NotariumError('json-too-large', name, { data: { want: maxActualBytes } }));
    else stdout.push(chunk);
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-maxErrorBytes);
  });
  // It need not read what it is told.
  child.stdin.on('error', () => {});
  child.stdin.end(`${JSON.stringify(request)}\n`);
  try {
    const code = await new Promise<number | NodeJS.Signals | null>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (exitCode, killedBy) => resolve(exitCode ?? killedBy));
    }).catch((cause: NodeJS.ErrnoException) => {
      throw resourceFailed(name, `cannot be started (${cause.code})`, cause);
    });
    if (failure) throw failure;
    if (code !== 0) throw resourceFailed(name, `ended with ${code}`, stderr === '' ? undefined : new Error(stderr));
    return Buffer.concat(stdout);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
