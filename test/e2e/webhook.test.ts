import { expect } from 'chai';
import { postBatch, untilIdle } from '../support/centreApi.ts';
import { failingCentre, statusOf } from '../support/centreProcess.ts';
import { startNetwork, type TestNetwork } from '../support/network.ts';
import { randomSigner, signedRecord } from '../support/recordKit.ts';
import { until } from '../support/until.ts';
import { type WebhookReceiver, webhookReceiver, webhookSecret } from '../support/webhookReceiver.ts';

describe('the webhook of a centre that is killed', () => {
  const secret = webhookSecret();
  const env = { NOTARIUM_WEBHOOK_SECRET: secret };
  let receiver: WebhookReceiver;
  let net: TestNetwork;
  before(async () => {
    receiver = await webhookReceiver(secret);
    net = await startNetwork({ env, args: ['--webhook', receiver.url, '--webhook-events', 'block.*,alert'] });
  });
  after(async () => {
    await net?.close();
    await receiver?.close();
  });

  const post = async (text: string): Promise<void> => {
    const record = await signedRecord(net.network, randomSigner(), text);
    await postBatch(net.centre.url, [record], () => {});
    await untilIdle(net.centre.url);
  };
  /** In the order in which they came. One whose answer was too long in coming comes again. */
  const seqs = (): number[] => [...new Set(receiver.taken.map(({ id }) => Number(id.split('-')[0])))];

  it('loses no event, and stands in nobody’s way', async () => {
    await post('told');
    await until('the first block', () => receiver.taken.some(({ type }) => type === 'notarium.block.committed'));
    // Taken, but the centre is killed before it hears of it.
    const repeated = new Promise<string>((resolve) => {
      receiver.answer = (_response, request) => resolve(String(request.headers['webhook-id']));
    });
    await post('not answered');
    const id = await repeated;
    await net.centre.kill();

    receiver.answer = (response) => void response.writeHead(500).end();
    await net.start({ env });
    await post('refused');
    const { ready } = await until('the problem, and no other one', async () => {
      const status = await statusOf(net.centre.url);
      return status.problems.map(({ code }) => code).join() === 'webhook-failed' && status;
    });
    expect(ready).to.equal(true);

    receiver.answer = undefined;
    await until('the third block', () =>
      receiver.taken.some(({ type, data }) => type === 'notarium.block.committed' && data.height === 3),
    );
    expect(seqs()).to.deep.equal(seqs().map((_, index) => index + 1));
    expect(receiver.taken.map((event) => event.id)).to.include(id);
    expect(receiver.faults).to.deep.equal([]);
  });

  it('is refused where it is none, before anything is started', async () => {
    const args = ['--webhook', receiver.url];
    const none = await failingCentre({ ...net.spec, args, env: { NOTARIUM_WEBHOOK_SECRET: '' } });
    expect(none.code, none.output).to.equal(2);
    expect(none.output).to.contain('NOTARIUM_WEBHOOK_SECRET');
    const wrong = await failingCentre({ ...net.spec, args: ['--webhook', 'ftp://example.org'], env });
    expect(wrong.code, wrong.output).to.equal(2);
  });
});
