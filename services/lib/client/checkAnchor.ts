import type { Anchor } from '../../core/block.ts';
import { type Hash, toHex, utf8 } from '../../core/bytes.ts';
import { portableCrypto } from '../../core/crypto.ts';
import { uintWord } from '../../core/eip712.ts';
import { NotariumError } from '../../core/errors.ts';
import { JsonRpcError, type JsonRpcOptions, jsonRpc } from '../jsonRpc.ts';

const anchoredTopic = toHex(portableCrypto.keccak256(utf8('Anchored(uint64,bytes32,uint64,uint64,bytes32)')));

/**
 * Checks what a receipt says about the transaction: that it emitted `Anchored` for this block in the contract, and when.
 * The proof does not need it (`BlockAnchor.blockHash` decides); people read the transaction and the time.
 * @throws NotariumError `receipt-anchor-mismatch`, `chain-unreachable`.
 */
export async function checkAnchor(
  rpcUrl: string,
  anchor: Anchor,
  block: { height: number; hash: Hash },
  options: JsonRpcOptions = {},
): Promise<void> {
  const rpc = jsonRpc(rpcUrl, options);
  const mismatch = (field: string, have: unknown, want: unknown): NotariumError =>
    new NotariumError('receipt-anchor-mismatch', field, { data: { field, have, want } });
  try {
    const transaction = asObject(await rpc('eth_getTransactionReceipt', [anchor.transactionHash]));
    if (!transaction) throw mismatch('transactionHash', anchor.transactionHash, null);
    const logs = Array.isArray(transaction.logs) ? transaction.logs.map(asObject) : [];
    const topics = [anchoredTopic, toHex(uintWord(block.height)), block.hash].join();
    const anchored = logs.some(
      (log) =>
        String(log?.address).toLowerCase() === anchor.contract &&
        Array.isArray(log?.topics) &&
        log.topics.join().toLowerCase() === topics,
    );
    if (!anchored) throw mismatch('transactionHash', anchor.transactionHash, null);
    if (Number(transaction.blockNumber) !== anchor.blockNumber) {
      throw mismatch('blockNumber', anchor.blockNumber, Number(transaction.blockNumber));
    }
    const chainBlock = asObject(await rpc('eth_getBlockByNumber', [transaction.blockNumber, false]));
    if (Number(chainBlock?.timestamp) !== anchor.timestamp) {
      throw mismatch('timestamp', anchor.timestamp, Number(chainBlock?.timestamp));
    }
  } catch (cause) {
    if (!(cause instanceof JsonRpcError)) throw cause;
    throw new NotariumError('chain-unreachable', cause.message, { cause });
  }
}

function asObject(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
}

/**
 * Time of the chain's newest block, in Unix milliseconds.
 * @throws NotariumError `chain-unreachable`.
 */
export async function chainTimeMs(rpcUrl: string, options: JsonRpcOptions = {}): Promise<number> {
  try {
    const block = asObject(await jsonRpc(rpcUrl, options)('eth_getBlockByNumber', ['latest', false]));
    const timestamp = Number(block?.timestamp);
    if (Number.isSafeInteger(timestamp)) return timestamp * 1000;
    throw new NotariumError('chain-unreachable', 'the newest block has no time');
  } catch (cause) {
    if (!(cause instanceof JsonRpcError)) throw cause;
    throw new NotariumError('chain-unreachable', cause.message, { cause });
  }
}
