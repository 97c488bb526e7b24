import { expect } from 'chai';
import { askChain } from '../../../services/app/askChain.ts';
import type { Receipt } from '../../../services/core/receipt.ts';
import { type RunningChain, startChain } from '../../support/chains.ts';
import { expectCode } from '../../support/expectCode.ts';
import { randomSigner, signedRecord } from '../../support/recordKit.ts';
import { type RpcProxy, rpcProxy } from '../../support/rpcProxy.ts';
import { anchoredReceipts, type ChainKit, chainKit, crypto } from '../chain/chainKit.ts';

const committeeAtSelector = '0x1037756c';

describe('app/askChain', () => {
  let running: RunningChain;
  let kit: ChainKit;
  let receipt: Receipt;
  let proxy: RpcProxy;
  let everything = false;
  let refusal: { code: number; message: string } | undefined;

  before(async () => {
    running = await startChain({ kind: 'anvil' });
    kit = await chainKit(running.rpcUrl);
    const record = await signedRecord(kit.chain.info.network, randomSigner(), 'asked');
    receipt = (await anchoredReceipts(kit, [record]))[0]!;
    proxy = await rpcProxy(running.rpcUrl, ({ method, params }) => {
      const isCommitteeAt =
        method === 'eth_call' && (params[0] as { data: string }).data.startsWith(committeeAtSelector);
      return (isCommitteeAt || everything) && refusal ? { error: refusal } : undefined;
    });
  });
  after(async () => {
    await proxy?.close();
    kit?.chain.close();
    await running.stop();
  });

  /** By a chain that has read no committee yet. */
  async function verify(value: unknown) {
    const chain = await kit.openReader({ rpcUrl: proxy.rpcUrl });
    try {
      return await askChain(chain, crypto).verify(value);
    } finally {
      chain.close();
    }
  }

  it('verifies a receipt by what the chain says', async () => {
    refusal = undefined;
    const { ok, steps } = await verify(receipt);
    expect(ok).to.equal(true);
    expect(steps.map(({ status }) => status[0]).join('')).to.equal('spppppp');
  });

  it('asks the chain once for many who want to know the network, and again after a failure', async () => {
    const chain = await kit.openReader({ rpcUrl: proxy.rpcUrl });
    try {
      const { network } = askChain(chain, crypto);
      refusal = { code: 429, message: 'too many requests' };
      everything = true;
      await expectCode('chain-unreachable', network());
      everything = false;
      refusal = undefined;
      const first = await network();
      const before = proxy.calls.length;
      for (const view of await Promise.all([network(), network(), network()])) expect(view).to.deep.equal(first);
      expect(proxy.calls.length).to.equal(before);
    } finally {
      chain.close();
    }
  });

  it('has no verdict where the chain does not answer what it was asked', async () => {
    for (const code of [-32005, -32603]) {
      refusal = { code, message: 'limit exceeded' };
      await expectCode('chain-answer-invalid', verify(receipt));
    }
    refusal = { code: 429, message: 'too many requests' };
    await expectCode('chain-unreachable', verify(receipt));
  });

  it('refuses a receipt of an epoch that the registry does not have', async () => {
    refusal = undefined;
    for (const epoch of [0, 2, Number.MAX_SAFE_INTEGER]) {
      const { steps } = await verify({ ...receipt, block: { ...receipt.block, epoch } });
      expect(steps.find(({ status }) => status === 'failed')).to.include({
        step: 'quorum',
        code: 'receipt-committee-unknown',
      });
    }
  });
});
