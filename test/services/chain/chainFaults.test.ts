import { expect } from 'chai';
import { toQuantity } from 'ethers';
import type { Chain, SentTransaction } from '../../../services/chain/Chain.ts';
import { openChain } from '../../../services/chain/openChain.ts';
import { localSigner } from '../../../services/lib/localSigner.ts';
import { silentLogger } from '../../../services/lib/logger.ts';
import { devAddress, devKey, type RunningChain, startChain } from '../../support/chains.ts';
import { expectCode } from '../../support/expectCode.ts';
import { freePorts } from '../../support/freePorts.ts';
import { rpcProxy } from '../../support/rpcProxy.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';
import { until } from '../../support/until.ts';
import { anchored, type ChainKit, chainKit, collect, crypto, sent } from './chainKit.ts';

async function isMined(chain: Chain, { hash }: SentTransaction): Promise<boolean> {
  const status = await chain.transactionStatus(hash);
  return status.status === 'mined' && status.succeeded;
}

describe('a chain with faults', () => {
  let running: RunningChain;
  let kit: ChainKit;
  before(async () => {
    running = await startChain({ kind: 'anvil' });
  });
  after(() => running.stop());
  beforeEach(async () => {
    kit = await chainKit(running.rpcUrl);
  });
  afterEach(async () => {
    kit.chain.close();
    await kit.rpc('evm_setAutomine', [true]);
    await kit.rpc('evm_mine', []);
  });

  describe('transactions', () => {
    beforeEach(() => kit.rpc('evm_setAutomine', [false]));

    it('gives the waiting transaction when the same block is submitted again', async () => {
      const { chain, log, rpc } = kit;
      const block = await log.seal();
      const saved: SentTransaction[] = [];
      const onSigned = async (transaction: SentTransaction): Promise<void> => {
        expect(await chain.transactionStatus(transaction.hash)).to.deep.equal({ status: 'missing' });
        saved.push(transaction);
      };
      const [first, second] = await Promise.all([
        chain.submitAnchor(block, { onSigned }),
        chain.submitAnchor(block, { onSigned }),
      ]);
      expect(second).to.deep.equal(first);
      expect(saved).to.deep.equal([sent(first)]);
      expect(await chain.transactionStatus(sent(first).hash)).to.deep.equal({ status: 'pending' });
      expect(await chain.pendingCount()).to.equal(1);
      expect(await chain.findAnchor(1, block.hash)).to.equal(undefined);
      await rpc('evm_mine', []);
      expect(await isMined(chain, sent(first))).to.equal(true);
      expect(await chain.pendingCount()).to.equal(0);
    });

    it('replaces a transaction that got stuck, for an eighth more', async () => {
      const { chain, log, rpc } = kit;
      const block = await log.seal();
      const stuck = sent(await chain.submitAnchor(block));
      const replacement = sent(await chain.replaceAnchor(stuck, block));
      if (stuck.fees.type !== 2 || replacement.fees.type !== 2) throw new Error('anvil has a base fee');
      expect(replacement.nonce).to.equal(stuck.nonce);
      expect(replacement.gasLimit >= stuck.gasLimit).to.equal(true);
      const { maxFeePerGasWei, maxPriorityFeePerGasWei } = replacement.fees;
      expect(maxFeePerGasWei * 1000n >= stuck.fees.maxFeePerGasWei * 1125n).to.equal(true);
      expect(maxPriorityFeePerGasWei * 1000n >= stuck.fees.maxPriorityFeePerGasWei * 1125n).to.equal(true);
      await rpc('evm_mine', []);
      expect(await isMined(chain, replacement)).to.equal(true);
      expect(await chain.transactionStatus(stuck.hash)).to.deep.equal({ status: 'missing' });
      expect(await chain.replaceAnchor(replacement, block)).to.deep.equal({ status: 'anchored' });
    });

    it('offers what the chain asks after the base fee rose', async () => {
      const { chain, log, rpc } = kit;
      const block = await log.seal();
      const stuck = sent(await chain.submitAnchor(block));
      if (stuck.fees.type !== 2) throw new Error('anvil has a base fee');
      const baseFee = 3n * stuck.fees.maxFeePerGasWei;
      await rpc('anvil_setNextBlockBaseFeePerGas', [toQuantity(baseFee)]);
      await rpc('evm_mine', []);
      expect(await chain.blockHash(1)).to.equal(undefined);
      const replacement = sent(await chain.replaceAnchor(stuck, block));
      if (replacement.fees.type !== 2) throw new Error('the type changed');
      expect(replacement.nonce).to.equal(stuck.nonce);
      expect(replacement.fees.maxFeePerGasWei >= 2n * baseFee).to.equal(true);
      await rpc('evm_mine', []);
      expect(await isMined(chain, replacement)).to.equal(true);
      await rpc('anvil_setNextBlockBaseFeePerGas', [toQuantity(1_000_000_000)]);
    });

    it('puts a newer block in the place of a stuck one, and keeps to the limit for gas', async () => {
      const { chain, log, rpc } = kit;
      const stuck = sent(await chain.submitAnchor(await log.seal()));
      log.rewind(0);
      const newer = await log.seal({ slot: (await chain.chainTime()).latestSeconds - 40 });
      if (stuck.fees.type !== 2) throw new Error('anvil has a base fee');
      const capped = await kit.open({ maxFeePerGasWei: (stuck.fees.maxFeePerGasWei * 110n) / 100n });
      await expectCode('chain-fees-too-high', capped.replaceAnchor(stuck, newer));
      const replacement = sent(await chain.replaceAnchor(stuck, newer));
      await rpc('evm_mine', []);
      expect(await isMined(chain, replacement)).to.equal(true);
      expect(await chain.blockHash(1)).to.equal(newer.hash);
    });

    it('takes the next nonce when another process used it', async () => {
      const { chain, log, rpc } = kit;
      const block = await log.seal();
      const mine = sent(await chain.submitAnchor(block));
      // The same key somewhere else takes the nonce by paying more.
      const [from, to] = [devAddress(8), devAddress(0)];
      await rpc('eth_sendTransaction', [
        { from, to, value: '0x1', gas: '0x5208', nonce: toQuantity(mine.nonce), gasPrice: toQuantity(200_000_000_000) },
      ]);
      await rpc('evm_mine', []);
      expect(await chain.transactionStatus(mine.hash)).to.deep.equal({ status: 'missing' });
      expect(await chain.blockHash(1)).to.equal(undefined);
      const again = sent(await chain.replaceAnchor(mine, block));
      expect(again.nonce).to.equal(mine.nonce + 1);
      await rpc('evm_mine', []);
      expect(await isMined(chain, again)).to.equal(true);

      // And while it waits behind one that the sender did not send.
      await rpc('eth_sendTransaction', [{ from, to, value: '0x1', gas: '0x5208' }]);
      const next = sent(await chain.submitAnchor(await log.seal()));
      expect(next.nonce).to.equal(again.nonce + 2);
      await rpc('evm_mine', []);
      expect(await isMined(chain, next)).to.equal(true);
    });

    it('tells why a mined transaction failed', async () => {
      const { chain, log, rpc } = kit;
      const block = await log.seal();
      log.rewind(0);
      const other = await kit.open({ signer: localSigner(devKey(7), crypto) });
      const lost = await log.seal({ slot: block.header.slot + 4 });
      const won = sent(await chain.submitAnchor(block));
      const late = sent(await other.submitAnchor(lost));
      // The first to pay more is the first in the block.
      await chain.replaceAnchor(won, block);
      await rpc('evm_mine', []);
      expect(await chain.blockHash(1)).to.equal(block.hash);
      const status = await other.transactionStatus(late.hash);
      expect(status).to.deep.include({
        status: 'mined',
        succeeded: false,
        reason: { error: 'HeightTaken', args: { height: 1, have: lost.hash, want: block.hash } },
      });
    });
  });

  describe('reorganisations', () => {
    it('says when an anchor vanished, and anchors again', async () => {
      const { chain, log, rpc } = kit;
      await anchored(chain, await log.seal());
      const snapshot = await rpc('evm_snapshot', []);
      const block = await log.seal();
      await anchored(chain, block);
      expect((await chain.findAnchor(2, block.hash))?.confirmations).to.equal(1);
      expect(await rpc('evm_revert', [snapshot])).to.equal(true);
      expect(await chain.findAnchor(2, block.hash)).to.equal(undefined);
      expect(await chain.head()).to.equal(1);
      const hash = await anchored(chain, block);
      expect((await chain.findAnchor(2, block.hash))?.transactionHash).to.equal(hash);
    });

    it('follows anvil_reorg', async () => {
      const { chain, log, rpc } = kit;
      const block = await log.seal();
      const before = await rpc('eth_blockNumber', []);
      await anchored(chain, block);
      await rpc('evm_mine', []);
      expect((await chain.findAnchor(1, block.hash))?.confirmations).to.equal(2);
      await rpc('anvil_reorg', [2, []]);
      expect(Number(await rpc('eth_blockNumber', []))).to.equal(Number(before) + 2);
      expect(await chain.findAnchor(1, block.hash)).to.equal(undefined);
      await anchored(chain, block);
      expect((await collect(chain.anchoredBlocks(1, 1)))[0]?.blockHash).to.equal(block.hash);
    });
  });

  describe('an RPC that answers badly', () => {
    it('searches in pages where logs are limited', async () => {
      const { chain, log, rpc } = kit;
      const blocks = [];
      for (let height = 1; height <= 3; height++) {
        const block = await log.seal();
        blocks.push(block);
        await anchored(chain, block);
        await rpc('anvil_mine', [toQuantity(70)]);
      }
      const proxy = await rpcProxy(running.rpcUrl, ({ method, params }) => {
        if (method !== 'eth_getLogs') return undefined;
        const { fromBlock, toBlock } = params[0] as { fromBlock: string; toBlock: string };
        const limit = { code: -32005, message: 'query exceeds max block range 50' };
        return Number(toBlock) - Number(fromBlock) >= 50 ? { error: limit } : undefined;
      });
      const limited = await kit.open({ rpcUrl: proxy.rpcUrl });
      for (const { header, hash } of blocks) {
        const found = await limited.findAnchor(header.height, hash);
        expect(found).to.deep.equal(await chain.findAnchor(header.height, hash));
      }
      const rebuilt = await collect(limited.anchoredBlocks(1, 3));
      expect(rebuilt.map(({ header }) => header)).to.deep.equal(blocks.map(({ header }) => header));
      limited.close();
      await proxy.close();
    });

    it('takes no missing event for the end of the log', async () => {
      const { chain, log } = kit;
      const blocks = [await log.seal(), await log.seal(), await log.seal()];
      for (const block of blocks) await anchored(chain, block);
      for (const shown of [0, 1, 2]) {
        const proxy = await rpcProxy(running.rpcUrl, ({ method }) =>
          method === 'eth_getLogs' ? { change: (logs) => (logs as unknown[]).slice(0, shown) } : undefined,
        );
        const forgetful = await kit.openReader({ rpcUrl: proxy.rpcUrl });
        await expectCode('chain-answer-invalid', collect(forgetful.anchoredBlocks(1, 3)));
        await expectCode('chain-answer-invalid', collect(forgetful.anchoredBlocks(1, 99)));
        expect(await collect(forgetful.anchoredBlocks(1, shown))).to.have.length(shown);
        forgetful.close();
        await proxy.close();
      }
    });

    const answers = {
      'no JSON': { raw: '<html>busy</html>' },
      'JSON of another kind': { raw: '[]' },
      'an answer to another request': { raw: '{"jsonrpc":"2.0","id":0,"result":"0x1"}' },
      'too many requests': { raw: '{"jsonrpc":"2.0","id":1,"error":{"code":-32005,"message":"slow"}}', status: 429 },
      'HTTP 502': { raw: 'bad gateway', status: 502 },
    };
    for (const [name, answer] of Object.entries(answers)) {
      it(`is unreachable: ${name}`, async () => {
        let spoil = false;
        const proxy = await rpcProxy(running.rpcUrl, () => (spoil ? answer : undefined));
        const chain = await kit.open({ rpcUrl: proxy.rpcUrl });
        spoil = true;
        await expectCode('chain-unreachable', chain.head());
        spoil = false;
        expect(await chain.head()).to.equal(0);
        await proxy.close();
      });
    }

    it('passes an error of the node on with its words', async () => {
      let spoil = false;
      const proxy = await rpcProxy(running.rpcUrl, () =>
        spoil ? { error: { code: -32603, message: 'disk is on fire' } } : undefined,
      );
      const chain = await kit.open({ rpcUrl: proxy.rpcUrl });
      spoil = true;
      const { data } = await expectCode('chain-answer-invalid', chain.balance());
      expect(data).to.deep.include({ rpcCode: -32603, rpcMessage: 'disk is on fire' });
      await proxy.close();
    });

    it('never shows a key that stands in the URL', async () => {
      const rpcUrl = 'http://127.0.0.1:1/v3/SECRET';
      const error = await expectCode('chain-unreachable', kit.open({ rpcUrl }));
      expect(JSON.stringify([error.message, error.data])).to.not.include('SECRET');
      expect(error.data).to.deep.include({ host: '127.0.0.1:1' });
    });

    it('gives up waiting for a node that hangs, and goes on when it wakes', async () => {
      const chain = await kit.open({ timeoutMs: 1_500 });
      await running.kill('SIGSTOP');
      try {
        await expectCode('chain-unreachable', chain.head());
      } finally {
        await running.kill('SIGCONT');
      }
      // Again within its time, when the machine has it.
      expect(await until('an answer', async () => `${await chain.head()}`)).to.equal('0');
    });

    it('ends what is under way when it is closed', async () => {
      const { chain } = kit;
      await running.kill('SIGSTOP');
      try {
        const waiting = chain.head();
        setTimeout(() => chain.close(), 20);
        await expectCode('shutting-down', waiting);
      } finally {
        await running.kill('SIGCONT');
      }
    });
  });
});

describe('a chain that goes away', () => {
  it('is unreachable while it is down, and the same when it is back with its state', async () => {
    await using folder = await temporaryFolder();
    await using first = await startChain({ kind: 'anvil', stateDir: folder.path });
    const { chain, log } = await chainKit(first.rpcUrl);
    const block = await log.seal();
    const hash = await anchored(chain, block);
    await first.stop();
    await expectCode('chain-unreachable', chain.findAnchor(1, block.hash));
    await expectCode('chain-unreachable', chain.submitAnchor(await log.seal()));
    const { kind, port } = first;
    await using back = await startChain({ kind, port, stateDir: folder.path });
    expect(back.rpcUrl).to.equal(first.rpcUrl);
    await chain.checkInstance();
    expect((await chain.findAnchor(1, block.hash))?.transactionHash).to.equal(hash);
    log.rewind(1);
    await anchored(chain, await log.seal());
    expect(await chain.head()).to.equal(2);
    chain.close();
  });

  it('is known to be another one when it comes back without its state', async () => {
    const [port] = (await freePorts(1)) as [number];
    await using first = await startChain({ kind: 'anvil', port });
    const { chain, log, deployed } = await chainKit(first.rpcUrl);
    const block = await log.seal();
    await anchored(chain, block);
    await first.kill('SIGKILL');
    // The genesis block's time is in whole seconds; a real restart takes longer than one.
    const args = ['--timestamp', String(Math.floor(Date.now() / 1000) + 5)];
    await using second = await startChain({ kind: 'anvil', port, args });
    await expectCode('chain-mismatch', chain.findAnchor(1, block.hash));
    // Even with the same contract at the same address.
    const { deployed: again } = await chainKit(second.rpcUrl);
    expect(again.contract).to.equal(deployed.contract);
    await expectCode('chain-mismatch', chain.checkInstance());
    await expectCode('chain-mismatch', chain.findAnchor(1, block.hash));
    await expectCode('chain-mismatch', chain.submitAnchor(block));
    const { contract } = deployed;
    const { genesisHash } = chain.info;
    const reopened = openChain({ rpcUrl: second.rpcUrl, contract, genesisHash, logger: silentLogger });
    await expectCode('chain-mismatch', reopened);
    chain.close();
  });
});
