import type { AnchorOutcome, Chain, SentTransaction } from '../../../services/chain/Chain.ts';
import { type ChainOptions, openChain } from '../../../services/chain/openChain.ts';
import { type Address, concat, type Hash, toHex } from '../../../services/core/bytes.ts';
import { memoryTree } from '../../../services/core/log/memoryTree.ts';
import { buildReceipt, type Receipt } from '../../../services/core/receipt.ts';
import type { CheckedRecord } from '../../../services/core/record.ts';
import { leafHash } from '../../../services/core/sha256.ts';
import { type JsonRpc, jsonRpc } from '../../../services/lib/jsonRpc.ts';
import { localSigner } from '../../../services/lib/localSigner.ts';
import { silentLogger } from '../../../services/lib/logger.ts';
import { loadCrypto } from '../../../services/lib/nativeCrypto.ts';
import { type DeployedNotarium, deployNotarium, devAddress, devKey } from '../../support/chains.ts';
import { type TestBlock, type TestLog, testLog } from '../../support/testLog.ts';
import { until } from '../../support/until.ts';

export const crypto = await loadCrypto();

/** A fresh deployment for one test, with a committee of four development accounts. */
export type ChainKit = {
  readonly chain: Chain;
  readonly log: TestLog;
  readonly rpc: JsonRpc;
  readonly deployed: DeployedNotarium;
  /** Opens one more view of the same deployment. */
  open(options?: Partial<ChainOptions>): Promise<Chain>;
  /** The same without a signer. */
  openReader(options?: Partial<ChainOptions>): Promise<Chain>;
};

const firstSlotAgeSeconds = 5_000;

/** Deploys and opens; account 8 pays, unless another signer is given. `more` are members beside the four. */
export async function chainKit(
  rpcUrl: string,
  options: Partial<ChainOptions> = {},
  more: readonly Address[] = [],
): Promise<ChainKit> {
  const committee = [...[0, 1, 2, 3].map(devAddress), ...more].map((address) => ({ address }));
  const deployed = await deployNotarium(rpcUrl, { committee });
  const { contract, fromBlock } = deployed;
  const openReader = (given: Partial<ChainOptions> = {}): Promise<Chain> =>
    openChain({ rpcUrl, contract, fromBlock, logger: silentLogger, ...given });
  const open = (given: Partial<ChainOptions> = {}): Promise<Chain> =>
    openReader({ signer: localSigner(devKey(8), crypto), ...given });
  const chain = await open(options);
  const { latestSeconds } = await chain.chainTime();
  const firstSlot = latestSeconds - firstSlotAgeSeconds;
  const log = testLog({ network: chain.info.network, crypto, members: 4, firstSlot });
  return { chain, log, rpc: jsonRpc(rpcUrl), deployed, open, openReader };
}

/** Sends an anchor, waits until it is in a block, and gives the transaction. */
export async function anchored(chain: Chain, block: TestBlock): Promise<Hash> {
  const outcome = await chain.submitAnchor(block);
  if (outcome.status !== 'sent') throw new Error('anchored already');
  const { hash } = outcome.transaction;
  await until('the anchor is mined', async () => (await chain.transactionStatus(hash)).status === 'mined');
  return hash;
}

/** All items of an async iterable. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** Anchors a first block over the records, and gives a receipt for each. */
export async function anchoredReceipts(
  { chain, log }: ChainKit,
  records: readonly CheckedRecord[],
): Promise<Receipt[]> {
  const tree = memoryTree(concat(...records.map(({ entry }) => leafHash(entry))));
  const block = await log.seal({ treeSize: tree.size, root: toHex(tree.root) });
  await anchored(chain, block);
  const { confirmations: _, ...anchor } = (await chain.findAnchor(1, block.hash))!;
  const { header, signatures } = block;
  return records.map(({ entry }, leafIndex) =>
    buildReceipt({ entry, leafIndex, path: tree.path(leafIndex), block: header, signatures, anchor }),
  );
}

/** The transaction of an anchor call, which must have sent one. */
export function sent(outcome: AnchorOutcome): SentTransaction {
  if (outcome.status !== 'sent') throw new Error('nothing was sent');
  return outcome.transaction;
}
