import { type Address, concat, fromHex, toHex } from '../core/bytes.ts';
import { uintWord } from '../core/eip712.ts';
import { type JsonRpc, JsonRpcError } from './jsonRpc.ts';
import { isRevert } from './revertData.ts';

// First four bytes of keccak256('isValidSignature(bytes32,bytes)'): also what a wallet answers for a signature that it takes.
const magic = '0x1626ba7e';

/**
 * Whether the contract wallet at an address takes a signature over a digest now (ERC-1271). An address without code takes none.
 * @param asker The contract that would ask: there are wallets that answer one and not another.
 * @throws JsonRpcError but for a revert; NotariumError `chain-unreachable`.
 */
export async function isTakenByWallet(
  rpc: JsonRpc,
  { account, asker }: { readonly account: Address; readonly asker: Address },
  digest: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  const padding = new Uint8Array((32 - (signature.length % 32)) % 32);
  // The digest, where the bytes begin, how many they are, and they themselves.
  const args = concat(digest, uintWord(64), uintWord(signature.length), signature, padding);
  const data = toHex(concat(fromHex(magic), args));
  try {
    const answer = await rpc('eth_call', [{ from: asker, to: account, data }, 'latest']);
    return String(answer).slice(0, 66) === magic.padEnd(66, '0');
  } catch (error) {
    if (error instanceof JsonRpcError && isRevert(error)) return false;
    throw error;
  }
}
