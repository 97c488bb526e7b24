import { join } from 'node:path';
import type { Command } from 'commander';
import { NotariumError } from '../../core/errors.ts';
import { withData } from '../commandOptions.ts';
import { makeKeys, writeSettings } from '../dataFolder.ts';
import { exists } from '../exists.ts';
import { type ProgramContext, type Run, runs } from '../Run.ts';

/** `notarium init`. */
export function addInit(program: Command, context: ProgramContext): void {
  withData(program.command('init').description('make a keystore and a config file in a data folder'))
    .option(
      '--password-file <file>',
      'file with the password of the new keystore (else NOTARIUM_PASSWORD, or asked for)',
    )
    .option('--url <url>', 'centre that clients of this folder talk to')
    .option('--rpc <url>', 'JSON-RPC of the chain')
    .option('--contract <address>', 'BlockAnchor contract')
    .option('--host <host>', 'address that a centre listens on')
    .option('--port <port>', 'port that a centre listens on')
    .action(runs<object, []>(context, init));
}

async function init(run: Run<object>): Promise<void> {
  const { settings, output } = run;
  const config = join(settings.data, 'config.json');
  if (await exists(config)) throw new NotariumError('file-exists', config, { data: { path: config } });
  const { keystore, keys } = await makeKeys(run);
  await writeSettings(run);
  const { address, noteKey, encryptionPublicKey } = keys;
  output.json({ ok: true, data: settings.data, config, keystore, address, noteKey, encryptionPublicKey });
  output.line(`${output.mark('passed')} keystore ${keystore}`);
  output.line(
    `    address        ${address}`,
    `    note key       ${noteKey}`,
    `    encryption key ${encryptionPublicKey}`,
  );
  output.line(`${output.mark('passed')} config   ${config}`);
  output.note('Keep the password and a copy of the keystore apart from one another: nobody can replace them.');
}
