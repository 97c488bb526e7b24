import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { jsonRpc } from '../../services/lib/jsonRpc.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const { resolve } = createRequire(import.meta.url);
// A busy machine may need ten times what an idle one does; one that fails says so by its end.
const startLimitMs = 120_000;

export type ChainKind = 'hardhat' | 'anvil';

/** A real chain process. */
export type RunningChain = AsyncDisposable & {
  readonly rpcUrl: string;
  readonly port: number;
  readonly kind: ChainKind;
  readonly pid: number;
  /** Ends it in its own way (anvil then writes its state), and resolves when it is gone. */
  stop(): Promise<void>;
  /** Sends a signal, and resolves when the process is gone; after SIGSTOP when it stands still, after SIGCONT at once. */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Resolves when the process is gone, by itself or not. */
  readonly ended: Promise<void>;
};

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/**
 * Starts a chain on 127.0.0.1, chain id 31337, with the well-known development accounts of {@link devKey}.
 * @param options.port Any free one by default.
 * @param options.stateDir Folder in which anvil keeps its state over a stop and a start (not with `hardhat`).
 * @param options.args More arguments for the command.
 * @param options.detached In a process group of its own, which Ctrl-C in the terminal does not reach.
 */
export async function startChain(options: {
  kind: ChainKind;
  port?: number;
  stateDir?: string;
  args?: readonly string[];
  detached?: boolean;
}): Promise<RunningChain> {
  const { kind, port = 0, stateDir, args = [], detached = false } = options;
  if (stateDir) await mkdir(stateDir, { recursive: true });
  const state = stateDir ? ['--state', join(stateDir, 'state.json'), '--state-interval', '1'] : [];
  const place = kind === 'anvil' ? ['--host', '127.0.0.1', '--port', String(port)] : ['--port', String(port)];
  const child =
    kind === 'anvil'
      ? spawn(anvilBinary(), [...place, ...state, ...args], { stdio: ['ignore', 'pipe', 'pipe'], detached })
      : spawn(process.execPath, [hardhatCommand(), 'node', '--hostname', '127.0.0.1', ...place, ...args], {
          cwd: root,
          env: { ...process.env, HARDHAT_DISABLE_TELEMETRY_PROMPT: 'true', NO_COLOR: '1' },
          stdio: ['ignore', 'pipe', 'pipe'],
          detached,
        });
  running.add(child);
  const gone = once(child, 'exit').then(() => {
    running.delete(child);
  });
  const chosen = await listeningPort(child);
  const stop = async (signal: NodeJS.Signals): Promise<void> => {
    // Resolves also when it is gone already.
    child.ref();
    child.kill(signal);
    await gone;
  };
  // A test that fails before its stop() must not keep mocha waiting; the exit handler ends the process then.
  child.unref();
  for (const pipe of [child.stdout, child.stderr] as (Socket | null)[]) pipe?.unref();
  const softly = (): Promise<void> => stop(kind === 'anvil' ? 'SIGINT' : 'SIGTERM');
  const rpcUrl = `http://127.0.0.1:${chosen}`;
  if (kind === 'hardhat') {
    await setClock(rpcUrl).catch(async (error) => {
      await stop('SIGKILL');
      throw error;
    });
  }
  return {
    rpcUrl,
    port: chosen,
    kind,
    pid: child.pid!,
    ended: gone,
    stop: softly,
    [Symbol.asyncDispose]: softly,
    kill: async (signal) => {
      if (signal !== 'SIGSTOP' && signal !== 'SIGCONT') return await stop(signal);
      child.kill(signal);
      if (signal === 'SIGSTOP') await untilStopped(child.pid!);
    },
  };
}

/**
 * Hardhat's clock begins with the time at which it read its configuration, and stays behind by what it took until it ran:
 * many seconds on a slow machine, where a centre would say `clock-skewed` for ever.
 */
async function setClock(rpcUrl: string): Promise<void> {
  const rpc = jsonRpc(rpcUrl);
  // Before the question: however long the answer takes, the chain never gets ahead.
  const nowSeconds = Math.floor(Date.now() / 1000);
  const { timestamp } = (await rpc('eth_getBlockByNumber', ['pending', false])) as { timestamp: string };
  const lagSeconds = nowSeconds - Number(timestamp);
  if (lagSeconds > 0) await rpc('evm_increaseTime', [lagSeconds]);
}

/** The kernel stops the threads of a process one by one, after `kill` has returned: until then it may still answer. */
async function untilStopped(pid: number): Promise<void> {
  // Only Linux says so; elsewhere the signal has to be trusted.
  const folder = `/proc/${pid}/task`;
  if (process.platform !== 'linux') return;
  for (const limitMs = performance.now() + startLimitMs; ; await pause(1)) {
    const threads = await readdir(folder);
    // A thread may end in between: then it is looked again.
    const states = await Promise.all(
      threads.map((thread) => readFile(`${folder}/${thread}/stat`, 'utf8').catch(() => '')),
    );
    // `<pid> (<name>) <state> …`, and the name may have brackets.
    if (states.every((line) => line.slice(line.lastIndexOf(')') + 2).startsWith('T'))) return;
    if (performance.now() > limitMs) throw new Error(`process ${pid} does not stop`);
  }
}

/** From its package for this platform where npm has one; elsewhere the `anvil` of the PATH. */
function anvilBinary(): string {
  const arch = process.arch === 'x64' ? 'amd64' : process.arch;
  try {
    const folder = dirname(resolve(`@foundry-rs/anvil-${process.platform}-${arch}/package.json`));
    return join(folder, 'bin', 'anvil');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error;
    return 'anvil';
  }
}

function hardhatCommand(): string {
  return join(dirname(resolve('hardhat/package.json')), 'dist', 'src', 'cli.js');
}

function listeningPort(child: ChildProcess): Promise<number> {
  return new Promise((done, fail) => {
    let output = '';
    const ended = (why: string): void => {
      clearTimeout(limit);
      child.kill('SIGKILL');
      fail(new Error(`the chain did not start: ${why}\n${output}`));
    };
    const limit = setTimeout(() => ended('time is up'), startLimitMs);
    child.once('error', (error) => ended(error.message));
    const exited = (code: number | null): void => ended(`exit code ${code}`);
    child.once('exit', exited);
    child.stderr!.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    let found = false;
    child.stdout!.on('data', (chunk: Buffer) => {
      // Read on for ever: a full pipe would stop the chain.
      if (found) return;
      output += chunk.toString();
      const match = /(?:Listening on |server at http:\/\/)127\.0\.0\.1:(\d+)/.exec(output);
      if (!match) return;
      found = true;
      clearTimeout(limit);
      child.off('exit', exited);
      done(Number(match[1]));
    });
  });
}
