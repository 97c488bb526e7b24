import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const program = '/usr/bin/chromium';

/**
 * Debian's Chromium; installed when it is missing and this is root on a machine with apt.
 * @returns Undefined where there is none and none can be installed.
 */
export function ensureChromium(say: (line: string) => void): string | undefined {
  if (existsSync(program)) return program;
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return undefined;
  say('Installing Chromium for the browser tests (apt-get) …');
  const apt = (...args: string[]): boolean =>
    spawnSync('apt-get', ['-qq', ...args], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    }).status === 0;
  apt('update');
  apt('install', '-y', '--no-install-recommends', 'chromium');
  return existsSync(program) ? program : undefined;
}
