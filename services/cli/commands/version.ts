import type { Command } from 'commander';
import { loadCrypto } from '../../lib/nativeCrypto.ts';
import { version } from '../../lib/version.ts';
import { type ProgramContext, runs } from '../Run.ts';

/** `notarium version`. */
export function addVersion(program: Command, context: ProgramContext): void {
  program.version(version);
  program
    .command('version')
    .description('versions of Notarium, Node and the cryptography in use')
    .action(
      runs<object, []>(context, async ({ output }) => {
        const facts = {
          notarium: version,
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
