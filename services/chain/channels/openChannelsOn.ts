import type { Address, Hash } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';
import { JsonRpcError } from '../../lib/jsonRpc.ts';
import { revertReason } from '../chainError.ts';
import { evidenceChannelsAt } from '../contracts.ts';
import { deploymentBlock } from '../deploymentBlock.ts';
import { guardsOf } from '../guardsOf.ts';
import { blockAt, newestBlock } from '../readBlocks.ts';
import { readGenesis } from '../readInfo.ts';
import type { ChangeSource } from '../sendCall.ts';
import type { ChannelChain } from './ChannelChain.ts';
import type { ChannelSource } from './ChannelSource.ts';
import { changesOf } from './changes.ts';
import { lastEvent, readEvents } from './readEvents.ts';
import { viewsOf } from './views.ts';

/** The connection that channels are used over. */
export type ChannelConnection = ChangeSource & { readonly account: Address | undefined; readonly fromBlock: number };

const zero = `0x${'0'.repeat(64)}`;

/**
 * Evidence channels over a connection that others may use too; its `close` does nothing.
 * @throws NotariumError `chain-contract-missing`, `chain-mismatch`.
 */
export async function openChannelsOn(
  { rpc, senders, account, fromBlock }: ChannelConnection,
  place: { readonly contract: Address; readonly chainId: number; readonly genesisHash?: Hash },
): Promise<ChannelChain> {
  const address = place.contract.toLowerCase() as Address;
  const genesisHash = await readGenesis(rpc, address, place.genesisHash);
  const contract = evidenceChannelsAt(address, rpc);
  await contract.statusOf(zero).catch((cause: unknown) => {
    if (!(cause instanceof JsonRpcError) || !revertReason(cause)) throw cause;
    throw new NotariumError('chain-contract-missing', `${address} is another contract`, { cause });
  });
  const network = { chainId: place.chainId, contract: address };
  const source: ChannelSource = { rpc, senders, network, contract, fromBlock, account };
  const guards = guardsOf(async () => void (await readGenesis(rpc, address, genesisHash)));
  const { read } = guards;
  const views = guardedBy(viewsOf(source), read);
  const changes = guardedBy(changesOf(source), guards.change);
  let first: Promise<number> | undefined;
  return {
    network,
    genesisHash,
    account,
    newestBlock: () => read(() => newestBlock(rpc)),
    blockAt: (blockNumber) => read(() => blockAt(rpc, blockNumber)),
    firstBlock: () => {
      first ??= read(async () => (await deploymentBlock(rpc, address, fromBlock)) ?? fromBlock);
      first.catch(() => {
        first = undefined;
      });
      return first;
    },
    events: (from, to) => read(() => readEvents(source, from, to)),
    opening: (channelId) => read(() => lastEvent(source, 'opened', channelId)),
    lastClosing: (channelId) => read(() => lastEvent(source, 'closing', channelId)),
    settlement: (channelId) => read(() => lastEvent(source, 'settled', channelId)),
    ...views,
    ...changes,
    close: () => undefined,
  };
}

type Asking = (...args: never[]) => Promise<unknown>;

function guardedBy<T extends Record<string, Asking>>(calls: T, guard: <R>(run: () => Promise<R>) => Promise<R>): T {
  const guarded = Object.entries(calls).map(([name, call]) => [name, (...args: never[]) => guard(() => call(...args))]);
  return Object.fromEntries(guarded) as T;
}
