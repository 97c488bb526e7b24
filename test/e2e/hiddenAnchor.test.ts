import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { exitCodeOf } from '../../services/cli/exitCodes.ts';
import type { Address, Hex } from '../../services/core/bytes.ts';
import type { CheckedRecord } from '../../services/core/record.ts';
import { Notarium } from '../../services/index.ts';
import { databaseFile } from '../../services/store/database.ts';
import { anvilControl } from '../support/anvil.ts';
import { json, post, receiptOf, untilIdle } from '../support/centreApi.ts';
import { notarium } from '../support/command.ts';
import { startConsortium } from '../support/consortium.ts';
import { deployForwarder, hidingForwarderCode } from '../support/forwarder.ts';
import { startNetwork, type TestNetwork } from '../support/network.ts';
import { randomSigner, signedRecord } from '../support/recordKit.ts';
import { rpcProxy } from '../support/rpcProxy.ts';
import { untilSettled } from '../support/sameLogs.ts';
import { until } from '../support/until.ts';

/** Lets a stranger come before the anchor of the next block, with a call that does not show what it passes on. */
async function anchorHidden(rpcUrl: string, contract: Address, submit: () => Promise<unknown>): Promise<void> {
  const anvil = anvilControl(rpcUrl);
  // The first byte of every anchor call.
  const forwarder = await deployForwarder(anvil.rpc, hidingForwarderCode('c8'));
  await anvil.automine(false);
  await submit();
  const sent = await until('the anchor in the pool', async () => (await anvil.pending())[0]);
  const { input } = (await anvil.rpc('eth_getTransactionByHash', [sent.hash])) as { input: Hex };
  expect(input.slice(0, 4)).to.equal('0xc8');
  const [from] = (await anvil.rpc('eth_accounts', [])) as string[];
  // Who pays more comes first; the centre's own transaction then does nothing.
  await anvil.rpc('eth_sendTransaction', [
    { from, to: forwarder, gas: '0x7a1200', gasPrice: '0x174876e800', data: `${contract}00${input.slice(4)}` },
  ]);
  await anvil.mine();
  await anvil.automine(true);
}

describe('a block that a stranger anchored first, in a way that hides its signatures', () => {
  let net: TestNetwork;
  let record: CheckedRecord;

  before(async () => {
    net = await startNetwork({});
    const { rpcUrl } = net.chain;
    record = await signedRecord(net.network, randomSigner(), 'hidden');
    await anchorHidden(rpcUrl, net.deployed.contract, () => post(net.centre.url, record));
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

describe('such a block of many centres', () => {
  it('has receipts that hold from every centre, since each gives its vote again', async () => {
    await using consortium = await startConsortium({ centres: 4, graceSeconds: 60 });
    const { chain, deployed, network, members } = consortium;
    const record = await signedRecord(network, randomSigner(), 'hidden');
    await anchorHidden(chain.rpcUrl, deployed.contract, () => post(members[0]!.url, record));
    await untilSettled(consortium, 1);
    const counts = await Promise.all(
      members.map(async ({ url }) => (await json(`${url}/v1/blocks/1`)).body.signatures as unknown[]),
    );
    // One of them has collected the votes; the others have nothing from the chain.
    expect(counts.filter(({ length }) => length === 0)).to.have.length(3);
    // Whoever gives the receipts needs a quorum of the votes, and not its own.
    await Promise.all(members.map((member) => member.kill()));
    await Promise.all(members.map((member) => member.start()));
    for (const { url } of members) {
      const verdict = await until('a receipt that holds', async () => {
        const receipt = await receiptOf(url, record);
        const done = await new Notarium({ url, rpcUrl: chain.rpcUrl }).verify(Buffer.from('hidden'), receipt);
        return done.ok && done;
      });
      expect(verdict.steps.map(({ status }) => status)).to.deep.equal(Array(7).fill('passed'));
    }
  });
});
