import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { Chain } from '../../services/chain/Chain.ts';
import type { Governance } from '../../services/chain/Governance.ts';
import { openChain } from '../../services/chain/openChain.ts';
import { openSigner } from '../../services/cli/openClient.ts';
import type { Address, Hash } from '../../services/core/bytes.ts';
import { NotariumError } from '../../services/core/errors.ts';
import { addressSchema, hashSchema, uintSchema } from '../../services/core/schemas.ts';
import type { Signer } from '../../services/core/signature.ts';
import { localSigner } from '../../services/lib/localSigner.ts';
import { silentLogger } from '../../services/lib/logger.ts';
import { loadCrypto, type NativeCrypto } from '../../services/lib/nativeCrypto.ts';
import { devKey } from './developmentKeys.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Chain id of `hardhat node` and anvil: the only chain on which keys that everybody knows are taken. */
const developmentChainId = 31337;
const developmentAccounts = 20;

const lowerCase = z.string().toLowerCase();
/** What of deployments/<network>.json is needed; `scripts/deploy.ts` writes it. */
const deploymentSchema = z.looseObject({
  chainId: uintSchema,
  genesisHash: hashSchema,
  blockAnchor: lowerCase.pipe(addressSchema),
  deployBlock: uintSchema,
});

/** Environment of a script. */
export type ScriptEnv = Readonly<Record<string, string | undefined>>;

/** A deployed network as the scripts of proposals see it. */
export type GovernanceNetwork = {
  /** Its name in Hardhat's configuration. */
  readonly name: string;
  readonly chain: Chain;
  readonly governance: Governance;
  /** Who signs and pays; several only where development accounts are named. */
  readonly signers: readonly [Signer, ...Signer[]];
  readonly deployBlock: number;
  /** Keeps contents and configurations by their hash. */
  readonly contentsDir: string;
  readonly crypto: NativeCrypto;
  close(): void;
};

/**
 * Opens the network that `hardhat run --network` names: its URL by Hardhat's configuration, its contracts by
 * deployments/<network>.json (or NOTARIUM_DEPLOYMENT), its key by NOTARIUM_PRIVATE_KEY (hexadecimal, or a file) or
 * NOTARIUM_KEYSTORE with NOTARIUM_PASSWORD_FILE; on a development chain without them by NOTARIUM_ACCOUNT (0 by default).
 * @throws NotariumError `config-invalid`, `key-missing`, `governance-missing`, the `chain-…` codes.
 */
export async function openGovernanceNetwork(env: ScriptEnv): Promise<GovernanceNetwork> {
  const { name, rpcUrl } = await hardhatNetwork();
  const path = resolve(env.NOTARIUM_DEPLOYMENT ?? join(root, 'deployments', `${name}.json`));
  const deployment = await readDeployment(path, name);
  const crypto = await loadCrypto();
  const signers = await signersOf(env, deployment.chainId, crypto);
  const chain = await openChain({
    rpcUrl,
    contract: deployment.blockAnchor as Address,
    chainId: deployment.chainId,
    genesisHash: deployment.genesisHash as Hash,
    fromBlock: deployment.deployBlock,
    signer: signers[0],
    logger: silentLogger,
  });
  const { governance } = chain;
  if (!governance) {
    chain.close();
    throw new NotariumError('governance-missing', `${path} names contracts that have none`);
  }
  return {
    name,
    chain,
    governance,
    signers,
    deployBlock: deployment.deployBlock,
    contentsDir: join(dirname(path), name, 'contents'),
    crypto,
    close: () => chain.close(),
  };
}

async function hardhatNetwork(): Promise<{ name: string; rpcUrl: string }> {
  const { network } = await import('hardhat');
  const connection = await network.create();
  try {
    const { networkName: name, networkConfig } = connection;
    if (networkConfig.type !== 'http') {
      throw new NotariumError(
        'config-invalid',
        `the network ${name} lives in this process alone: start \`npx hardhat node\` and give --network localhost`,
      );
    }
    return { name, rpcUrl: await networkConfig.url.getUrl() };
  } finally {
    await connection.close();
  }
}

async function readDeployment(path: string, name: string): Promise<z.infer<typeof deploymentSchema>> {
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    const detail = `${path} (${cause.code}): deploy with scripts/deploy.ts --network ${name} first`;
    throw new NotariumError('config-invalid', detail, { cause });
  });
  try {
    return deploymentSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new NotariumError('config-invalid', `${path} is no file of scripts/deploy.ts`, { cause });
  }
}

async function signersOf(
  env: ScriptEnv,
  chainId: number,
  crypto: NativeCrypto,
): Promise<readonly [Signer, ...Signer[]]> {
  const { NOTARIUM_PRIVATE_KEY: key, NOTARIUM_KEYSTORE: keystore, NOTARIUM_PASSWORD_FILE: passwordFile } = env;
  const settings = { key, keystore, passwordFile, password: env.NOTARIUM_PASSWORD, data: '', networks: '' };
  const given = await openSigner(settings, {
    env,
    stdout: process.stdout,
    stderr: process.stderr,
    cwd: process.cwd(),
    home: '',
    signal: new AbortController().signal,
    interactive: false,
  });
  if (given) return [given];
  if (chainId !== developmentChainId) {
    throw new NotariumError(
      'key-missing',
      'set NOTARIUM_PRIVATE_KEY, or NOTARIUM_KEYSTORE and NOTARIUM_PASSWORD_FILE, to the key of a centre',
    );
  }
  const indexes = (env.NOTARIUM_ACCOUNT ?? '0').split(',').map(accountOf);
  const [first, ...others] = [...new Set(indexes)].map((index) => localSigner(devKey(index), crypto));
  return [first!, ...others];
}

function accountOf(text: string): number {
  const index = /^\s*\d{1,2}\s*$/.test(text) ? Number(text) : developmentAccounts;
  if (index < developmentAccounts) return index;
  throw new NotariumError('config-invalid', `NOTARIUM_ACCOUNT: "${text}" is no development account (0 to 19)`);
}
