import type { Address } from '../../core/bytes.ts';
import { isNotariumError } from '../../core/errors.ts';
import { recoverAddress } from '../../core/signature.ts';
import { isTakenByWallet } from '../../lib/walletSignature.ts';
import type { GovernanceSource } from './GovernanceSource.ts';

/** Whether an account signed a digest, as the governor sees it: by its key, else by the wallet at its address (ERC-1271). */
export async function isSignedBy(
  { rpc, crypto, contracts }: Pick<GovernanceSource, 'rpc' | 'crypto' | 'contracts'>,
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
  return await isTakenByWallet(rpc, { account, asker: contracts.governor }, digest, signature);
}
