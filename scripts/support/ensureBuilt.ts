import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project's root folder. */
export const root: string = fileURLToPath(new URL('../../', import.meta.url));

const marker = join(root, 'artifacts', '.notarium-sources');

/**
 * Compiles the contracts when their artifacts are missing or older than their sources: Hardhat alone needs seconds to
 * find out that there is nothing to do.
 * @throws Error when the compiler fails.
 */
export function ensureBuilt(say: (line: string) => void): void {
  const hash = sourcesHash();
  if (existsSync(marker) && readFileSync(marker, 'utf8') === hash) return;
  say('Compiling the contracts …');
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(root, 'node_modules/hardhat/dist/src/cli.js'), 'build'],
    {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, HARDHAT_DISABLE_TELEMETRY_PROMPT: 'true' },
    },
  );
  if (status !== 0) throw new Error(`hardhat build failed\n${stdout}${stderr}`);
  writeFileSync(marker, hash);
}

function sourcesHash(): string {
  const hash = createHash('sha256');
  const files = readdirSync(join(root, 'contracts'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.sol'))
    .sort()
    .map((name) => join('contracts', name));
  for (const file of [...files, 'hardhat.config.ts', 'package-lock.json']) {
    hash.update(file).update(readFileSync(join(root, file)));
  }
  return hash.digest('hex');
}
