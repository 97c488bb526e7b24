import { expect } from 'chai';
import { id } from 'ethers';
import { toHex } from '../../../services/core/bytes.ts';
import { uintWord } from '../../../services/core/eip712.ts';
import { chainBlockHash } from '../../../services/lib/ethCall.ts';
import { deployNotarium, devAddress, type RunningChain, startChain } from '../../support/chains.ts';
import { expectCode } from '../../support/expectCode.ts';
import { type Interception, rpcProxy } from '../../support/rpcProxy.ts';

// The happy path stands in test/services/chain/openChain.test.ts, where there are anchors.
describe('chainBlockHash', () => {
  let running: RunningChain;
  before(async () => {
    running = await startChain({ kind: 'anvil' });
  });
  after(() => running.stop());

  it('asks blockHash(uint64) of the contract, once', async () => {
    const { contract } = await deployNotarium(running.rpcUrl, { committee: [{ address: devAddress(0) }] });
    const sent: unknown[] = [];
    const proxy = await rpcProxy(running.rpcUrl, ({ method, params }) => {
      sent.push([method, ...params]);
      return undefined;
    });
    expect(await chainBlockHash({ rpcUrl: proxy.rpcUrl, contract, height: 300 })).to.equal(undefined);
    const data = `${id('blockHash(uint64)').slice(0, 10)}${toHex(uintWord(300)).slice(2)}`;
    expect(sent).to.deep.equal([['eth_call', { to: contract, data }, 'latest']]);
    await proxy.close();
  });

  it('refuses another chain, another contract, and none', async () => {
    const { contract, registry } = await deployNotarium(running.rpcUrl, { committee: [{ address: devAddress(0) }] });
    const { rpcUrl } = running;
    expect(await chainBlockHash({ rpcUrl, contract, height: 1, chainId: 31337 })).to.equal(undefined);
    await expectCode('chain-mismatch', chainBlockHash({ rpcUrl, contract, height: 1, chainId: 1 }));
    await expectCode('chain-contract-missing', chainBlockHash({ rpcUrl, contract: devAddress(3), height: 1 }));
    await expectCode('chain-contract-missing', chainBlockHash({ rpcUrl, contract: registry, height: 1 }));
  });

  it('blames the node, not the contract, for an error or an answer that is none', async () => {
    const { contract } = await deployNotarium(running.rpcUrl, { committee: [{ address: devAddress(0) }] });
    const limited = { error: { code: -32005, message: 'daily request count exceeded' } };
    const failed = { error: { code: -32603, message: 'internal error' } };
    const answers: [string, (id: number) => Interception][] = [
      ['eth_call', () => limited],
      ['eth_call', () => failed],
      ['eth_chainId', () => limited],
      ['eth_chainId', () => failed],
      ...[null, 7, '', 'no', {}, '0x123'].map((result): [string, (id: number) => Interception] => [
        'eth_call',
        (id) => ({ raw: JSON.stringify({ jsonrpc: '2.0', id, result }) }),
      ]),
      ['eth_chainId', (id) => ({ raw: JSON.stringify({ jsonrpc: '2.0', id, result: null }) })],
    ];
    for (const [spoiled, answer] of answers) {
      const proxy = await rpcProxy(running.rpcUrl, ({ id, method }) => (method === spoiled ? answer(id) : undefined));
      const asked = chainBlockHash({ rpcUrl: proxy.rpcUrl, contract, height: 1, chainId: 31337 });
      const { data } = await expectCode('chain-answer-invalid', asked);
      if ('error' in answer(0)!) expect(data).to.have.keys('rpcCode', 'rpcMessage');
      await proxy.close();
    }
  });

  it('knows a revert in the words of each node', async () => {
    const reverts = [
      { code: 3, message: 'execution failed' },
      { code: -32000, message: 'execution reverted' },
      { code: -32015, message: 'VM execution error.', data: 'Reverted 0x' },
      { code: -32603, message: 'internal error', data: { originalError: { data: `0x08c379a0${'00'.repeat(64)}` } } },
    ];
    for (const error of reverts) {
      const proxy = await rpcProxy(running.rpcUrl, () => ({ error }));
      const asked = chainBlockHash({ rpcUrl: proxy.rpcUrl, contract: devAddress(3), height: 1 });
      await expectCode('chain-contract-missing', asked);
      await proxy.close();
    }
  });

  it('says that nobody answers', async () => {
    const contract = devAddress(3);
    await expectCode('chain-unreachable', chainBlockHash({ rpcUrl: 'http://127.0.0.1:1', contract, height: 1 }));
    await expectCode('chain-unreachable', chainBlockHash({ rpcUrl: 'not a url', contract, height: 1 }));
  });
});
