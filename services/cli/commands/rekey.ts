import { join } from 'node:path';
import type { Command } from 'commander';
import { renewEncryptionKey } from '../../lib/keystore.ts';
import { withData } from '../commandOptions.ts';
import { readPassword } from '../openClient.ts';
import { type ProgramContext, type Run, runs } from '../Run.ts';

/** `notarium rekey`. */
export function addRekey(program: Command, context: ProgramContext): void {
  withData(program.command('rekey').description('make another encryption key for private activities'))
    .option('--keystore <dir>', 'keystore folder (default: that of the data folder)')
    .option('--password-file <file>', 'file with its password (else NOTARIUM_PASSWORD, or asked for)')
    .action(runs<object, []>(context, rekey));
}

async function rekey(run: Run<object>): Promise<void> {
  const { settings, terminal, output } = run;
  const keystore = settings.keystore ?? join(settings.data, 'keystore');
  const password = await readPassword(settings, terminal, `Password of ${keystore}`);
  const { encryptionPublicKey, kept } = await renewEncryptionKey(keystore, password);
  output.json({ ok: true, keystore, encryptionPublicKey, kept });
  output.line(`${output.mark('passed')} encryption key ${encryptionPublicKey}`, `    the one before: ${kept}`);
  output.note(
    'Start the centre again, have the new key put into the registry by a proposal,',
    'and keep the old file until the log of the centre says that it is needed no more.',
  );
}
