import { expect } from 'chai';
import type { StoredEvent } from '../../services/store/Store.ts';
import { type AnvilControl, anvilControl } from '../support/anvil.ts';
import { failedSteps, json, post, receiptOf, recordOf, untilIdle } from '../support/centreApi.ts';
import { statusOf } from '../support/centreProcess.ts';
import { startNetwork, type TestNetwork } from '../support/network.ts';
import { randomSigner, signedRecord } from '../support/recordKit.ts';
import { until } from '../support/until.ts';

describe('anchors on a chain that changes its mind', () => {
  const signer = randomSigner();
  let net: TestNetwork;
  let anvil: AnvilControl;
  let made = 0;
  const submit = async () => {
    const record = await signedRecord(net.network, signer, `reorg ${made++}`);
    // Not while the centre finds the time of the chain wrong, which the tests here set back and forth.
    const { status } = await until('an answer', async () => {
      const answer = await post(net.centre.url, record);
      return answer.status !== 503 && answer;
    });
    expect(status).to.equal(201);
    return record;
  };
  const blockAt = async (height: number): Promise<Record<string, unknown>> =>
    (await json(`${net.centre.url}/v1/blocks/${height}`)).body;
  const untilState = (height: number, state: string) =>
    until(`block ${height} is ${state}`, async () => {
      const block = await blockAt(height);
      return block.state === state && block;
    });
  /** Mines what the centre sends until its block is in the chain; one that came too late is sealed and sent anew. */
  const mineUntilAnchored = (height: number) =>
    until(`block ${height} is anchored`, async () => {
      if ((await anvil.pending()).length > 0) await anvil.mine(1);
      return (await blockAt(height)).state === 'anchored';
    });
  const newestBlock = async () =>
    (await anvil.rpc('eth_getBlockByNumber', ['latest', false])) as { number: string; timestamp: string };
  /** Each block that is mined at once is a second younger than the one before: waits until the chain is not ahead. */
  const untilInStep = () =>
    until('the time of the chain', async () => Number((await newestBlock()).timestamp) <= Date.now() / 1000);
  const verified = async (record: Parameters<typeof receiptOf>[1]): Promise<string[]> =>
    failedSteps({ url: net.centre.url, rpcUrl: net.chain.rpcUrl }, await receiptOf(net.centre.url, record));
  const events = async (): Promise<StoredEvent[]> => {
    const end = new AbortController();
    const response = await fetch(`${net.centre.url}/v1/events`, {
      headers: { 'last-event-id': '0' },
      signal: end.signal,
    });
    const { value } = await response.body!.getReader().read();
    end.abort();
    return [...new TextDecoder().decode(value).matchAll(/^data: ?(.*)$/gm)].map(([, data]) => JSON.parse(data!));
  };

  before(async () => {
    net = await startNetwork({ graceSeconds: 3, args: ['--confirmations', '3', '--replace-after', '1'] });
    anvil = anvilControl(net.chain.rpcUrl);
  });
  after(() => net?.close());

  it('anchors a block again whose anchor vanished before it was committed', async () => {
    const record = await submit();
    await untilState(1, 'anchored');
    await anvil.reorganise(1);
    await until('the alert', async () => JSON.stringify(await events()).includes('anchor-vanished'));
    const again = await untilState(1, 'anchored');
    await anvil.mine(2);
    expect(await untilState(1, 'committed')).to.deep.include({ hash: again.hash });
    expect(await anvil.anchorsAt(net.deployed.contract, 1)).to.have.length(1);
    expect(await verified(record)).to.deep.equal([]);
  });

  it('sends a stuck transaction again with higher fees, and anchors once', async () => {
    await anvil.automine(false);
    const record = await submit();
    const [stuck] = await until('a transaction', async () => {
      const pending = await anvil.pending();
      return pending.length > 0 && pending;
    });
    // What it offers does not suffice any more.
    await anvil.rpc('anvil_setNextBlockBaseFeePerGas', [`0x${(BigInt(stuck!.maxFeePerGas) + 1n).toString(16)}`]);
    const [other] = await until('another transaction in its place', async () => {
      const pending = await anvil.pending();
      return pending.some(({ hash }) => hash !== stuck!.hash) && pending;
    });
    expect(other!.nonce).to.equal(stuck!.nonce);
    expect(BigInt(other!.maxFeePerGas) > BigInt(stuck!.maxFeePerGas)).to.equal(true);
    await mineUntilAnchored(2);
    await anvil.mine(2);
    await untilState(2, 'committed');
    await anvil.automine(true);
    expect(await anvil.anchorsAt(net.deployed.contract, 2)).to.have.length(1);
    expect(await verified(record)).to.deep.equal([]);
  });

  it('takes back a block that it had given up, when the chain took it after all', async () => {
    await untilInStep();
    await anvil.automine(false);
    const record = await submit();
    const given = await untilState(3, 'submitted');
    const { slot } = given.header as { slot: number };
    const other = await until('another block in its place', async () => {
      const block = await blockAt(3);
      return block.state === 'submitted' && block.hash !== given.hash && block;
    });
    // The first one is mined in the last second in which the contract takes it.
    await anvil.rpc('evm_setNextBlockTimestamp', [slot + 3]);
    await anvil.mine(1);
    // That set its clock back.
    await anvil.rpc('evm_setTime', [Math.floor(Date.now() / 1000)]);
    await anvil.automine(true);
    await anvil.mine(2);
    const committed = await untilState(3, 'committed');
    expect([given.hash, other.hash]).to.include(committed.hash);
    expect(committed.hash).to.equal(given.hash);
    expect(await verified(record)).to.deep.equal([]);
    expect((await statusOf(net.centre.url)).log.size).to.equal(3);
  });

  it('anchors the log again when the chain loses committed blocks', async () => {
    const { url } = net.centre;
    await untilInStep();
    const records = [await submit()];
    await untilState(4, 'anchored');
    await anvil.mine(2);
    await untilState(4, 'committed');
    records.push(await submit());
    await untilState(5, 'anchored');
    await anvil.mine(2);
    await untilState(5, 'committed');
    const { log } = await statusOf(url);
    const before = await receiptOf(url, records[1]!);

    const [anchor] = (await anvil.anchorsAt(net.deployed.contract, 4)) as [{ blockNumber: string }];
    await anvil.reorganise(Number((await newestBlock()).number) - Number(anchor.blockNumber) + 1);
    await until('the alert', async () => JSON.stringify(await events()).includes('anchors-lost'));
    await untilState(4, 'anchored');
    await anvil.mine(2);
    await untilState(4, 'committed');
    const status = await untilIdle(url);
    expect([status.anchoredHeight, status.log]).to.deep.equal([4, log]);
    for (const record of records) {
      expect(await verified(record)).to.deep.equal([]);
      expect((await recordOf(url, record.id)).height).to.equal(4);
    }
    expect(await failedSteps({ url, rpcUrl: net.chain.rpcUrl }, before)).to.include('chain failed');
    // And the log goes on growing.
    const next = await submit();
    await untilState(5, 'anchored');
    await anvil.mine(2);
    expect(await verified(next)).to.deep.equal([]);
  });
});
