import { join } from 'node:path';
import type { Command } from 'commander';
import { NotariumError } from '../../core/errors.ts';
import { createKeystore } from '../../lib/keystore.ts';
import { withData } from '../commandOptions.ts';
import { exists } from '../exists.ts';
import { writeJson } from '../notarize/evidenceFiles.ts';
import { readPassword } from '../openClient.ts';
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
  const { settings, terminal, output } = run;
  const configPath = join(settings.data, 'config.json');
  if (await exists(configPath)) throw new NotariumError('file-exists', configPath, { data: { path: configPath } });
  const password = await readPassword(settings, terminal, 'Password for the new keystore');
  if (password === '') throw new NotariumError('usage-invalid', 'an empty password protects nothing');
  const keystore = join(settings.data, 'keystore');
  const keys = await createKeystore(keystore, password);
  const { url, rpcUrl, contract, host, port, databaseUrl, logUrl, passwordFile } = settings;
  // What is not set is left out: JSON has no undefined.
  await writeJson(configPath, {
    keystore: 'keystore',
    url,
    rpcUrl,
    contract,
    host,
    port,
    databaseUrl,
    logUrl,
    passwordFile,
  });
  const { address, noteKey, encryptionPublicKey } = keys;
  output.json({ ok: true, data: settings.data, config: configPath, keystore, address, noteKey, encryptionPublicKey });
  output.line(`${output.mark('passed')} keystore ${keystore}`);
  output.line(
    `    address        ${address}`,
    `    note key       ${noteKey}`,
    `    encryption key ${encryptionPublicKey}`,
  );
  output.line(`${output.mark('passed')} config   ${configPath}`);
  output.note('Keep the password and a copy of the keystore apart from one another: nobody can replace them.');
}
