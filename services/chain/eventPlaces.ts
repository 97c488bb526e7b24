import type { Hash } from '../core/bytes.ts';
import { invalidAnswer } from '../lib/invalidAnswer.ts';
import type { JsonRpc } from '../lib/jsonRpc.ts';
import { fewAtOnce } from './fewAtOnce.ts';
import type { EventPlace } from './Governance.ts';
import type { RawLog } from './logPages.ts';
import { blockAt } from './readBlocks.ts';

/**
 * Where each event stands, in the order of the logs, with the time of its block.
 * @throws NotariumError `chain-answer-invalid` where a block was replaced while its events were read; ask again.
 */
export async function eventPlaces(rpc: JsonRpc, logs: readonly RawLog[]): Promise<EventPlace[]> {
  const blocks = new Map(logs.map(({ blockNumber, blockHash }) => [blockHash as Hash, Number(blockNumber)]));
  // By the hash: a time is that of the very block that the log says it is in.
  const times = await fewAtOnce([...blocks], async ([hash, blockNumber]): Promise<[Hash, number]> => {
    const block = await blockAt(rpc, blockNumber);
    if (block?.hash !== hash) throw invalidAnswer(`block ${blockNumber} was replaced`);
    return [hash, block.timestamp];
  });
  const timeOf = new Map(times);
  return logs.map((log) => ({
    blockNumber: Number(log.blockNumber),
    blockHash: log.blockHash as Hash,
    logIndex: Number(log.logIndex),
    transactionHash: log.transactionHash as Hash,
    timestamp: timeOf.get(log.blockHash as Hash)!,
  }));
}
