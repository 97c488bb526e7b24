import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Centre } from '../app/Centre.ts';
import { readResourceSettings } from '../app/resources/resourceSettings.ts';
import type { ActionContext } from '../cli/CliActions.ts';
import { readPassword } from '../cli/openClient.ts';
import type { Settings } from '../cli/settings.ts';
import type { Terminal } from '../cli/Terminal.ts';
import { aborted } from './aborted.ts';
import { nodeOptions } from './nodeOptions.ts';
import { type NodeOptions, openNode } from './openNode.ts';
import { readPolicy } from './readPolicy.ts';
import { required } from './required.ts';
import { keysDirOf } from './storePlaces.ts';

/** Runs a centre until the signal aborts, and has stopped it when it returns. @throws NotariumError as {@link openNode}. */
export async function runNode(context: ActionContext, terminal: Terminal): Promise<void> {
  const { settings, output, signal } = context;
  const password = await readPassword(settings, terminal, `Password of ${keysDirOf(settings)}`);
  const { resources: path, data: dataDir } = settings;
  const source = { dataDir, env: terminal.env, ...(path === undefined ? {} : { path }) };
  const resources = await readResourceSettings(source);
  const verifier = await verifierModule(settings);
  const node = await openNode({ ...nodeOptions(settings, password), resources, ...verifier });
  try {
    await keepAdminKey(settings.data, node.centre.keys);
    output.line(`listening on ${node.http.url}`);
    output.json({ ok: true, url: node.http.url });
    await aborted(signal);
    output.note('stopping …');
  } finally {
    await node.close();
  }
}

/** What makes a centre a verifier of evidence too; nothing without a policy. */
async function verifierModule(settings: Settings): Promise<Pick<NodeOptions, 'verifier'>> {
  const { verifierPolicy, evidenceUrl, confirmations = 1 } = settings;
  if (verifierPolicy === undefined) return {};
  const contract = required(settings.channels, 'the contract EvidenceChannels', '--channels ADDRESS');
  const policy = await readPolicy(verifierPolicy);
  return { verifier: { contract, policy, evidenceUrl, confirmations: Math.max(1, confirmations) } };
}

/**
 * An API key of scope admin in the data folder, for the operator's own command line: whoever may read the folder may
 * administer the centre.
 */
async function keepAdminKey(dataDir: string, keys: Centre['keys']): Promise<void> {
  const file = join(dataDir, 'admin-key');
  const secret = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (secret !== undefined && (await keys.find(secret.trim()))) return;
  const created = await keys.create('operator', ['admin']);
  await writeFile(file, `${created.secret}\n`, { mode: 0o600 });
}
