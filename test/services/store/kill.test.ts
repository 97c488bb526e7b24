import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect } from 'chai';
import { silentLogger } from '../../../services/lib/logger.ts';
import { openStore } from '../../../services/store/openStore.ts';
import { bundled } from '../../support/bundled.ts';
import { expectCode } from '../../support/expectCode.ts';
import { testPostgres } from '../../support/postgres.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';
import { instance, network, row } from './storeKit.ts';
import { storePlace } from './storePlace.ts';

let script: Awaited<ReturnType<typeof bundled>>;
before(async () => {
  script = await bundled(join(import.meta.dirname, 'killChild.ts'));
});
after(() => script?.[Symbol.asyncDispose]());

/** Starts a child and gives every whole line that it says. */
function work(
  dataDir: string,
  round: number,
  databaseUrl: string | undefined,
  onLine: (line: string) => void,
): ChildProcess {
  const child = spawn(process.execPath, [script.path, dataDir, String(round), ...(databaseUrl ? [databaseUrl] : [])], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  createInterface({ input: child.stdout! }).on('line', onLine);
  return child;
}

/** Runs a child and kills it when it has said so many lines, and one that begins so among them. */
async function workAndKill(
  dataDir: string,
  round: number,
  databaseUrl: string | undefined,
  until: { readonly lines: number; readonly said?: string },
): Promise<string[]> {
  const lines: string[] = [];
  let said = until.said === undefined;
  const child = work(dataDir, round, databaseUrl, (line) => {
    said ||= line.startsWith(until.said!);
    if (lines.push(line) >= until.lines && said) child.kill('SIGKILL');
  });
  const [, signal] = (await once(child, 'close')) as [number | null, string | null];
  expect(signal).to.equal('SIGKILL');
  return lines;
}

for (const [engine, kills] of [
  ['sqlite', 10],
  ['postgres', 3],
] as const) {
  describe(`store under kill -9 (${engine})`, () => {
    it('has every acknowledged record and block afterwards', async () => {
      await using folder = await temporaryFolder();
      const dataDir = folder.path;
      const databaseUrl = engine === 'postgres' ? await (await testPostgres()).createDatabase() : undefined;
      const records: string[] = [];
      let height = 0;
      for (let round = 0; round < kills; round++) {
        const last = round === kills - 1;
        const lines = await workAndKill(dataDir, round, databaseUrl, {
          lines: 60 + Math.floor(Math.random() * 1500),
          // A busy machine may not come to the end of a block before.
          ...(last && height === 0 ? { said: 'block ' } : {}),
        });
        records.push(...lines.filter((line) => line.startsWith('row ')).map((line) => line.slice(4)));
        for (const line of lines) if (line.startsWith('block ')) height = Math.max(height, Number(line.slice(6)));

        const store = await openStore({
          dataDir,
          ...(databaseUrl ? { databaseUrl } : {}),
          network,
          instance,
          logger: silentLogger,
        });
        try {
          await store.check();
          await store.verifyLog();
          expect((await store.committedBlock())?.header.height ?? 0).to.be.at.least(height);
          for (const text of last ? records : records.slice(-300)) {
            expect((await store.findRecord(row(text).id))?.where, text).to.be.oneOf(['pool', 'log']);
          }
          const { count } = await store.poolStatus();
          const live = (await store.liveBlocks()).reduce((sum, block) => sum + block.count, 0);
          expect((await store.poolCut(1_000_000)).count).to.equal(count - live);
        } finally {
          await store.close();
        }
      }
      expect(records.length).to.be.greaterThan(kills * 50);
      expect(height).to.be.greaterThan(0);
    });
  });
}

describe('store lock', () => {
  it('names the process that holds the folder, and ends with it', async () => {
    await using place = await storePlace('sqlite');
    const child = await new Promise<ChildProcess>((resolve) => {
      const started = work(place.dataDir, 0, undefined, (line) => line === 'open' && resolve(started));
    });
    const error = await expectCode('store-locked', place.open());
    expect(error.data).to.deep.equal({ folder: place.dataDir, pid: child.pid });
    child.kill('SIGKILL');
    await once(child, 'close');
    const store = await place.open();
    await expectCode('store-locked', place.open());
    await store.close();
    await (await place.open()).close();
  });
});
