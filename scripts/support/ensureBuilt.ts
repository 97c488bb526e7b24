import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project's root folder. */
export const root: string = fileURLToPath(new URL('../../', import.meta.url));

/**
 * Compiles the contracts when their artifacts are missing or older than their sources: Hardhat alone needs seconds to
 * find out that there is nothing to do.
 * @param options.tests With the contracts that only tests use, which take longer than the others.
 * @throws Error when the compiler fails.
 */
export function ensureBuilt(say: (line: string) => void, { tests = false }: { tests?: boolean } = {}): void {
  const hash = sourcesHash(tests ? ['contracts', 'test/contracts'] : ['contracts']);
  const marker = join(root, 'artifacts', tests ? '.notarium-test-sources' : '.notarium-sources');
  if (existsSync(marker) && readFileSync(marker, 'utf8') === hash) return;
  say(tests ? 'Compiling the contracts of the tests …' : 'Compiling the contracts …');
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(root, 'node_modules/hardhat/dist/src/cli.js'), 'build', ...(tests ? [] : ['--no-tests'])],
    {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, HARDHAT_DISABLE_TELEMETRY_PROMPT: 'true' },
    },
  );
  if (status !== 0) throw new Error(`hardhat build failed\n${stdout}${stderr}`);
  writeFileSync(marker, hash);
}

function sourcesHash(folders: readonly string[]): string {
  const hash = createHash('sha256');
  const files = folders
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
    )
    .filter((name) => name.endsWith('.sol'))
    .sort();
  for (const file of [...files, 'hardhat.config.ts', 'package-lock.json']) {
    hash.update(file).update(readFileSync(join(root, file)));
  }
  return hash.digest('hex');
}
