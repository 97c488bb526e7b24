/**
 * Ignition notes a transaction before it sends it and its hash after. A process that dies between the two leaves the
 * question whether the chain has it; here the chain is asked, so that nobody has to look into a block explorer.
 */
import { type ArtifactResolver, type EIP1193Provider, trackTransaction, wipe } from '@nomicfoundation/ignition-core';

type LostTransaction = { futureId: string; nonce: number; sender: string };

/** How many blocks back a transaction is looked for. */
const depthBlocks = 1_000;

/** What Ignition's error HHE10410 says, or undefined for any other error. */
export function lostTransactionOf(error: unknown): LostTransaction | undefined {
  if (!(error instanceof Error) || !('number' in error) || error.number !== 10410) return undefined;
  return (error as unknown as { messageArguments: LostTransaction }).messageArguments;
}

/**
 * Tells the journal what became of the transaction: forgotten when the chain never had it, or its hash.
 * @returns Whether the question is settled, so that the deployment can go on.
 */
export async function settleLostTransaction(
  lost: LostTransaction,
  stateDir: string,
  provider: EIP1193Provider,
  artifactResolver: ArtifactResolver,
): Promise<boolean> {
  const count = async (tag: string): Promise<number> =>
    Number(await provider.request({ method: 'eth_getTransactionCount', params: [lost.sender, tag] }));
  if ((await count('pending')) <= lost.nonce) {
    await wipe(stateDir, artifactResolver, lost.futureId);
    return true;
  }
  const latest = Number(await provider.request({ method: 'eth_blockNumber' }));
  for (let number = latest; number > Math.max(0, latest - depthBlocks); number -= 1) {
    const block = (await provider.request({
      method: 'eth_getBlockByNumber',
      params: [`0x${number.toString(16)}`, true],
    })) as { transactions: { from: string; nonce: string; hash: string }[] };
    const found = block.transactions.find(
      ({ from, nonce }) => from.toLowerCase() === lost.sender.toLowerCase() && Number(nonce) === lost.nonce,
    );
    if (found === undefined) continue;
    await trackTransaction(stateDir, found.hash, provider, 1);
    return true;
  }
  return false;
}
