import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { KilledCentre } from './killedChild.ts';

const child = fileURLToPath(new URL('killedChild.ts', import.meta.url));

/** Runs a centre that kills itself, and tells how it ended. */
export function killed(centre: KilledCentre): Promise<{ signal: string | null; stderr: string }> {
  return new Promise((resolve) => {
    const argv = ['--disable-warning=ExperimentalWarning', child, JSON.stringify(centre)];
    const running = execFile(process.execPath, argv, { timeout: 60_000, killSignal: 'SIGTERM' }, (_error, _, stderr) =>
      resolve({ signal: running.signalCode, stderr }),
    );
  });
}
