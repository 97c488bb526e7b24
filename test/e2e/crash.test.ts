import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'chai';
import type { RecordId } from '../../services/core/bytes.ts';
import { decodeEntries } from '../../services/core/log/entryBundle.ts';
import { parseEntry } from '../../services/core/record.ts';
import { statusOf } from '../support/centreProcess.ts';
import { startNetwork, type TestNetwork } from '../support/network.ts';
import { crypto, randomSigner, signedRecord, textOf } from '../support/recordKit.ts';
import { until } from '../support/until.ts';

const kills = 50;
const perBatch = 16;

describe('kill -9 under load', function () {
  this.timeout(900_000);
  let net: TestNetwork;

  before(async () => {
    net = await startNetwork({});
  });
  after(() => net?.close());

  it(`loses no acknowledged record and logs none twice over ${kills} kills`, async () => {
    const signer = randomSigner();
    const acknowledged = new Set<RecordId>();
    let made = 0;
    const load = async (url: string, signal: AbortSignal): Promise<void> => {
      while (!signal.aborted) {
        const records = await Promise.all(
          Array.from({ length: perBatch }, () => signedRecord(net.network, signer, `crash ${made++}`)),
        );
        try {
          const response = await fetch(`${url}/v1/records/batch`, {
            method: 'POST',
            body: records.map((record) => `${textOf(record)}\n`).join(''),
            headers: { 'content-type': 'application/x-ndjson' },
          });
          let text = '';
          for await (const chunk of response.body!) {
            text += Buffer.from(chunk as Uint8Array).toString();
            // What has been read is acknowledged, also when the connection breaks right after it.
            for (const line of text.slice(0, text.lastIndexOf('\n') + 1).split('\n')) {
              if (line.includes('"status":"accepted"')) acknowledged.add((JSON.parse(line) as { id: RecordId }).id);
            }
            text = text.slice(text.lastIndexOf('\n') + 1);
          }
        } catch (error) {
          // The kill broke the connection: what was not acknowledged may be lost.
          if (!(error instanceof TypeError)) throw error;
          return;
        }
        // The centre is to be busy, not the clients: what they sign and read is not what is tested.
        await pause(25);
      }
    };

    for (let kill = 0; kill < kills; kill++) {
      const end = new AbortController();
      const before = acknowledged.size;
      const loads = [load(net.centre.url, end.signal), load(net.centre.url, end.signal)];
      await until('some acknowledgements', () => acknowledged.size > before + perBatch);
      // A moment that differs each time, over intake, sealing, anchoring and commit.
      await pause((kill * 37) % 700);
      await net.centre.kill();
      end.abort();
      await Promise.all(loads);
      await net.start();
    }

    const { url } = net.centre;
    await until('an empty pool', async () => (await statusOf(url)).pool.count === 0);
    const { log } = await statusOf(url);
    const logged: RecordId[] = [];
    for (let index = 0; index * 256 < log.size; index++) {
      const width = Math.min(256, log.size - index * 256);
      const name = String(index).padStart(3, '0');
      const response = await fetch(`${url}/log/tile/entries/${name}${width === 256 ? '' : `.p/${width}`}`);
      expect(response.status).to.equal(200);
      for (const entry of decodeEntries(new Uint8Array(await response.arrayBuffer()))) {
        logged.push(parseEntry(entry, { crypto }).id);
      }
    }
    expect(logged.length).to.equal(log.size);
    expect(new Set(logged).size, 'records in the log twice').to.equal(logged.length);
    const inLog = new Set(logged);
    expect(
      [...acknowledged].filter((id) => !inLog.has(id)),
      'acknowledged records lost',
    ).to.deep.equal([]);
    expect(acknowledged.size).to.be.greaterThan(kills * perBatch);
  });
});
