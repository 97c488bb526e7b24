import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { computeAddress } from 'ethers';
import { personalKey } from '../../services/cli/personalKey.ts';
import { type Address, toHex } from '../../services/core/bytes.ts';
import type { KeystorePublic } from '../../services/lib/keystore.ts';
import { writeFileWhole } from '../../services/lib/writeFileWhole.ts';
import { type Deployment, deploy } from '../deploy.ts';
import { type DeployParameters, defaultRules, deployParameters } from './deployParameters.ts';
import { fund } from './localCentre.ts';

/** A centre of the first committee. */
export type LocalMember = { readonly keys: KeystorePublic; readonly endpoint: string };

/**
 * What the network of a folder was deployed with; undefined for a new one. It is the contracts' own, for ever.
 * @throws DeployError when the file is not what was written.
 */
export async function keptParameters(folder: string): Promise<DeployParameters | undefined> {
  const file = parametersFile(folder);
  return existsSync(file) ? deployParameters(JSON.parse(await readFile(file, 'utf8')), file) : undefined;
}

/**
 * Deploys the contracts on a local chain, with a committee of these members. A second run deploys nothing, and takes the
 * parameters of the first whatever it is asked for. The deployer is a key of this instance alone: the contract's address,
 * and so the network's name, then differs from instance to instance.
 */
export async function deployLocal(options: {
  rpcUrl: string;
  members: readonly LocalMember[];
  stateDir: string;
  periodSeconds: number;
  graceSeconds: number;
  outFile?: string;
}): Promise<Deployment> {
  const { rpcUrl, members, stateDir, periodSeconds, graceSeconds, outFile } = options;
  const folder = join(stateDir, '..');
  const deployer = await personalKey(join(folder, 'deployer'));
  const privateKey = toHex(deployer.privateKey);
  await fund(rpcUrl, computeAddress(privateKey).toLowerCase() as Address);
  const kept = (await keptParameters(folder)) ?? {
    committee: members.map(({ keys, endpoint }, index) => ({
      address: keys.address,
      name: `Centre ${index + 1}`,
      endpoint,
      encryptionKey: keys.encryptionPublicKey,
      noteKey: keys.noteKey,
    })),
    periodSeconds,
    graceSeconds,
  };
  // Written down, since the next version may have other defaults; networks of before there were rules get them now.
  const parameters: DeployParameters = { rules: defaultRules, ...kept };
  // Before the deployment, which may be interrupted after its first transaction.
  await writeFileWhole(parametersFile(folder), `${JSON.stringify(parameters, null, 2)}\n`);
  return await deploy({
    chain: rpcUrl,
    privateKey,
    stateDir,
    ...(outFile === undefined ? {} : { outFile }),
    parameters,
  });
}

function parametersFile(folder: string): string {
  return join(folder, 'parameters.json');
}
