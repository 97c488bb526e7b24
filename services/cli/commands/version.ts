import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { loadCrypto } from '../../lib/nativeCrypto.ts';
import { type ProgramContext, runs } from '../Run.ts';

/** Version of this package. */
function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return version;
}

/** `notarium version`. */
export function addVersion(program: Command, context: ProgramContext): void {
  program.version(packageVersion());
  program
    .command('version')
    .description('versions of Notarium, Node and the cryptography in use')
    .action(
      runs<object, []>(context, async ({ output }) => {
        const facts = {
          notarium: packageVersion(),
          node: process.versions.node,
          platform: `${process.platform} ${process.arch}`,
          crypto: (await loadCrypto()).name,
          openssl: process.versions.openssl,
        };
        output.json(facts);
        for (const [name, value] of Object.entries(facts)) output.line(`${name.padEnd(9)} ${value}`);
      }),
    );
}
