import type { Address, Hash } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';
import type { Signer } from '../../core/signature.ts';
import { jsonRpc } from '../../lib/jsonRpc.ts';
import { callSendersOf, type SendingOptions } from '../callSendersOf.ts';
import { guarded } from '../chainError.ts';
import type { ChannelChain } from './ChannelChain.ts';
import { openChannelsOn } from './openChannelsOn.ts';

/** How to open evidence channels where nothing else of a network is known. */
export type ChannelChainOptions = SendingOptions & {
  readonly rpcUrl: string;
  /** `EvidenceChannels`. */
  readonly contract: Address;
  /** Expected chain id; any other is `chain-mismatch`. */
  readonly chainId?: number;
  /** Expected hash of chain block 0; any other is `chain-mismatch`. */
  readonly genesisHash?: Hash;
  /** Signs and pays for transactions; without it channels can be read only. */
  readonly signer?: Signer;
  /** Chain block of the deployment: no event is looked for before it. */
  readonly fromBlock?: number;
  /** Longest wait for one answer of the RPC; 10 seconds by default. */
  readonly timeoutMs?: number;
  /** Ends all that is under way. */
  readonly signal?: AbortSignal;
};

/**
 * Opens `EvidenceChannels` of a chain by its address alone. Open it once for an account of a process; a centre takes
 * `Chain.channels` instead, which sends by the same sender as its anchors.
 * @throws NotariumError `chain-unreachable`, `chain-mismatch`, `chain-contract-missing`, `chain-answer-invalid`.
 */
export async function openChannelChain(options: ChannelChainOptions): Promise<ChannelChain> {
  const { signer, fromBlock = 0, timeoutMs, contract, genesisHash } = options;
  const closing = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, closing.signal]) : closing.signal;
  const rpc = jsonRpc(options.rpcUrl, { signal, ...(timeoutMs === undefined ? {} : { timeoutMs }) });
  return await guarded(async () => {
    const chainId = Number(await rpc('eth_chainId', []));
    if (options.chainId !== undefined && options.chainId !== chainId) {
      throw new NotariumError('chain-mismatch', 'chain id', { data: { have: chainId, want: options.chainId } });
    }
    const made = signer && callSendersOf(rpc, chainId, signer, { ...options, signal });
    const senders = () => {
      if (!made) throw new NotariumError('key-missing', 'the channels were opened without a signer');
      return made;
    };
    const connection = { rpc, senders, account: signer?.address, fromBlock };
    const place = { contract, chainId, ...(genesisHash === undefined ? {} : { genesisHash }) };
    return {
      ...(await openChannelsOn(connection, place)),
      close: () => closing.abort(new NotariumError('shutting-down', 'the chain was closed')),
    };
  });
}
