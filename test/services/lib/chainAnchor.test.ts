import { expect } from 'chai';
import { Interface } from 'ethers';
import blockAnchorAbi from '../../../services/chain/abi/BlockAnchor.json' with { type: 'json' };
import type { Hash } from '../../../services/core/bytes.ts';
import type { AnchorQuery } from '../../../services/core/verifyReceipt.ts';
import { chainAnchor } from '../../../services/lib/chainAnchor.ts';
import { type RunningChain, startChain } from '../../support/chains.ts';
import { expectCode } from '../../support/expectCode.ts';
import { type Interception, rpcProxy } from '../../support/rpcProxy.ts';
import { anchored, type ChainKit, chainKit } from '../chain/chainKit.ts';

const unknownHash = `0x${'12'.repeat(32)}` as Hash;

describe('lib/chainAnchor', () => {
  let running: RunningChain;
  let kit: ChainKit;
  /** Of the second of two anchored blocks. */
  let query: AnchorQuery;
  let place: { blockNumber: number; timestamp: number };
  let firstHash: Hash;

  before(async () => {
    running = await startChain({ kind: 'anvil' });
    kit = await chainKit(running.rpcUrl);
    firstHash = await anchored(kit.chain, await kit.log.seal());
    await kit.rpc('anvil_mine', ['0x5']);
    const block = await kit.log.seal();
    const transactionHash = await anchored(kit.chain, block);
    const { blockNumber, timestamp } = (await kit.chain.findAnchor(2, block.hash))!;
    query = { height: 2, blockHash: block.hash, transactionHash, blockNumber };
    place = { blockNumber, timestamp };
  });
  after(async () => {
    kit.chain.close();
    await running.stop();
  });

  /** Asks through a proxy that answers some methods itself. */
  async function ask(answers: Record<string, unknown>, change: Partial<AnchorQuery> = {}) {
    const proxy = await rpcProxy(running.rpcUrl, ({ id, method, params }): Interception => {
      if (!(method in answers)) return undefined;
      const answer = answers[method];
      const result = typeof answer === 'function' ? answer(params[0]) : answer;
      if (result === undefined || result instanceof Error) {
        return result && { error: { code: -32005, message: result.message } };
      }
      return { raw: JSON.stringify({ jsonrpc: '2.0', id, result }) };
    });
    try {
      const found = await chainAnchor({
        rpcUrl: proxy.rpcUrl,
        contract: kit.chain.info.contract,
        ...query,
        ...change,
      });
      return { found, calls: proxy.calls };
    } finally {
      await proxy.close();
    }
  }
  const pruned = { eth_getTransactionReceipt: null };

  it('knows the topic of the event, and finds it in the transaction', async () => {
    expect((await ask({})).found).to.deep.equal(place);
    const topic = new Interface(blockAnchorAbi).getEvent('Anchored')!.topicHash;
    const filters: { topics: string[] }[] = [];
    await ask({ ...pruned, eth_getLogs: (filter: { topics: string[] }) => void filters.push(filter) });
    expect(filters[0]!.topics[0]).to.equal(topic);
  });

  it('does not take another transaction, height or hash', async () => {
    for (const change of [{ transactionHash: firstHash }, { height: 1 }, { blockHash: firstHash }]) {
      expect((await ask({}, change)).found).to.equal(undefined);
    }
  });

  it('finds the event where the node has forgotten the transaction', async () => {
    const { found, calls } = await ask(pruned);
    expect(found).to.deep.equal(place);
    expect(calls).to.deep.equal(['eth_getTransactionReceipt', 'eth_getLogs', 'eth_getBlockByNumber']);
    // The place that a receipt names is under no signature.
    const { blockNumber } = query;
    for (const wrong of [blockNumber - 1, blockNumber + 1, Number.MAX_SAFE_INTEGER]) {
      expect((await ask(pruned, { blockNumber: wrong })).found).to.deep.equal(place);
    }
  });

  it('refuses a transaction that the event is not of', async () => {
    expect((await ask({}, { transactionHash: unknownHash })).found).to.equal(undefined);
    expect((await ask({}, { transactionHash: unknownHash, blockNumber: 0 })).found).to.equal(undefined);
  });

  it('knows nothing where the node has forgotten the event too, or does not show it', async () => {
    expect((await ask({ ...pruned, eth_getLogs: [] })).found).to.equal('unknown');
    expect((await ask({ ...pruned, eth_getLogs: new Error('pruned history unavailable') })).found).to.equal('unknown');
    expect((await ask({}, { height: 3, transactionHash: unknownHash })).found).to.equal('unknown');
    const narrow = ({ fromBlock }: { fromBlock: string }) =>
      fromBlock === 'earliest' ? new Error('query exceeds max block range 50') : undefined;
    expect((await ask({ ...pruned, eth_getLogs: narrow })).found).to.deep.equal(place);
    expect((await ask({ ...pruned, eth_getLogs: narrow }, { blockNumber: 0 })).found).to.equal('unknown');
  });

  it('says what is wrong with an answer that has not the form of one', async () => {
    const receipt = { status: '0x1', blockNumber: '0x9' };
    const event = { address: kit.chain.info.contract, topics: [] };
    for (const answers of [
      { eth_getTransactionReceipt: receipt },
      { eth_getTransactionReceipt: { ...receipt, logs: [{}] } },
      { eth_getTransactionReceipt: { ...receipt, logs: [null] } },
      { eth_getTransactionReceipt: { ...receipt, logs: [event], blockNumber: 9 } },
      { eth_getTransactionReceipt: 'none' },
      { eth_getTransactionReceipt: [] },
      { eth_getTransactionReceipt: new Error('limit exceeded') },
      { ...pruned, eth_getLogs: null },
      { ...pruned, eth_getLogs: [{}] },
      { ...pruned, eth_getLogs: [event] },
      { eth_getBlockByNumber: null },
      { eth_getBlockByNumber: { timestamp: 'yesterday' } },
      { eth_getBlockByNumber: new Error('limit exceeded') },
    ]) {
      await expectCode('chain-answer-invalid', ask(answers));
    }
  });
});
