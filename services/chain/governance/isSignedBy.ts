import { Interface } from 'ethers';
import { type Address, type Hash, type Hex, toHex } from '../../core/bytes.ts';
import { isNotariumError } from '../../core/errors.ts';
import { recoverAddress } from '../../core/signature.ts';
import { JsonRpcError } from '../../lib/jsonRpc.ts';
import { isRevert } from '../../lib/revertData.ts';
import type { GovernanceSource } from './GovernanceSource.ts';

const wallet = new Interface(['function isValidSignature(bytes32,bytes) view returns (bytes4)']);
/** What a wallet answers for a signature that it takes: the selector of that function. */
const magic = wallet.getFunction('isValidSignature')!.selector;

/** Whether an account signed a digest, as the contracts see it: by its key, else by the wallet at its address (ERC-1271). */
export async function isSignedBy(
  { rpc, crypto }: Pick<GovernanceSource, 'rpc' | 'crypto'>,
  account: Address,
  digest: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  try {
    if (recoverAddress(crypto, digest, signature) === account) return true;
  } catch (error) {
    // No signature of a key: the wallet may take it.
    if (!isNotariumError(error)) throw error;
  }
  const data = wallet.encodeFunctionData('isValidSignature', [toHex(digest) as Hash, signature]) as Hex;
  try {
    const answer = String(await rpc('eth_call', [{ to: account, data }, 'latest']));
    // An account without code answers nothing.
    return answer.slice(0, 66) === magic.padEnd(66, '0');
  } catch (error) {
    if (error instanceof JsonRpcError && isRevert(error)) return false;
    throw error;
  }
}
