import { resolve } from 'node:path';
import { networkName } from '../../core/eip712.ts';
import { NotariumError } from '../../core/errors.ts';
import type { Receipt } from '../../core/receipt.ts';
import { findTrustedNetwork, listTrustedNetworks, readNetworkFile } from '../../lib/client/NetworkFolder.ts';
import { networkOf, type TrustedNetwork } from '../../lib/client/TrustedNetwork.ts';
import type { Settings } from '../settings.ts';

/** What a verification rests on, and where that comes from, for people. */
export type Basis = {
  readonly network: string;
  readonly committees: TrustedNetwork['committees'];
  readonly source: string;
};

/**
 * What is trusted about the network of a receipt: a given file, the pinned one, or no more than the address of the contract
 * (then only the chain can decide).
 * @throws NotariumError `network-untrusted`, `file-unreadable`, `config-invalid`; `usage-invalid` for a file and a contract
 *   of two networks.
 */
export async function findBasis(
  receipt: Receipt,
  settings: Settings,
  options: { networkFile?: string | undefined; rpcUrl?: string | undefined; cwd: string },
): Promise<Basis> {
  const named = networkName(receipt.anchor);
  if (options.networkFile !== undefined) {
    const path = resolve(options.cwd, options.networkFile);
    const { network, committees } = await givenNetwork(path, settings);
    return { network, committees, source: path };
  }
  const { contract } = settings;
  if (contract !== undefined) {
    const { chainId } = receipt.anchor;
    const pinned = await findTrustedNetwork(settings.networks, networkName({ chainId, contract }));
    if (!pinned && options.rpcUrl === undefined) {
      throw new NotariumError('network-untrusted', 'the contract alone is enough only with --rpc URL', {
        data: { named },
      });
    }
    return {
      network: networkName({ chainId, contract }),
      committees: pinned?.committees ?? [],
      source: pinned ? `pinned (${pinned.source})` : `the contract address ${contract}`,
    };
  }
  const pinned = await findTrustedNetwork(settings.networks, named);
  if (pinned) return { network: pinned.network, committees: pinned.committees, source: `pinned (${pinned.source})` };
  throw new NotariumError('network-untrusted', named, { data: { named } });
}

/**
 * The one network that an acceptance without receipt can belong to: given, or the only one pinned.
 * @throws NotariumError as {@link findBasis}.
 */
export async function findNetwork(
  settings: Settings,
  networkFile: string | undefined,
  cwd: string,
): Promise<TrustedNetwork | undefined> {
  if (networkFile !== undefined) return givenNetwork(resolve(cwd, networkFile), settings);
  const all = await listTrustedNetworks(settings.networks);
  const { contract } = settings;
  const fitting = contract === undefined ? all : all.filter(({ network }) => network.endsWith(contract));
  return fitting.length === 1 ? fitting[0] : undefined;
}

/** The network of a file. Where a contract is named too, the user means one network, so both must. */
async function givenNetwork(path: string, { contract }: Settings): Promise<TrustedNetwork> {
  const trusted = await readNetworkFile(path);
  if (contract === undefined || networkOf(trusted).contract === contract) return trusted;
  throw new NotariumError('usage-invalid', `--contract is ${contract}, but ${path} is of ${trusted.network}`, {
    data: { have: trusted.network, want: contract },
  });
}
