import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Acceptance } from '../../services/core/acceptance.ts';
import { json, post, receiptOf, recordOf, untilIdle, untilProblem } from '../support/centreApi.ts';
import { statusOf } from '../support/centreProcess.ts';
import { startNetwork, type TestNetwork } from '../support/network.ts';
import { randomSigner, signedRecord } from '../support/recordKit.ts';
import { until } from '../support/until.ts';

const hourMs = 3_600_000;

describe('a clock that jumps', () => {
  const signer = randomSigner();
  const acceptances: Acceptance[] = [];
  let net: TestNetwork;
  let clockFile: string;
  let made = 0;
  const setClock = (shiftMs: number): Promise<void> => writeFile(clockFile, String(shiftMs));
  const submit = async () => {
    const record = await signedRecord(net.network, signer, `clock ${made++}`);
    const { status, body } = await post(net.centre.url, record);
    if (body.acceptance) acceptances.push(body.acceptance as Acceptance);
    return { record, status, code: body.code };
  };

  before(async () => {
    net = await startNetwork({});
    await net.centre.stop();
    clockFile = join(net.dataDir, '..', 'clock');
    await setClock(0);
    await net.start({
      env: {
        TEST_CLOCK_FILE: clockFile,
        NODE_OPTIONS: `--import=${new URL('../support/clockShift.ts', import.meta.url).href}`,
      },
    });
  });
  after(() => net?.close());

  for (const shiftMs of [hourMs, -hourMs]) {
    it(`by an hour ${shiftMs > 0 ? 'forwards' : 'backwards'}: says so, promises and seals nothing wrong, and goes on`, async () => {
      const { url } = net.centre;
      const early = await submit();
      expect(early.status).to.equal(201);
      await receiptOf(url, early.record);
      const waiting = await submit();
      expect(waiting.status).to.equal(201);

      await setClock(shiftMs);
      await new Promise((done) => setTimeout(done, 50));
      // At once, not only when the chain has been asked.
      expect(await submit()).to.include({ status: 503, code: 'clock-skewed' });
      expect(await untilProblem(url, 'clock-skewed')).to.match(shiftMs > 0 ? /3\d{3} s ahead/ : /3\d{3} s behind/);
      expect(await submit()).to.include({ status: 503, code: 'clock-skewed' });
      // What a client waits for does not take an hour longer.
      const begun = performance.now();
      await json(`${url}/v1/records/${early.record.id}/receipt?wait=1`);
      expect(performance.now() - begun).to.be.lessThan(60_000);

      await setClock(0);
      await untilIdle(url);
      const late = await submit();
      expect(late.status).to.equal(201);
      await receiptOf(url, late.record);
      await receiptOf(url, waiting.record);
    });
  }

  it('has kept every promise, and no block is of a slot that was not there', async () => {
    const { url } = net.centre;
    for (const { recordId, acceptedAt, includeBySlot } of acceptances) {
      const { height } = await recordOf(url, recordId);
      const { header } = (await json(`${url}/v1/blocks/${height}`)).body as { header: { slot: number } };
      expect(header.slot).to.be.within(acceptedAt, includeBySlot);
    }
    const { items } = (await json(`${url}/v1/blocks?limit=100`)).body as { items: { header: { slot: number } }[] };
    const slots = items.map(({ header }) => header.slot);
    expect(slots).to.deep.equal([...slots].sort((a, b) => b - a));
    expect(slots[0]).to.be.at.most(Date.now() / 1000);
    await until('no problem is left', async () => (await statusOf(url)).problems.length === 0);
  });
});
