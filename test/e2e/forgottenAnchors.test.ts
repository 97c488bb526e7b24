import { expect } from 'chai';
import { exitCodeOf } from '../../services/cli/exitCodes.ts';
import { jsonRpc } from '../../services/lib/jsonRpc.ts';
import { post, readyProblems, receiptOf, untilProblem } from '../support/centreApi.ts';
import { failingCentre } from '../support/centreProcess.ts';
import { startNetwork, type TestNetwork } from '../support/network.ts';
import { randomSigner, signedRecord } from '../support/recordKit.ts';

describe('a chain that is set back before the first anchor', () => {
  const signer = randomSigner();
  let net: TestNetwork;

  before(async () => {
    net = await startNetwork({});
  });
  after(() => net?.close());

  it('is no reorganisation: the centre says that its anchors are forgotten, takes nothing, and does not start', async () => {
    const { url } = net.centre;
    const rpc = jsonRpc(net.chain.rpcUrl);
    const snapshot = await rpc('evm_snapshot', []);
    const record = await signedRecord(net.network, signer, 'to be forgotten');
    expect((await post(url, record)).status).to.equal(201);
    const receipt = await receiptOf(url, record);
    expect(await rpc('evm_revert', [snapshot])).to.equal(true);

    // Said by an idle centre too, which has nothing to publish.
    await untilProblem(url, 'chain-forgot-anchors');
    expect(await readyProblems(url)).to.deep.equal(['chain-forgot-anchors']);
    const refused = await post(url, await signedRecord(net.network, signer, 'after that'));
    expect([refused.status, refused.body.code, refused.body.data]).to.deep.equal([
      503,
      'not-ready',
      { problem: 'chain-forgot-anchors' },
    ]);
    // What is there stays readable.
    expect(await receiptOf(url, record)).to.deep.equal(receipt);

    expect((await net.centre.stop()).code).to.equal(0);
    const again = await failingCentre(net.spec);
    expect(again.code, again.output).to.equal(exitCodeOf('chain-forgot-anchors'));
    expect(again.output).to.include('chain-forgot-anchors').and.not.include('listening');
  });
});
