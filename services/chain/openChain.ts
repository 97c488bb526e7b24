import { zeroHash } from '../core/block.ts';
import type { Address, Hash } from '../core/bytes.ts';
import type { Committee } from '../core/committee.ts';
import type { Crypto } from '../core/crypto.ts';
import { NotariumError } from '../core/errors.ts';
import type { Signer } from '../core/signature.ts';
import { type JsonRpc, JsonRpcError, jsonRpc } from '../lib/jsonRpc.ts';
import { loadCrypto } from '../lib/nativeCrypto.ts';
import { admissionOf } from './admission/admissionOf.ts';
import type { AnchoredBlock, Chain, ChainInfo } from './Chain.ts';
import { type CallSenders, callSendersOf, defaultMaxFeePerGasWei, type SendingOptions } from './callSendersOf.ts';
import { guarded } from './chainError.ts';
import { openChannelsOn } from './channels/openChannelsOn.ts';
import { blockAnchorAt, consortiumGovernorAt, nodeRegistryAt, resourceRegistryAt } from './contracts.ts';
import type { Governance } from './Governance.ts';
import { currentFees } from './gasFees.ts';
import { findGovernance } from './governance/findGovernance.ts';
import { governanceOf } from './governance/governanceOf.ts';
import { guardsOf } from './guardsOf.ts';
import { type AnchorSource, anchoredBlocks, findAnchor } from './readAnchors.ts';
import { readGenesis, readInfo } from './readInfo.ts';
import { committeeAt, currentCommittee, nodesReader } from './readRegistry.ts';
import { reportEquivocation } from './reportEquivocation.ts';
import { AnchorSender } from './sendAnchor.ts';
import { transactionStatus } from './transactionStatus.ts';

/** How to open a {@link Chain}. */
export type ChainOptions = SendingOptions & {
  readonly rpcUrl: string;
  /** `BlockAnchor`. */
  readonly contract: Address;
  /** Expected chain id; any other is `chain-mismatch`. */
  readonly chainId?: number;
  /** Expected hash of chain block 0; any other is `chain-mismatch`. */
  readonly genesisHash?: Hash;
  /** Signs and pays for anchors and reports; without it the chain can be read only. */
  readonly signer?: Signer;
  /** Chain block of the deployment: no event is looked for before it. */
  readonly fromBlock?: number;
  /** Longest wait for one answer of the RPC; 10 seconds by default. */
  readonly timeoutMs?: number;
  /** Ends all that is under way. */
  readonly signal?: AbortSignal;
};

/**
 * Opens a chain: checks chain id, contract and EIP-712 domain, and reads what never changes.
 * @throws NotariumError `chain-unreachable`, `chain-mismatch`, `chain-contract-missing`, `chain-answer-invalid`.
 */
export async function openChain(options: ChainOptions): Promise<Chain> {
  const closing = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, closing.signal]) : closing.signal;
  const { timeoutMs } = options;
  const rpc = jsonRpc(options.rpcUrl, { signal, ...(timeoutMs === undefined ? {} : { timeoutMs }) });
  const info = await guarded(() => readInfo(rpc, options));
  const close = (): void => closing.abort(new NotariumError('shutting-down', 'the chain was closed'));
  const { chain, lookForGovernor } = chainOf(rpc, info, { ...options, signal, crypto: await loadCrypto() }, close);
  await guarded(lookForGovernor);
  return chain;
}

function chainOf(
  rpc: JsonRpc,
  info: ChainInfo,
  options: ChainOptions & { signal: AbortSignal; crypto: Crypto },
  close: () => void,
): { readonly chain: Chain; readonly lookForGovernor: () => Promise<void> } {
  const { signer, fromBlock = 0, crypto } = options;
  const contract = blockAnchorAt(info.contract, rpc);
  const registry = nodeRegistryAt(info.registry, rpc);
  const readNodes = nodesReader(info.registry, rpc);
  const committees = new Map<number, Committee>();

  const committee = async (epoch?: number): Promise<Committee> => {
    const known = epoch === undefined ? undefined : committees.get(epoch);
    if (known) return known;
    const read = epoch === undefined ? await currentCommittee(registry) : await committeeAt(registry, epoch);
    committees.set(read.epoch, read);
    return read;
  };
  const storedHash = async (height: number): Promise<Hash | undefined> => {
    const hash = (await contract.blockHash(height)) as Hash;
    return hash === zeroHash ? undefined : hash;
  };
  const newestBlock = async (): Promise<number> => Number(await rpc('eth_blockNumber', []));
  const source: AnchorSource = { rpc, info, fromBlock, storedHash, committee, newestBlock, crypto };
  const senders = signer && sendersOf(rpc, info, signer, options, { storedHash, committee });
  const checkInstance = async (): Promise<void> => void (await readGenesis(rpc, info.contract, info.genesisHash));
  const needSenders = (): Senders => {
    if (!senders) throw new NotariumError('key-missing', 'the chain was opened without a signer');
    return senders;
  };

  const guards = guardsOf(checkInstance);
  const checked = guards.read;
  const admission = admissionOf(
    { rpc, registry: { chainId: info.chainId, contract: info.registry }, nodes: registry, senders: needSenders },
    guards,
  );

  let governance: Governance | undefined;
  const lookForGovernor = async (): Promise<void> => {
    const contracts = await findGovernance(rpc, info.registry, registry);
    if (!contracts) return;
    const source = {
      rpc,
      chainId: info.chainId,
      contracts,
      fromBlock,
      governor: consortiumGovernorAt(contracts.governor, rpc),
      resources: resourceRegistryAt(contracts.resources, rpc),
      committee,
      senders: needSenders,
      crypto,
    };
    governance = governanceOf(source, guards);
  };

  const chain: Chain = {
    info,
    account: signer?.address,
    get governance() {
      return governance;
    },
    admission,
    channels: (contract) => {
      const { chainId, genesisHash } = info;
      return guarded(() =>
        openChannelsOn(
          { rpc, senders: needSenders, account: signer?.address, fromBlock },
          { contract, chainId, genesisHash },
        ),
      );
    },
    checkInstance: () => guarded(checkInstance),
    committee: (epoch) => checked(() => committee(epoch)),
    committees: () =>
      checked(async () => {
        const { epoch } = await committee();
        const all: Committee[] = [];
        for (let each = 1; each <= epoch; each++) all.push(await committee(each));
        return all;
      }),
    nodes: () =>
      checked(async () => {
        if (!governance) await lookForGovernor();
        return await readNodes();
      }),
    head: () => checked(async () => Number(await contract.head())),
    blockHash: (height) => checked(() => storedHash(height)),
    findAnchor: (height, hash, hint) =>
      checked(async () => {
        const anchor = await findAnchor(source, height, hash, hint);
        // "The anchor vanished" and "this is another chain" call for different things.
        if (!anchor) await checkInstance();
        return anchor;
      }),
    anchoredBlocks: (fromHeight, toHeight) => checkedBlocks(anchoredBlocks(source, fromHeight, toHeight), checked),
    submitAnchor: (request, sendOptions) =>
      checked(async () => {
        await checkInstance();
        return needSenders().anchors.submit(request, sendOptions);
      }),
    replaceAnchor: (stuck, request, sendOptions) =>
      checked(async () => {
        await checkInstance();
        return needSenders().anchors.replace(stuck, request, sendOptions);
      }),
    reportEquivocation: (first, second, reportOptions) =>
      checked(async () => {
        await checkInstance();
        const { account, calls } = needSenders();
        return reportEquivocation({ rpc, info, account, calls }, first, second, reportOptions?.signal);
      }),
    transactionStatus: (hash) => checked(() => transactionStatus(rpc, hash)),
    pendingCount: () =>
      checked(async () => {
        const account = signer?.address;
        if (!account) return 0;
        const mined = Number(await rpc('eth_getTransactionCount', [account, 'latest']));
        return Number(await rpc('eth_getTransactionCount', [account, 'pending'])) - mined;
      }),
    chainTime: () => checked(() => chainTime(rpc)),
    balance: (address = signer?.address) =>
      checked(async () => (address ? BigInt(String(await rpc('eth_getBalance', [address, 'latest']))) : 0n)),
    isGasFree: () =>
      checked(async () => {
        const { maxFeePerGasWei = defaultMaxFeePerGasWei } = options;
        const fees = await currentFees(rpc, maxFeePerGasWei);
        return (fees.type === 0 ? fees.gasPriceWei : fees.maxFeePerGasWei) === 0n;
      }),
    close,
  };
  return { chain, lookForGovernor };
}

type Senders = CallSenders & { readonly anchors: AnchorSender };

// All send from one account, so both take their nonces from one place.
function sendersOf(
  rpc: JsonRpc,
  info: ChainInfo,
  signer: Signer,
  options: ChainOptions & { signal: AbortSignal },
  reads: Pick<AnchorSource, 'storedHash' | 'committee'>,
): Senders {
  const { account, calls } = callSendersOf(rpc, info.chainId, signer, options);
  return { account, anchors: new AnchorSender({ rpc, info, account, logger: options.logger, ...reads }), calls };
}

async function* checkedBlocks(
  blocks: AsyncIterator<AnchoredBlock>,
  checked: <T>(run: () => Promise<T>) => Promise<T>,
): AsyncGenerator<AnchoredBlock, void, void> {
  for (;;) {
    const { value, done } = await checked(() => blocks.next());
    if (done) return;
    yield value;
  }
}

type RawBlock = { number: string; timestamp: string };

async function chainTime(
  rpc: JsonRpc,
): Promise<{ blockNumber: number; latestSeconds: number; pendingSeconds: number | undefined }> {
  const latest = (await rpc('eth_getBlockByNumber', ['latest', false])) as RawBlock;
  const pending = await pendingBlock(rpc);
  return {
    blockNumber: Number(latest.number),
    latestSeconds: Number(latest.timestamp),
    pendingSeconds: pending ? Number(pending.timestamp) : undefined,
  };
}

async function pendingBlock(rpc: JsonRpc): Promise<RawBlock | null> {
  try {
    return (await rpc('eth_getBlockByNumber', ['pending', false])) as RawBlock | null;
  } catch (error) {
    // Some nodes do not show a block before it is there.
    if (error instanceof JsonRpcError) return null;
    throw error;
  }
}
