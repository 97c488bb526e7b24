import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** What a script has left behind. */
export type ScriptRun = {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** What stands behind a word at the beginning of a line of stdout; all of stderr where there is no such line. */
  value(name: string): string;
};

/** Runs `hardhat run scripts/… --network rpc` with an environment of its own. */
export async function hardhatScript(script: string, env: Readonly<Record<string, string>>): Promise<ScriptRun> {
  const command = join(root, 'node_modules', 'hardhat', 'dist', 'src', 'cli.js');
  const child = spawn(process.execPath, [command, 'run', '--no-compile', `scripts/${script}.ts`, '--network', 'rpc'], {
    cwd: root,
    // Hardhat makes a folder in the home: that of the account may not be there, or not be its own.
    env: { PATH: process.env.PATH, HOME: process.env.HOME, HARDHAT_DISABLE_TELEMETRY_PROMPT: 'true', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const [code] = (await once(child, 'close')) as [number | null];
  const value = (name: string): string => new RegExp(`^${name} +(.+)$`, 'm').exec(stdout)?.[1] ?? stderr;
  return { code, stdout, stderr, value };
}
