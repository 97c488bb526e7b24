import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import type { RecordId } from '../../services/core/bytes.ts';
import { Notarium, verifyDigest } from '../../services/index.ts';
import { failingCentre, statusOf } from '../support/centreProcess.ts';
import { startNetwork, type TestNetwork } from '../support/network.ts';
import { randomSigner, signedRecord, textOf } from '../support/recordKit.ts';
import { until } from '../support/until.ts';

const launcher = fileURLToPath(new URL('../../services/bin/notarium.js', import.meta.url));

async function notarium(...args: string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', launcher, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output };
}

describe('damage and backup', function () {
  this.timeout(180_000);
  let net: TestNetwork;
  const ids: RecordId[] = [];
  const signer = randomSigner();

  /** Posts records and waits until they are in the log. */
  async function fill(count: number): Promise<void> {
    const records = await Promise.all(
      Array.from({ length: count }, (_, index) => signedRecord(net.network, signer, `damage ${ids.length + index}`)),
    );
    const response = await fetch(`${net.centre.url}/v1/records/batch`, {
      method: 'POST',
      body: records.map((record) => `${textOf(record)}\n`).join(''),
      headers: { 'content-type': 'application/x-ndjson' },
    });
    expect((await response.text()).match(/"status":"accepted"/g)).to.have.length(count);
    ids.push(...records.map(({ id }) => id));
    await until('an empty pool', async () => (await statusOf(net.centre.url)).pool.count === 0);
  }

  /** Every record of the log has a receipt that verifies offline and on chain. */
  async function allVerify(): Promise<void> {
    const client = new Notarium({ url: net.centre.url, rpcUrl: net.chain.rpcUrl });
    for (const id of [ids[0]!, ids[255]!, ids[256]!, ids.at(-1)!]) {
      const receipt = await client.waitForReceipt(id, { timeoutMs: 30_000 });
      const verdict = await verifyDigest(undefined, receipt, { network: net.network, rpcUrl: net.chain.rpcUrl });
      expect([verdict.ok, verdict.recordId]).to.deep.equal([true, id]);
    }
  }

  const rebuild = () =>
    notarium(...['rebuild', '--data', net.dataDir, '--rpc', net.chain.rpcUrl, '--contract', net.deployed.contract]);

  before(async () => {
    net = await startNetwork({});
    await fill(400);
    await fill(200);
  });
  after(() => net?.close());

  it('exports a running centre; the backup starts elsewhere with the same checkpoint, and a damaged one is refused', async () => {
    const file = join(net.dataDir, '..', 'backup.tar.gz');
    const exported = await notarium('export', file, '--data', net.dataDir);
    expect(exported.code, exported.output).to.equal(0);
    const before = await (await fetch(`${net.centre.url}/log/checkpoint`)).text();
    await net.centre.stop();

    const restored = join(net.dataDir, '..', 'restored');
    const imported = await notarium('import', file, '--data', restored);
    expect(imported.code, imported.output).to.equal(0);
    await writeFile(join(restored, 'password'), await readFile(join(net.dataDir, 'password')), { mode: 0o600 });
    const { url } = await net.start({ dataDir: restored });
    expect(await (await fetch(`${url}/log/checkpoint`)).text()).to.equal(before);
    await net.centre.stop();

    const bytes = await readFile(file);
    bytes[bytes.length >> 1]! ^= 0xff;
    await writeFile(`${file}.bad`, bytes);
    const refused = await notarium('import', `${file}.bad`, '--data', join(net.dataDir, '..', 'third'));
    expect(refused.code, refused.output).to.equal(55);
    expect(await stat(join(net.dataDir, '..', 'third')).catch(() => undefined)).to.equal(undefined);
    await net.start();
  });

  for (const [what, damage] of [
    ['garbage in the place of the database', (path: string) => writeFile(path, Buffer.alloc(200_000, 'garbage '))],
    [
      'a database cut off in the middle',
      async (path: string) => truncate(path, Math.floor((await stat(path)).size / 2)),
    ],
    [
      'overwritten pages',
      async (path: string) => {
        const { size } = await stat(path);
        const handle = await open(path, 'r+');
        for (let at = 4096; at + 4096 < size; at += 3 * 4096) await handle.write(Buffer.alloc(4096, 0xa5), 0, 4096, at);
        await handle.close();
      },
    ],
  ] as const) {
    it(`says that the database is damaged, and rebuilds it from tiles and chain: ${what}`, async () => {
      await net.centre.stop();
      const path = join(net.dataDir, 'notarium.sqlite');
      for (const suffix of ['-wal', '-shm']) await rm(`${path}${suffix}`, { force: true });
      await damage(path);
      const failed = await failingCentre(net.spec);
      expect(failed.output).to.include('store-corrupt').and.include('notarium rebuild');
      expect(failed.code).to.equal(50);
      const mended = await rebuild();
      expect(mended.code, mended.output).to.equal(0);
      const { url } = await net.start();
      expect((await statusOf(url)).log.size).to.equal(ids.length);
      await allVerify();
      await fill(3);
      await allVerify();
    });
  }

  it('names a damaged hash tile, and makes it again', async () => {
    await net.centre.stop();
    const path = join(net.dataDir, 'log', 'tile', '0', '000');
    const good = await readFile(path);
    const bad = Uint8Array.from(good);
    bad[1000]! ^= 1;
    await writeFile(path, bad);
    const mended = await rebuild();
    expect(mended.code, mended.output).to.equal(0);
    expect(mended.output).to.include('tile/0/000');
    expect(await readFile(path)).to.deep.equal(good);
    await net.start();
    await allVerify();
  });

  it('names a damaged entry bundle, which nothing can replace, and serves the rest', async () => {
    await net.centre.stop();
    const path = join(net.dataDir, 'log', 'tile', 'entries', '000');
    const good = await readFile(path);
    const bad = Uint8Array.from(good);
    bad[1000]! ^= 1;
    await writeFile(path, bad);
    const failed = await rebuild();
    expect(failed.output).to.include('tile-corrupt').and.include('tile/entries/000');
    expect(failed.code).to.equal(38);
    await writeFile(path, good);
    const mended = await rebuild();
    expect(mended.code, mended.output).to.equal(0);
    await net.start();
    await allVerify();
  });

  it('loses nothing that it acknowledged when it is stopped under load', async () => {
    const acknowledged: RecordId[] = [];
    const { url } = net.centre;
    let stopped = false;
    const load = async (name: string): Promise<void> => {
      for (let index = 0; !stopped; index++) {
        const record = await signedRecord(net.network, signer, `${name} ${index}`);
        const response = await fetch(`${url}/v1/records`, {
          method: 'POST',
          body: textOf(record),
          headers: { 'content-type': 'application/json' },
        }).catch(() => undefined);
        if (response?.status === 201) acknowledged.push(record.id);
        else if (response === undefined || response.status === 503) return;
      }
    };
    const loads = Array.from({ length: 16 }, (_, index) => load(`load ${index}`));
    await until('some acknowledgements', () => acknowledged.length > 200);
    const end = await net.centre.stop();
    stopped = true;
    await Promise.all(loads);
    expect(end).to.deep.equal({ code: 0, signal: null });
    await net.start();
    await until('an empty pool', async () => (await statusOf(net.centre.url)).pool.count === 0);
    for (const id of acknowledged) {
      const response = await fetch(`${net.centre.url}/v1/records/${id}`);
      expect(((await response.json()) as { state: string }).state).to.equal('logged');
    }
  });
});
