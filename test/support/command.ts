import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { launcher } from '../../scripts/support/launcher.ts';
import type { CentreSpec } from './centreProcess.ts';

/** Runs `notarium …` in a process of its own, on the data folder and chain of a centre. */
export async function notarium(
  { dataDir, rpcUrl, contract }: Pick<CentreSpec, 'dataDir' | 'rpcUrl' | 'contract'>,
  ...args: string[]
): Promise<{ code: number | null; output: string }> {
  const place = ['--data', dataDir, '--rpc', rpcUrl, '--contract', contract];
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', launcher, ...args, ...place], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const pipe of [child.stdout, child.stderr]) {
    pipe.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output };
}
