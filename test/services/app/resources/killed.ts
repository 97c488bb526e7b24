import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { KilledCentre } from './killedChild.ts';

/** The module that it runs. */
export const killedChild: string = fileURLToPath(new URL('killedChild.ts', import.meta.url));

/** Runs a centre that kills itself, from the module or a bundle of it, and tells how it ended. */
export function killed(centre: KilledCentre, child = killedChild): Promise<{ signal: string | null; stderr: string }> {
  return new Promise((resolve) => {
    const argv = ['--disable-warning=ExperimentalWarning', child, JSON.stringify(centre)];
    const running = execFile(process.execPath, argv, { timeout: 60_000, killSignal: 'SIGTERM' }, (_error, _, stderr) =>
      resolve({ signal: running.signalCode, stderr }),
    );
  });
}
