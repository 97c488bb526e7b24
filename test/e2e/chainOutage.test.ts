import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { exitCodeOf } from '../../services/cli/exitCodes.ts';
import { failedSteps, post, readyProblems, receiptOf, untilIdle, untilProblem } from '../support/centreApi.ts';
import { failingCentre, statusOf } from '../support/centreProcess.ts';
import { deployNotarium, type RunningChain, startChain } from '../support/chains.ts';
import { freePorts } from '../support/freePorts.ts';
import { startNetwork, type TestNetwork } from '../support/network.ts';
import { randomSigner, signedRecord } from '../support/recordKit.ts';
import { until } from '../support/until.ts';

describe('a chain that goes away', () => {
  const signer = randomSigner();
  let stateDir: string;
  let net: TestNetwork;
  let chain: RunningChain;
  let made = 0;
  const record = () => signedRecord(net.network, signer, `outage ${made++}`);
  /** Ends the chain, and starts one on its port: the same, or one that knows nothing. */
  const restartChain = async (keepsState: boolean): Promise<void> => {
    await chain.stop();
    chain = await startChain({ kind: 'anvil', port: net.chain.port, ...(keepsState ? { stateDir } : {}) });
  };

  before(async () => {
    stateDir = await mkdtemp(join(tmpdir(), 'notarium chain '));
    // Not any port: it must still be free when the chain comes back.
    const [chainPort] = await freePorts(1);
    net = await startNetwork({ stateDir, chainPort: chainPort! });
    chain = net.chain;
  });
  after(async () => {
    await net?.close();
    await chain?.kill('SIGKILL');
    await rm(stateDir, { recursive: true, force: true });
  });

  it('is waited for: records are taken, the problem is said once, and blocks follow', async () => {
    const { url, stderr } = net.centre;
    const early = await record();
    await post(url, early);
    await receiptOf(url, early);
    await chain.stop();
    // Said although there is nothing to publish.
    await untilProblem(url, 'chain-unreachable');
    expect(await readyProblems(url)).to.deep.equal(['chain-unreachable']);
    const late = [await record(), await record(), await record()];
    for (const each of late) expect((await post(url, each)).status).to.equal(201);
    await until('several attempts', () => statusOf(url).then(({ pool }) => pool.oldestAgeSeconds! >= 2));
    expect(await receiptOf(url, early)).to.have.property('format');
    chain = await startChain({ kind: 'anvil', port: net.chain.port, stateDir });
    for (const each of late) {
      expect(await failedSteps({ url, rpcUrl: chain.rpcUrl }, await receiptOf(url, each))).to.deep.equal([]);
    }
    await untilIdle(url);
    expect(stderr().match(/publishing waits/g)).to.have.length(1);
  });

  it('is not mistaken for another one that has taken its place, by an idle centre either', async () => {
    const { url } = net.centre;
    await restartChain(false);
    await untilProblem(url, 'chain-mismatch');
    const refused = await post(url, await record());
    expect([refused.status, refused.body.code, refused.body.data]).to.deep.equal([
      503,
      'not-ready',
      { problem: 'chain-mismatch' },
    ]);
    // The same contract at the same address makes no difference.
    const committee = [{ address: (await statusOf(url)).centre }];
    const { contract } = await deployNotarium(chain.rpcUrl, { committee, graceSeconds: 30 });
    expect(contract).to.equal(net.deployed.contract);
    await new Promise((done) => setTimeout(done, 2500));
    expect(await readyProblems(url)).to.deep.equal(['chain-mismatch']);

    const { code } = await net.centre.stop();
    expect(code).to.equal(0);
    const other = await failingCentre(net.spec);
    expect(other.code, other.output).to.equal(exitCodeOf('store-network-mismatch'));
    expect(other.output).to.include('has forgotten its state').and.not.include('listening');
    await restartChain(false);
    const empty = await failingCentre(net.spec);
    expect(empty.code, empty.output).to.equal(exitCodeOf('chain-contract-missing'));
    await chain.stop();
    const none = await failingCentre(net.spec);
    expect(none.code, none.output).to.equal(exitCodeOf('chain-unreachable'));
  });

  it('goes on where it stopped when the right chain is back', async () => {
    chain = await startChain({ kind: 'anvil', port: net.chain.port, stateDir });
    const { url } = await net.start();
    const next = await record();
    expect((await post(url, next)).status).to.equal(201);
    expect((await receiptOf(url, next)).proof.leafIndex).to.equal(4);
  });
});
