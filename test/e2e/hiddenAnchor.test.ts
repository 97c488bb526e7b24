import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { exitCodeOf } from '../../services/cli/exitCodes.ts';
import type { Hex } from '../../services/core/bytes.ts';
import type { CheckedRecord } from '../../services/core/record.ts';
import { Notarium } from '../../services/index.ts';
import { databaseFile } from '../../services/store/database.ts';
import { anvilControl } from '../support/anvil.ts';
import { post, receiptOf, untilIdle } from '../support/centreApi.ts';
import { notarium } from '../support/command.ts';
import { deployForwarder, hidingForwarderCode } from '../support/forwarder.ts';
import { startNetwork, type TestNetwork } from '../support/network.ts';
import { randomSigner, signedRecord } from '../support/recordKit.ts';
import { rpcProxy } from '../support/rpcProxy.ts';
import { until } from '../support/until.ts';

describe('a block that a stranger anchored first, in a way that hides its signatures', function () {
  this.timeout(300_000);
  let net: TestNetwork;
  let record: CheckedRecord;

  before(async () => {
    net = await startNetwork({});
    const { rpcUrl } = net.chain;
    const anvil = anvilControl(rpcUrl);
    // The first byte of every anchor call.
    const forwarder = await deployForwarder(anvil.rpc, hidingForwarderCode('c8'));
    await anvil.automine(false);
    record = await signedRecord(net.network, randomSigner(), 'hidden');
    await post(net.centre.url, record);
    const [sent] = await until('the anchor in the pool', async () => {
      const pending = await anvil.pending();
      return pending.length > 0 && pending;
    });
    const { input } = (await anvil.rpc('eth_getTransactionByHash', [sent!.hash])) as { input: Hex };
    expect(input.slice(0, 4)).to.equal('0xc8');
    const [from] = (await anvil.rpc('eth_accounts', [])) as string[];
    // Who pays more comes first; the centre's own transaction then does nothing.
    await anvil.rpc('eth_sendTransaction', [
      {
        from,
        to: forwarder,
        gas: '0x7a1200',
        gasPrice: '0x174876e800',
        data: `${net.deployed.contract}00${input.slice(4)}`,
      },
    ]);
    await anvil.mine();
    await anvil.automine(true);
    await untilIdle(net.centre.url);
  });
  after(() => net?.close());

  const steps = async (): Promise<string> => {
    const { url } = net.centre;
    const { rpcUrl } = net.chain;
    const receipt = await receiptOf(url, record);
    const verdict = await new Notarium({ url, rpcUrl }).verify(Buffer.from('hidden'), receipt);
    return verdict.steps.map(({ status }) => status).join(' ');
  };
  const allPassed = Array(7).fill('passed').join(' ');

  it('has a receipt that holds, also after a rebuild, and after one that has lost the database', async () => {
    expect(await steps()).to.equal(allPassed);
    for (const lost of [false, true]) {
      await net.centre.stop();
      if (lost) await rm(join(net.dataDir, databaseFile));
      const { code, output } = await notarium(net.spec, 'rebuild');
      expect(code, output).to.equal(0);
      const { url } = await net.start();
      const { signatures } = (await (await fetch(`${url}/v1/blocks/1`)).json()) as { signatures: unknown[] };
      expect(signatures).to.have.length(lost ? 0 : 1);
      expect(await steps()).to.equal(allPassed);
    }
  });

  it('is not forgotten for an RPC that lacks its event, or is behind', async () => {
    await net.centre.stop();
    const lacks: Record<string, string> = { eth_getLogs: 'chain-answer-invalid', eth_call: 'chain-forgot-anchors' };
    for (const [lacking, expected] of Object.entries(lacks)) {
      const proxy = await rpcProxy(net.chain.rpcUrl, ({ method, params }) => {
        if (method !== lacking) return undefined;
        if (method === 'eth_getLogs') return { change: () => [] };
        const isHead = (params as [{ data: string }])[0].data === '0x8f7dcfa3';
        return isHead ? { change: () => `0x${'0'.repeat(64)}` } : undefined;
      });
      const { code, output } = await notarium({ ...net.spec, rpcUrl: proxy.rpcUrl }, 'rebuild');
      await proxy.close();
      expect(code, output).to.equal(exitCodeOf(expected as 'chain-answer-invalid'));
      expect(output).to.include(expected);
    }
    const { url } = await net.start();
    expect((await post(url, record)).body.status).to.equal('logged');
    expect(await steps()).to.equal(allPassed);
  });
});
