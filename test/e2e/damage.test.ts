import { cp, mkdir, open, rename, rm, truncate, unlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import type { CentreStatus } from '../../services/app/Centre.ts';
import { exitCodeOf } from '../../services/cli/exitCodes.ts';
import type { CheckedRecord } from '../../services/core/record.ts';
import { databaseFile } from '../../services/store/database.ts';
import { failedSteps, json, post, postBatch, receiptOf, untilIdle } from '../support/centreApi.ts';
import { failingCentre, statusOf } from '../support/centreProcess.ts';
import { notarium } from '../support/command.ts';
import { startNetwork, type TestNetwork } from '../support/network.ts';
import { randomSigner, signedRecord } from '../support/recordKit.ts';

const garbage = Buffer.alloc(600, 'damage');

/** Overwrites bytes in the middle of a file. */
async function overwrite(path: string, at: number, bytes: Buffer = garbage): Promise<void> {
  const file = await open(path, 'r+');
  await file.write(bytes, 0, bytes.length, at);
  await file.close();
}

describe('damage to a data folder', () => {
  const signer = randomSigner();
  let net: TestNetwork;
  let records: CheckedRecord[];
  let whole: CentreStatus;
  let backup: string;
  const place = (name: string): string => join(net.dataDir, name);
  const verified = async (record: CheckedRecord): Promise<string[]> =>
    failedSteps({ url: net.centre.url, rpcUrl: net.chain.rpcUrl }, await receiptOf(net.centre.url, record));
  const mended = async (): Promise<void> => {
    const { code, output } = await notarium(net.spec, 'rebuild');
    expect(code, output).to.equal(0);
  };

  before(async () => {
    net = await startNetwork({});
    backup = join(net.dataDir, '..', 'backup.tar.gz');
    records = await Promise.all(
      Array.from({ length: 700 }, (_, index) => signedRecord(net.network, signer, `d ${index}`)),
    );
    await postBatch(net.centre.url, records);
    whole = await untilIdle(net.centre.url);
  });
  after(() => net?.close());

  it('starts from the backup of a running centre with the very same log', async () => {
    const exported = await notarium(net.spec, 'export', backup);
    expect(exported.code, exported.output).to.equal(0);
    const checkpoint = await (await fetch(`${net.centre.url}/log/checkpoint`)).text();
    await net.centre.stop();
    const dataDir = join(net.dataDir, '..', 'restored centre');
    await mkdir(dataDir);
    await writeFile(join(dataDir, 'of others'), '');
    const refused = await notarium({ ...net.spec, dataDir }, 'import', backup);
    expect(refused.code, refused.output).to.equal(exitCodeOf('file-exists'));
    await unlink(join(dataDir, 'of others'));
    const imported = await notarium({ ...net.spec, dataDir }, 'import', backup);
    expect(imported.code, imported.output).to.equal(0);
    await cp(place('password'), join(dataDir, 'password'));
    const { url } = await net.start({ dataDir });
    expect(await (await fetch(`${url}/log/checkpoint`)).text()).to.equal(checkpoint);
    expect(await verified(records[0]!)).to.deep.equal([]);
    await net.centre.stop();
    await rm(dataDir, { recursive: true });
  });

  it('refuses a damaged backup, and leaves nothing behind', async () => {
    const bad = join(net.dataDir, '..', 'bad backup.tar.gz');
    await cp(backup, bad);
    await overwrite(bad, 30_000);
    const dataDir = join(net.dataDir, '..', 'from bad');
    const { code, output } = await notarium({ ...net.spec, dataDir }, 'import', bad);
    expect(code, output).to.equal(exitCodeOf('backup-invalid'));
    expect(output).to.include('bad backup.tar.gz');
    await expectMissing(dataDir);
  });

  const damages: Record<string, (file: string) => Promise<void>> = {
    'with overwritten pages': async (file) => {
      for (const page of [1, 3, 5, 9, 12]) await overwrite(file, page * 4096 + 8);
    },
    'that is cut off': (file) => truncate(file, 10_000),
    'that is something else': (file) => writeFile(file, Buffer.alloc(50_000, 'no database')),
  };
  for (const [what, damage] of Object.entries(damages)) {
    it(`names a database ${what}, and rebuild restores it`, async () => {
      await damage(place(databaseFile));
      const failed = await failingCentre(net.spec);
      expect(failed.code, failed.output).to.equal(exitCodeOf('store-corrupt'));
      expect(failed.output).to.include('notarium rebuild').and.not.include('listening');
      await mended();
      const keys = await notarium(net.spec, 'keys', 'list');
      expect(keys.code, keys.output).to.equal(0);
      // Two of them differ in nothing from here on.
      if (what !== 'with overwritten pages') return;
      const { url } = await net.start();
      const { log, anchoredHeight } = await untilIdle(url);
      expect([log, anchoredHeight]).to.deep.equal([whole.log, whole.anchoredHeight]);
      for (const record of [records[0]!, records[300]!, records[699]!]) {
        expect(await verified(record)).to.deep.equal([]);
      }
      // What is in the log is known as such, not taken a second time.
      expect((await post(url, records[5]!)).body.status).to.equal('logged');
      await net.centre.stop();
    });
  }

  it('names a hash tile that is damaged or missing, gives no wrong receipt, and rebuild makes it again', async () => {
    await overwrite(place('log/tile/0/000'), 64, Buffer.alloc(64, 1));
    await unlink(place('log/tile/0/001'));
    const { url } = await net.start();
    const damaged = await json(`${url}/v1/records/${records[4]!.id}/receipt`);
    expect([damaged.status, damaged.body.code]).to.deep.equal([500, 'tile-corrupt']);
    const missing = await json(`${url}/v1/records/${records[300]!.id}/receipt`);
    expect([missing.body.code, missing.body.data]).to.deep.equal(['tile-corrupt', { path: 'tile/0/001' }]);
    await net.centre.stop();
    await mended();
    await net.start();
    for (const record of [records[4]!, records[300]!]) expect(await verified(record)).to.deep.equal([]);
  });

  it('names an entry bundle that is damaged, also in rebuild, takes none of its records twice, and serves it when it is back', async () => {
    const bundle = place('log/tile/entries/000');
    await cp(bundle, `${bundle}.good`);
    await net.centre.stop();
    await overwrite(bundle, 2000, Buffer.from('damage'));
    const { url } = await net.start();
    const codes = await Promise.all(
      records.slice(0, 8).map(async (record) => {
        const { status, body } = await json(`${url}/v1/records/${record.id}/receipt`);
        return status === 200 ? 200 : `${body.code} ${(body.data as { path: string }).path}`;
      }),
    );
    expect(new Set(codes)).to.deep.equal(new Set([200, 'tile-corrupt tile/entries/000']));
    const again = await postBatch(url, records.slice(0, 8));
    expect(again.map(({ status }) => status)).to.not.include('accepted');
    await net.centre.stop();
    const { code, output } = await notarium(net.spec, 'rebuild');
    expect(code, output).to.equal(exitCodeOf('tile-corrupt'));
    expect(output).to.include('tile/entries/000');
    await rename(`${bundle}.good`, bundle);
    await mended();
    await net.start();
    for (const record of records.slice(0, 8)) expect(await verified(record)).to.deep.equal([]);
    expect((await statusOf(net.centre.url)).log).to.deep.equal(whole.log);
  });

  it('rebuilds nothing from a log that is gone, nor in a folder that is none', async () => {
    await net.centre.stop();
    await rename(place('log/tile/entries'), place('entries'));
    const gone = await notarium(net.spec, 'rebuild');
    expect(gone.code, gone.output).to.equal(exitCodeOf('store-behind-chain'));
    expect(gone.output).to.include('tile/entries/000').and.include('--allow-missing');
    await rename(place('entries'), place('log/tile/entries'));
    // The index is as it was, without a rebuild.
    await net.start();
    expect((await statusOf(net.centre.url)).log).to.deep.equal(whole.log);
    const dataDir = `${net.dataDir} mistyped`;
    for (const argv of [['rebuild'], ['keys', 'list']]) {
      const mistyped = await notarium({ ...net.spec, dataDir }, ...argv);
      expect(mistyped.code, mistyped.output).to.equal(exitCodeOf('config-invalid'));
      await expectMissing(dataDir);
    }
  });

  it('says that an old backup lacks what the chain has, and seals nothing on it', async () => {
    const { url } = net.centre;
    const late = await signedRecord(net.network, signer, 'after the backup');
    await post(url, late);
    await receiptOf(url, late);
    // A second process on the same folder is told whose it is.
    const locked = await failingCentre(net.spec);
    expect(locked.code, locked.output).to.equal(exitCodeOf('store-locked'));
    expect(locked.output).to.include(String(net.centre.pid));
    await net.centre.stop();
    const dataDir = join(net.dataDir, '..', 'old backup');
    await notarium({ ...net.spec, dataDir }, 'import', backup);
    await cp(place('password'), join(dataDir, 'password'));
    const { code, output } = await failingCentre({ ...net.spec, dataDir });
    expect(code, output).to.equal(exitCodeOf('store-behind-chain'));
    expect(output).to.include('store-behind-chain').and.not.include('listening');
  });

  it('names a port that is taken', async () => {
    await net.centre.stop();
    const server = await new Promise<Server>((done) => {
      const taken = createServer().listen(0, '127.0.0.1', () => done(taken));
    });
    const { port } = server.address() as { port: number };
    try {
      const { code, output } = await failingCentre({ ...net.spec, port });
      expect(code, output).to.equal(exitCodeOf('port-taken'));
      expect(output).to.include(String(port)).and.include('--port');
    } finally {
      await new Promise((done) => server.close(done));
    }
  });
});

async function expectMissing(path: string): Promise<void> {
  const found = await open(path).catch((error: NodeJS.ErrnoException) => error.code);
  expect(found).to.equal('ENOENT');
}
