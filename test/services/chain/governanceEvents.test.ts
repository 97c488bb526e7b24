import { expect } from 'chai';
import { consortiumGovernorAt } from '../../../services/chain/contracts.ts';
import { devAddress } from '../../support/chains.ts';
import { expectCode } from '../../support/expectCode.ts';
import { rpcProxy } from '../../support/rpcProxy.ts';
import { until } from '../../support/until.ts';
import { freshGovernance } from './freshGovernance.ts';

const unknown = `0x${'ab'.repeat(32)}` as const;

describe('events of the governance of a chain', () => {
  const governed = freshGovernance('anvil');
  const { fresh } = governed;

  it('places events in blocks', async () => {
    const { governance, chain, draft, sign } = await fresh();
    const proposed = draft('general', {});
    const { transactionHash, blockNumber } = await governance.propose(proposed, await sign(proposed));
    const newest = await governance.newestBlock();
    const [event] = await governed.kit.events();
    expect(event!.place).to.deep.equal({
      blockNumber,
      blockHash: (await governance.blockAt(blockNumber))!.hash,
      logIndex: 0,
      transactionHash,
      timestamp: newest.timestamp,
    });
    expect(newest.number).to.equal(blockNumber);
    expect(await governance.blockAt(blockNumber + 1)).to.equal(undefined);
    expect(await governance.blockAt(blockNumber)).to.deep.equal(newest);
    expect(await governance.events(blockNumber - 1, blockNumber - 1)).to.deep.equal([]);
    const data = (await governance.transactionData(transactionHash))!;
    expect(data).to.deep.include({
      hash: transactionHash,
      type: 2,
      from: devAddress(0),
      recipient: governance.governor.contract,
      amountWei: '0',
      blockNumber,
    });
    expect(data.signature.r).to.match(/^0x[0-9a-f]{64}$/);
    expect(data.signature.s).to.match(/^0x[0-9a-f]{64}$/);
    const spent = BigInt(data.gasUsed) * BigInt(data.gasPriceWei);
    const { rpc } = governed.kit;
    const before = BigInt(String(await rpc('eth_getBalance', [devAddress(0), `0x${(blockNumber - 1).toString(16)}`])));
    expect(before - (await chain.balance())).to.equal(spent);
    expect(await governance.transactionData(unknown)).to.equal(undefined);
  });

  it('reads events around a reason that is no text', async () => {
    const { governance, draft, propose, rpc } = await fresh();
    const { proposalId } = await propose(draft('general', {}));
    const good = consortiumGovernorAt(governance.governor.contract, rpc).interface.encodeFunctionData(
      'castVoteWithReason',
      [proposalId, 1, 'ab'],
    );
    const data = good.replace('6162', 'ff62');
    const { blockNumber } = await governance.castVote({ proposalId, support: 'for', reason: 'x' });
    await rpc('eth_sendTransaction', [{ from: devAddress(1), to: governance.governor.contract, data }]);
    await until('it is in a block', async () => (await governance.newestBlock()).number > blockNumber);
    const [event] = await governance.events(blockNumber + 1, blockNumber + 1);
    expect(event).to.deep.include({ type: 'vote.cast', voter: devAddress(1), reason: '\ufffdb' });
  });

  it('takes no event whose block was replaced while it was read, nor a proposal without signature', async () => {
    const { draft, propose, openReader } = await fresh();
    const { blockNumber } = (await propose(draft('general', {}))).place;
    let fault: 'replaced' | 'unsigned' = 'replaced';
    const proxy = await rpcProxy(governed.running.rpcUrl, ({ method }) => {
      if (method === 'eth_getBlockByNumber' && fault === 'replaced') {
        return { change: (block) => ({ ...(block as object), hash: unknown }) };
      }
      return method === 'eth_getLogs' && fault === 'unsigned'
        ? { change: (logs) => (logs as unknown[]).slice(0, 1) }
        : undefined;
    });
    const reader = await openReader({ rpcUrl: proxy.rpcUrl });
    await expectCode('chain-answer-invalid', reader.governance!.events(blockNumber, blockNumber));
    fault = 'unsigned';
    await expectCode('chain-answer-invalid', reader.governance!.events(blockNumber, blockNumber));
    reader.close();
    await proxy.close();
  });
});
