import { expect } from 'chai';
import type { RecordId } from '../../services/core/bytes.ts';
import { failedSteps, postBatch, receiptOf, untilIdle } from '../support/centreApi.ts';
import { type CentreProcess, startCentre } from '../support/centreProcess.ts';
import { logFaults } from '../support/logOf.ts';
import { startNetwork, type TestNetwork } from '../support/network.ts';
import { testPostgres } from '../support/postgres.ts';
import { randomSigner, signedRecord } from '../support/recordKit.ts';

describe('two processes of one centre on one PostgreSQL', () => {
  const signer = randomSigner();
  let net: TestNetwork;
  let env: Record<string, string>;
  let second: CentreProcess;
  let third: CentreProcess | undefined;
  const acknowledged = new Set<RecordId>();
  let made = 0;
  const records = (count: number) =>
    Promise.all(Array.from({ length: count }, () => signedRecord(net.network, signer, `two ${made++}`)));
  const verified = async ({ url }: CentreProcess, record: { id: RecordId }): Promise<string[]> =>
    failedSteps({ url, rpcUrl: net.chain.rpcUrl }, await receiptOf(url, record));

  before(async () => {
    env = { DATABASE_URL: await (await testPostgres()).createDatabase() };
    net = await startNetwork({ env });
    second = await startCentre({ ...net.spec, env, args: [...net.spec.args!, '--no-publish'] });
  });
  after(async () => {
    await second?.kill();
    await third?.kill();
    await net?.close();
  });

  it('accept a record once, whichever is asked, and both give receipts', async () => {
    const batch = await records(300);
    const answers = await Promise.all(
      [net.centre, second].map(({ url }) => postBatch(url, batch, (id) => acknowledged.add(id))),
    );
    const accepted = batch.map((_, index) => answers.filter((lines) => lines[index]?.status === 'accepted').length);
    expect(new Set(accepted)).to.deep.equal(new Set([1]));
    for (const centre of [net.centre, second]) expect(await verified(centre, batch[0]!)).to.deep.equal([]);
    await untilIdle(second.url);
    expect(await logFaults(second.url, acknowledged)).to.deep.equal({});
  });

  it('go on when the publisher is killed and another one takes its lease', async () => {
    await net.centre.kill();
    const [alone] = await records(1);
    await postBatch(second.url, [alone!], (id) => acknowledged.add(id));
    third = await startCentre({ ...net.spec, env });
    expect(await verified(third, alone!)).to.deep.equal([]);
    expect(await verified(second, alone!)).to.deep.equal([]);
    for (const { url } of [second, third]) expect(await logFaults(url, acknowledged)).to.deep.equal({});
  });
});
