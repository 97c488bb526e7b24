import { nodeRegistryAt } from '../../services/chain/contracts.ts';
import type { Address, Hash, Hex } from '../../services/core/bytes.ts';
import { jsonRpc } from '../../services/lib/jsonRpc.ts';
import { devAddress, sendAsDeployer } from './chains.ts';

/** A node as the governor enters it. */
export type Entry = {
  readonly account: Address;
  readonly name: string;
  readonly endpoint: string;
  readonly encryptionKey: Hash;
  readonly noteKey: Hash;
};

/** Changes a registry of `deployNotarium`, whose deployer makes itself the governor. */
export type Governor = {
  /** Enters a node and makes it active. */
  admit(entry: Entry): Promise<void>;
  activate(account: Address): Promise<void>;
  suspend(account: Address): Promise<void>;
  remove(account: Address): Promise<void>;
  /** Gives an active node another account, with this information. */
  rotate(account: Address, entry: Entry): Promise<void>;
};

export async function governorOf(rpcUrl: string, registry: Address): Promise<Governor> {
  const { interface: calls } = nodeRegistryAt(registry, jsonRpc(rpcUrl));
  const send = (what: string, data: string): Promise<unknown> =>
    sendAsDeployer(rpcUrl, what, { to: registry, data: data as Hex });
  await send('setGovernor', calls.encodeFunctionData('setGovernor', [devAddress(9)]));
  const activate: Governor['activate'] = async (account) => {
    await send('activate', calls.encodeFunctionData('activate', [account]));
  };
  return {
    async admit(entry) {
      await send('enroll', calls.encodeFunctionData('enroll', [entry]));
      await activate(entry.account);
    },
    activate,
    async suspend(account) {
      await send('suspend', calls.encodeFunctionData('suspend', [account]));
    },
    async remove(account) {
      await send('remove', calls.encodeFunctionData('remove', [account]));
    },
    async rotate(account, entry) {
      await send('rotate', calls.encodeFunctionData('rotate', [account, entry]));
    },
  };
}
