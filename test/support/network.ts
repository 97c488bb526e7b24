import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Network } from '../../services/core/eip712.ts';
import { jsonRpc } from '../../services/lib/jsonRpc.ts';
import { type CentreProcess, type CentreSpec, centreKeys, startCentre } from './centreProcess.ts';
import { type ChainKind, type DeployedNotarium, deployNotarium, type RunningChain, startChain } from './chains.ts';

/** A chain with the contracts, and one centre of its committee: real processes of a test's own. */
export type TestNetwork = {
  readonly chain: RunningChain;
  readonly deployed: DeployedNotarium;
  readonly network: Network;
  /** Data folder of the centre; its parent is removed in the end. */
  readonly dataDir: string;
  readonly spec: CentreSpec;
  /** The centre that was started last. */
  readonly centre: CentreProcess;
  start(changes?: Partial<CentreSpec>): Promise<CentreProcess>;
  close(): Promise<void>;
};

/** Starts chain and centre. Folder names have a space in them on purpose. */
export async function startNetwork(options: {
  kind?: ChainKind;
  periodSeconds?: number;
  graceSeconds?: number;
  chainArgs?: readonly string[];
  /** Any free one by default. */
  chainPort?: number;
  stateDir?: string;
  /** Where the data folder is made; the temporary folder by default. */
  folder?: string;
  args?: readonly string[];
  /** Of the centre, beside the test's own. */
  env?: Readonly<Record<string, string>>;
}): Promise<TestNetwork> {
  const {
    kind = 'anvil',
    periodSeconds = 1,
    graceSeconds = 30,
    chainArgs,
    chainPort,
    stateDir,
    args,
    env,
    folder = tmpdir(),
  } = options;
  const base = await mkdtemp(join(folder, 'notarium test '));
  const dataDir = join(base, 'centre 1');
  const keys = await centreKeys(dataDir);
  const chain = await startChain({
    kind,
    ...(chainArgs ? { args: chainArgs } : {}),
    ...(chainPort ? { port: chainPort } : {}),
    ...(stateDir ? { stateDir } : {}),
  });
  const committee = [{ address: keys.address, encryptionKey: keys.encryptionPublicKey, noteKey: keys.noteKey }];
  const deployed = await deployNotarium(chain.rpcUrl, { committee, periodSeconds, graceSeconds });
  const rpc = jsonRpc(chain.rpcUrl);
  const [from] = (await rpc('eth_accounts', [])) as string[];
  // 100 ether of a development account.
  await rpc('eth_sendTransaction', [{ from, to: keys.address, value: '0x56bc75e2d63100000' }]);
  const spec: CentreSpec = {
    dataDir,
    rpcUrl: chain.rpcUrl,
    contract: deployed.contract,
    // Each further thread costs a tenth of a second at every start.
    args: ['--log-level', 'warn', '--threads', '1', ...(args ?? [])],
    ...(env ? { env } : {}),
  };
  let centre = await startCentre(spec);
  return {
    chain,
    deployed,
    network: { chainId: deployed.chainId, contract: deployed.contract },
    dataDir,
    spec,
    get centre() {
      return centre;
    },
    async start(changes = {}) {
      centre = await startCentre({ ...spec, ...changes });
      return centre;
    },
    async close() {
      await centre.kill();
      await chain.kill('SIGKILL');
      await rm(base, { recursive: true, force: true });
    },
  };
}
