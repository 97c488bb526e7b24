/** A chain by its JSON-RPC URL, as Ignition wants it; signs by itself when it is given a key. */
import type { EIP1193Provider } from '@nomicfoundation/ignition-core';
import { type TransactionRequest, Wallet } from 'ethers';

type SentTransaction = {
  to?: string;
  data?: string;
  value?: string;
  gas?: string;
  nonce?: string;
  maxFeePerGas?: string;
  maxPriorityFeePerGas?: string;
  gasPrice?: string;
};

/**
 * @param url The chain's JSON-RPC URL.
 * @param privateKey Signs `eth_sendTransaction`; without it the chain's own unlocked accounts are used.
 */
export function rpcProvider(url: string, privateKey?: string): EIP1193Provider {
  const send = jsonRpc(url);
  if (privateKey === undefined) return { request: ({ method, params }) => send(method, params) };
  const wallet = new Wallet(privateKey);
  return {
    request: async ({ method, params }) => {
      if (method === 'eth_accounts' || method === 'eth_requestAccounts') return [wallet.address];
      if (method !== 'eth_sendTransaction') return await send(method, params);
      const [sent] = params as [SentTransaction];
      const transaction: TransactionRequest = {
        chainId: BigInt((await send('eth_chainId')) as string),
        to: sent.to ?? null,
        data: sent.data ?? '0x',
        value: sent.value ?? '0x0',
        gasLimit: sent.gas ?? ((await send('eth_estimateGas', [{ ...sent, from: wallet.address }])) as string),
        nonce: Number(sent.nonce ?? (await send('eth_getTransactionCount', [wallet.address, 'pending']))),
        ...(sent.gasPrice === undefined
          ? {
              type: 2,
              maxFeePerGas: sent.maxFeePerGas ?? null,
              maxPriorityFeePerGas: sent.maxPriorityFeePerGas ?? null,
            }
          : { type: 0, gasPrice: sent.gasPrice }),
      };
      return await send('eth_sendRawTransaction', [await wallet.signTransaction(transaction)]);
    },
  };
}

/** Plain JSON-RPC over HTTP; the chain's own error goes through, since Ignition reads its text. */
function jsonRpc(url: string): (method: string, params?: unknown) => Promise<unknown> {
  let id = 0;
  return async (method, params = []) => {
    id += 1;
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id, method, params }),
      signal: AbortSignal.timeout(30_000),
    });
    const answer = (await response.json()) as {
      result?: unknown;
      error?: { code: number; message: string; data?: unknown };
    };
    if (answer.error !== undefined) {
      throw Object.assign(new Error(answer.error.message), { code: answer.error.code, data: answer.error.data });
    }
    return answer.result;
  };
}
