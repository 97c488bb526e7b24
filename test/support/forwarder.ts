import type { Address, Hex } from '../../services/core/bytes.ts';
import type { JsonRpc } from '../../services/lib/jsonRpc.ts';
import { devAddress } from './chains.ts';
import { until } from './until.ts';

/**
 * Code of a contract that calls the address in the first 20 bytes of its data with what follows after some bytes more:
 * size = calldatasize - skip; calldatacopy(0, skip, size); call(gas, calldataload(0) >> 96, 0, 0, size, 0, 0); stop.
 */
export function forwarderCode(leftOutBytes = 0): Hex {
  const skip = (20 + leftOutBytes).toString(16).padStart(4, '0');
  return creationCode(`61${skip}36038061${skip}5f375f5f825f5f5f3560601c5af100`);
}

/** The same without anything left out, but the first byte of the call is put in here: its data does not show the call. */
export function hidingForwarderCode(byte: string): Hex {
  return creationCode(`36601490038060145f3760${byte}5f535f5f825f5f5f3560601c5af100`);
}

/** Deploys a contract of that code, from development account 7. */
export async function deployForwarder(rpc: JsonRpc, code: Hex): Promise<Address> {
  return (await mined(rpc, { data: code })).contractAddress;
}

/** Sends it an address and the data for it, from development account 7. */
export async function sendThrough(rpc: JsonRpc, forwarder: Address, target: Address, data: Hex): Promise<void> {
  await mined(rpc, { to: forwarder, data: `${target}${data.slice(2)}` });
}

// Copies the code that follows into memory, and returns it.
function creationCode(code: string): Hex {
  return `0x60${(code.length / 2).toString(16).padStart(2, '0')}8060095f395ff3${code}`;
}

async function mined(rpc: JsonRpc, transaction: object): Promise<{ contractAddress: Address }> {
  const hash = await rpc('eth_sendTransaction', [{ from: devAddress(7), gas: '0x7a1200', ...transaction }]);
  return until('it is mined', async () => {
    const receipt = await rpc('eth_getTransactionReceipt', [hash]);
    return (receipt ?? undefined) as { contractAddress: Address } | undefined;
  });
}
