import { expect } from 'chai';
import { anvilControl } from '../support/anvil.ts';
import { failedSteps, post, receiptOf, recordOf } from '../support/centreApi.ts';
import { statusOf } from '../support/centreProcess.ts';
import { type Consortium, startConsortium } from '../support/consortium.ts';
import { randomSigner, signedRecord } from '../support/recordKit.ts';
import { expectSameLogs, untilSettled } from '../support/sameLogs.ts';
import { until } from '../support/until.ts';

describe('a reorganisation that takes what only a minority has committed', function () {
  this.timeout(600_000);
  let all: Consortium;
  const signer = randomSigner();
  before(async () => {
    all = await startConsortium({
      ...{ centres: 4, periodSeconds: 1, graceSeconds: 2 },
      chainArgs: ['--block-time', '1'],
    });
  });
  after(() => all?.[Symbol.asyncDispose]());

  it('ends with one log at all centres: the minority goes back by itself', async () => {
    const { members, network, chain } = all;
    const [one, , , minority] = members as [(typeof members)[0], unknown, unknown, (typeof members)[0]];
    const submit = async (text: string, fields: { expires?: string } = {}) => {
      const record = await signedRecord(network, signer, text, fields);
      expect((await post(one.url, record)).status).to.equal(201);
      return record;
    };
    const common = await submit('common');
    await untilSettled(all, 1);
    const careful = members.slice(0, 3);
    for (const member of careful) {
      await member.stop();
      await member.start({ args: [...(member.spec.args ?? []), '--confirmations', '60'] });
    }
    // It stands in the lost block, and in no other one: by then it has expired.
    // A busy machine may need most of it to anchor the block: expired before, the record would stand in none.
    const expiresMs = Date.now() + 30_000;
    const doomed = await submit('doomed', { expires: new Date(expiresMs).toISOString() });
    const kept = await submit('kept');
    await until('the minority has both', async () => (await statusOf(minority.url)).log.size === 3);
    const lostReceipt = await receiptOf(minority.url, doomed);
    for (const { url } of careful) expect((await statusOf(url)).log.size).to.equal(1);

    const anvil = anvilControl(chain.rpcUrl);
    // Past the grace the contract does not take that block a second time.
    await until('the record to expire', () => Date.now() > expiresMs + 3_000);
    const [anchor] = (await anvil.anchorsAt(all.deployed.contract, 2)) as [{ blockNumber: string }];
    // A block after the reorganisation would have the old time still, and a place for the lost block; one before it, and after
    // the look at the head, would keep the lost block out of its reach.
    await anvil.rpc('evm_setIntervalMining', [0]);
    const head = Number(await anvil.rpc('eth_blockNumber', []));
    await anvil.reorganise(head - Number(anchor.blockNumber) + 1);
    await anvil.rpc('evm_setIntervalMining', [1]);

    const metrics = async () => await (await fetch(`${minority.url}/metrics`)).text();
    try {
      await until('the roll-back', async () => /^notarium_log_rollbacks_total 1$/m.test(await metrics()), 120_000);
    } catch (cause) {
      const stories = members.map(({ process }, at) => `--- centre ${at + 1}\n${process.stderr().slice(-3000)}`);
      throw new Error(`${(cause as Error).message}\n${stories.join('\n')}`, { cause });
    }
    for (const member of careful) {
      await member.stop();
      await member.start();
    }
    await untilSettled(all, 2);
    await expectSameLogs(all, [common.id, kept.id]);
    expect(await recordOf(minority.url, doomed.id)).to.deep.include({ state: 'refused' });
    expect(await failedSteps({ url: minority.url, rpcUrl: chain.rpcUrl }, lostReceipt)).to.include('chain failed');
    await until('no problem is left', async () => (await statusOf(minority.url)).problems.length === 0);
    // And the log goes on growing, at the minority too.
    const next = await signedRecord(network, signer, 'next');
    expect((await post(minority.url, next)).status).to.equal(201);
    await untilSettled(all, 3);
    await expectSameLogs(all, [common.id, kept.id, next.id]);
  });
});
