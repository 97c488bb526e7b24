import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect } from 'chai';
import { isNotariumError } from '../../../services/core/errors.ts';
import { silentLogger } from '../../../services/lib/logger.ts';
import { databaseFile } from '../../../services/store/database.ts';
import { openStore } from '../../../services/store/openStore.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';
import { anchorNext, instance, network, rows } from './storeKit.ts';

describe('store on a full disk', () => {
  it('takes nothing that it cannot keep, and goes on when there is room', async function () {
    // A small file system of its own; only root may make one.
    const folder = await mkdtemp(join(tmpdir(), 'notarium full-'));
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', folder], { stdio: 'ignore' });
    } catch {
      await rm(folder, { recursive: true });
      this.skip();
    }
    try {
      const store = await openStore({ dataDir: folder, network, instance, logger: silentLogger });
      try {
        const filler = join(folder, 'filler');
        await writeFile(filler, Buffer.alloc(16_000_000));
        let taken = 0;
        let error: unknown;
        for (let call = 0; call < 200 && !error; call++) {
          try {
            await store.admit(rows(100, `call ${call}`));
            taken += 100;
          } catch (thrown) {
            error = thrown;
          }
        }
        expect(isNotariumError(error, 'storage-full')).to.equal(true);
        expect((await store.poolStatus()).count).to.equal(taken);
        expect((await store.poolCut(10_000)).count).to.equal(taken);
        // The log's files do not fit either: the block stays what it was.
        await rm(filler);
        const block = await anchorNext(store, taken, 1);
        await writeFile(filler, Buffer.alloc(32_000_000)).catch(() => undefined);
        const failed = await store.commitBlock(1).then(
          () => undefined,
          (thrown: unknown) => thrown,
        );
        expect(isNotariumError(failed, 'storage-full')).to.equal(true);
        expect((await store.block(1))?.state).to.equal('anchored');
        await rm(filler);
        await store.commitBlock(block.header.height);
        expect(store.logSize()).to.equal(taken);
        await store.admit(rows(10, 'there is room'));
        expect((await store.poolStatus()).count).to.equal(10);
        await store.verifyLog();
      } finally {
        await store.close();
      }
    } finally {
      execFileSync('umount', [folder]);
      await rm(folder, { recursive: true });
    }
  });

  it('loses nothing that it has promised when files may not grow any more', async () => {
    await using folder = await temporaryFolder();
    const script = join(import.meta.dirname, 'killChild.ts');
    // 512-byte blocks; every write beyond fails, for every user.
    const child = spawn('sh', ['-c', 'ulimit -f 4000; exec "$@"', 'sh', process.execPath, script, folder.path, '0'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    let complaint = '';
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      complaint += chunk.toString();
    });
    await once(child, 'close');
    expect(complaint).to.match(/storage-(failed|full)/);
    const acknowledged = said.split('\n').filter((line) => line.startsWith('row ')).length;
    expect(acknowledged).to.be.greaterThan(0);
    const store = await openStore({ dataDir: folder.path, network, instance, logger: silentLogger });
    try {
      expect((await store.poolStatus()).count + store.logSize()).to.be.at.least(acknowledged);
      await store.check();
      await store.verifyLog();
    } finally {
      await store.close();
    }
  });
});

describe('store of another version', () => {
  it('is left alone', async () => {
    await using folder = await temporaryFolder();
    const options = { dataDir: folder.path, network, instance, logger: silentLogger };
    await (await openStore(options)).close();
    const db = new DatabaseSync(join(folder.path, databaseFile));
    db.prepare("insert into kysely_migration values ('999-from-the-future', '2030-01-01T00:00:00.000Z')").run();
    db.close();
    const error = await openStore(options).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(isNotariumError(error, 'store-version-unsupported')).to.equal(true);
  });
});
