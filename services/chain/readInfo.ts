import { toQuantity } from 'ethers';
import type { Address, Hash } from '../core/bytes.ts';
import { NotariumError } from '../core/errors.ts';
import { type JsonRpc, JsonRpcError } from '../lib/jsonRpc.ts';
import type { ChainInfo } from './Chain.ts';
import { revertReason } from './chainError.ts';
import { blockAnchorAt } from './contracts.ts';

/**
 * Reads what never changes about a deployment, and checks that it is the expected one.
 * @throws NotariumError `chain-mismatch`, `chain-contract-missing`, `chain-answer-invalid`.
 */
export async function readInfo(
  rpc: JsonRpc,
  options: { readonly contract: Address; readonly chainId?: number; readonly genesisHash?: Hash },
): Promise<ChainInfo> {
  const contract = options.contract.toLowerCase() as Address;
  const chainId = Number(await rpc('eth_chainId', []));
  if (options.chainId !== undefined && options.chainId !== chainId) {
    throw new NotariumError('chain-mismatch', 'chain id', { data: { have: chainId, want: options.chainId } });
  }
  const genesisHash = await readGenesis(rpc, contract, options.genesisHash);
  const anchor = blockAnchorAt(contract, rpc);
  /** The other contracts of a deployment have a domain of the same name, but not all of these. */
  const asked = <T>(answer: Promise<T>): Promise<T> =>
    answer.catch((cause: unknown) => {
      if (!(cause instanceof JsonRpcError) || !revertReason(cause)) throw cause;
      const detail = `${contract} is another contract`;
      throw new NotariumError('chain-contract-missing', detail, { data: { contract }, cause });
    });
  const domain = await asked(anchor.eip712Domain());
  const [name, version] = [domain.name, domain.version];
  if (name !== 'Notarium' || version !== '1') {
    throw new NotariumError('chain-contract-missing', `${contract} is ${name} ${version}, not Notarium 1`);
  }
  if (Number(domain.chainId) !== chainId || domain.verifyingContract.toLowerCase() !== contract) {
    throw new NotariumError('chain-answer-invalid', 'the contract has the domain of another one');
  }
  return {
    chainId,
    contract,
    registry: (await asked(anchor.registry())).toLowerCase() as Address,
    periodSeconds: Number(await asked(anchor.periodSeconds())),
    graceSeconds: Number(await asked(anchor.graceSeconds())),
    genesisHash,
    network: { chainId, contract },
  };
}

/**
 * Hash of the chain's block 0, which must be the wanted one, on a chain that has code at the contract's address.
 * @throws NotariumError `chain-mismatch`, `chain-contract-missing`.
 */
export async function readGenesis(rpc: JsonRpc, contract: Address, want?: Hash): Promise<Hash> {
  // Genesis first: on another instance of the chain there is no contract either, and that is not the news.
  const genesis = await genesisHash(rpc);
  if (want !== undefined) checkGenesis(genesis, want);
  if ((await rpc('eth_getCode', [contract, 'latest'])) === '0x') {
    const hint = 'is it the right chain, and has it kept its state?';
    throw new NotariumError('chain-contract-missing', `${contract}: ${hint}`, { data: { contract } });
  }
  return genesis;
}

/**
 * Hash of block 0, as block 1 names it: an anvil that has loaded its state twice may show another block 0 of its own
 * making, and all other blocks rightly.
 */
async function genesisHash(rpc: JsonRpc): Promise<Hash> {
  const first = (await rpc('eth_getBlockByNumber', [toQuantity(1), false])) as { parentHash: Hash } | null;
  if (first) return first.parentHash;
  const genesis = (await rpc('eth_getBlockByNumber', [toQuantity(0), false])) as { hash: Hash } | null;
  if (!genesis) throw new NotariumError('chain-answer-invalid', 'no block 0');
  return genesis.hash;
}

function checkGenesis(have: Hash, want: Hash): void {
  if (have === want) return;
  throw new NotariumError('chain-mismatch', 'another instance of the chain', { data: { have, want } });
}
