/**
 * Gives accounts coins for gas and deposits on a local chain, from its first account, whose key the whole world knows.
 *
 * usage: npx node scripts/fund.ts [ADDRESS | DATA FOLDER]…     (your own key when none is given, as `notarium channel` takes it)
 *
 * The chain is NOTARIUM_RPC_URL, else that of `npm start`.
 */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { computeAddress, formatEther } from 'ethers';
import { personalKey } from '../services/cli/personalKey.ts';
import { type Address, isHex, toHex } from '../services/core/bytes.ts';
import { isNotariumError } from '../services/core/errors.ts';
import { jsonRpc } from '../services/lib/jsonRpc.ts';
import { readKeystore } from '../services/lib/keystore.ts';
import { fund } from './support/localCentre.ts';

async function addressOf(text: string): Promise<Address> {
  const address = text.toLowerCase();
  return isHex(address, 20) ? address : (await readKeystore(join(text, 'keystore'))).address;
}

async function ownAddress(): Promise<Address> {
  const { privateKey } = await personalKey(homedir());
  return computeAddress(toHex(privateKey)).toLowerCase() as Address;
}

async function run(given: readonly string[]): Promise<void> {
  const rpcUrl = process.env.NOTARIUM_RPC_URL ?? 'http://127.0.0.1:8545';
  const rpc = jsonRpc(rpcUrl);
  const addresses = given.length === 0 ? [await ownAddress()] : await Promise.all(given.map(addressOf));
  if (((await rpc('eth_accounts', [])) as readonly string[]).length === 0)
    throw new Error(`${rpcUrl} is no development chain: pay coins in from an account of yours`);
  for (const address of addresses) {
    await fund(rpcUrl, address);
    const balance = BigInt(String(await rpc('eth_getBalance', [address, 'latest'])));
    process.stdout.write(`${address} has ${formatEther(balance)} ether\n`);
  }
}

try {
  await run(process.argv.slice(2));
} catch (error) {
  const { message } = error as Error;
  process.stderr.write(`✘ ${isNotariumError(error) ? `${error.code}: ${message}` : message}\n`);
  process.exitCode = 1;
}
