import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { RecordId } from '../../services/core/bytes.ts';
import { type Answer, json, post, postBatch, receiptOf, untilIdle } from '../support/centreApi.ts';
import { statusOf } from '../support/centreProcess.ts';
import { logFaults } from '../support/logOf.ts';
import { startNetwork, type TestNetwork } from '../support/network.ts';
import { randomSigner, signedRecord } from '../support/recordKit.ts';
import { until } from '../support/until.ts';

describe('a full disk', () => {
  const signer = randomSigner();
  let net: TestNetwork | undefined;
  const acknowledged = new Set<RecordId>();
  let made = 0;
  const record = ({ network }: TestNetwork) =>
    signedRecord(network, signer, `disk ${made++}`, { meta: { padding: 'x'.repeat(3000) } });
  /** Submits until nothing is taken any more; the code of the last refusal. */
  const fill = async (place: TestNetwork): Promise<string> => {
    for (let call = 0; call < 200; call++) {
      const records = await Promise.all(Array.from({ length: 100 }, () => record(place)));
      const lines = await postBatch(place.centre.url, records, (id) => acknowledged.add(id));
      const refused = lines.find(({ status }) => status === 'failed');
      if (refused) return refused.error!.code;
    }
    throw new Error('the disk did not get full');
  };

  /** The same one by one: a small one may still fit where a hundred do not. */
  const single = (place: TestNetwork): Promise<Answer> =>
    until('a refusal', async () => {
      const each = await record(place);
      const answer = await post(place.centre.url, each);
      if (answer.status === 201) acknowledged.add(each.id);
      return answer.status !== 201 && answer;
    });

  beforeEach(() => acknowledged.clear());
  afterEach(() => net?.close());

  it('takes nothing that it cannot keep, still answers, and goes on when there is room', async function () {
    // A small file system of its own; only root may make one.
    const folder = await mkdtemp(join(tmpdir(), 'notarium disk '));
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=48m', 'tmpfs', folder], { stdio: 'ignore' });
    } catch {
      await rm(folder, { recursive: true });
      return this.skip();
    }
    try {
      net = await startNetwork({ folder });
      const { url } = net.centre;
      const first = await record(net);
      await post(url, first);
      await receiptOf(url, first);
      const filler = join(folder, 'filler');
      await writeFile(filler, Buffer.alloc(40_000_000));
      expect(await fill(net)).to.equal('storage-full');
      const refused = await single(net);
      expect([refused.status, refused.body.code, refused.body.retry]).to.deep.equal([503, 'storage-full', true]);
      expect((await json(`${url}/v1/records/${first.id}`)).status).to.equal(200);
      expect(await receiptOf(url, first)).to.have.property('format');
      expect((await statusOf(url)).pool.count + (await statusOf(url)).log.size).to.be.at.least(acknowledged.size);

      await truncate(filler, 0);
      await untilIdle(url);
      const after = await record(net);
      expect((await post(url, after)).status).to.equal(201);
      await receiptOf(url, after);
      acknowledged.add(first.id).add(after.id);
      await net.centre.kill();
      await net.start();
      expect(await logFaults(net.centre.url, acknowledged)).to.deep.equal({});
    } finally {
      await net?.close();
      net = undefined;
      execFileSync('umount', [folder]);
      await rm(folder, { recursive: true });
    }
  });

  it('loses nothing that it has acknowledged when files may not grow any more', async () => {
    net = await startNetwork({});
    const { url } = net.centre;
    const first = await record(net);
    await post(url, first);
    await receiptOf(url, first);
    await net.centre.stop();
    // 512-byte blocks; the kernel fails every write beyond, for every user.
    await net.start({ wrap: ['sh', '-c', 'ulimit -f 8000; exec "$@"', 'sh'] });
    expect(await fill(net)).to.match(/^storage-(full|failed)$/);
    const refused = await single(net);
    expect([refused.status, String(refused.body.code).startsWith('storage-')]).to.deep.equal([503, true]);
    expect((await json(`${net.centre.url}/v1/records/${first.id}`)).status).to.equal(200);
    await net.centre.kill();
    await net.start();
    await untilIdle(net.centre.url);
    expect(acknowledged.size).to.be.greaterThan(100);
    expect(await logFaults(net.centre.url, acknowledged)).to.deep.equal({});
  });
});
