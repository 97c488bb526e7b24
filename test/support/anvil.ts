import { id as keccakText } from 'ethers';
import type { Address, Hash } from '../../services/core/bytes.ts';
import { type JsonRpc, jsonRpc } from '../../services/lib/jsonRpc.ts';

/** A transaction as anvil's `txpool_content` shows it. */
export type PooledTransaction = { readonly hash: Hash; readonly nonce: string; readonly maxFeePerGas: string };

/** What tests do to an anvil: https://getfoundry.sh/anvil/reference. */
export type AnvilControl = {
  readonly rpc: JsonRpc;
  automine(on: boolean): Promise<void>;
  mine(blocks?: number): Promise<void>;
  /** Replaces the newest blocks by empty ones. */
  reorganise(depth: number): Promise<void>;
  /** Transactions that wait for a block. */
  pending(): Promise<PooledTransaction[]>;
  /** Events `Anchored` of a height that are on the chain. */
  anchorsAt(contract: Address, height: number): Promise<unknown[]>;
};

const anchored = keccakText('Anchored(uint64,bytes32,uint64,uint64,bytes32)');

export function anvilControl(rpcUrl: string): AnvilControl {
  const rpc = jsonRpc(rpcUrl);
  return {
    rpc,
    automine: async (on) => void (await rpc('evm_setAutomine', [on])),
    mine: async (blocks = 1) => void (await rpc('anvil_mine', [`0x${blocks.toString(16)}`])),
    async reorganise(depth) {
      await rpc('anvil_reorg', [depth, []]);
      // anvil goes on with the time of the block that it has replaced; a real chain goes with the world's.
      await rpc('evm_setTime', [Math.floor(Date.now() / 1000)]);
    },
    async pending() {
      const content = (await rpc('txpool_content', [])) as {
        pending: Record<string, Record<string, PooledTransaction>>;
      };
      return Object.values(content.pending).flatMap((byNonce) => Object.values(byNonce));
    },
    async anchorsAt(contract, height) {
      const topics = [anchored, `0x${height.toString(16).padStart(64, '0')}`];
      return (await rpc('eth_getLogs', [{ address: contract, fromBlock: '0x0', topics }])) as unknown[];
    },
  };
}
