import { readFile } from 'node:fs/promises';
import { expect } from 'chai';
import type { Adapter } from '../../../../services/app/resources/adapters/Adapter.ts';
import { fileAdapter } from '../../../../services/app/resources/adapters/file.ts';
import { networkName } from '../../../../services/core/eip712.ts';
import { silentLogger } from '../../../../services/lib/logger.ts';
import { openStore } from '../../../../services/store/openStore.ts';
import { devAddress, type RunningChain, startChain } from '../../../support/chains.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { testPostgres } from '../../../support/postgres.ts';
import { until } from '../../../support/until.ts';
import { killed } from './killed.ts';
import { type ResourcesKit, resourcesKit } from './resourcesKit.ts';

describe('two processes that keep the resource sets of one centre', () => {
  let running: RunningChain;
  let kit: ResourcesKit;
  before(async () => {
    running = await startChain({ kind: 'anvil' });
  });
  after(() => running.stop());
  beforeEach(async () => {
    kit = await resourcesKit(running);
  });
  afterEach(() => kit[Symbol.asyncDispose]());

  /** Until the process that has been started reads the chain: then it has the lease. */
  async function untilItReads(databaseUrl: string, dataDir: string): Promise<void> {
    const { genesisHash: instance, network } = kit.chain.info;
    const place = { dataDir, databaseUrl, network: networkName(network), instance, logger: silentLogger };
    const store = await until('its tables', () => openStore(place));
    try {
      await until('its first look', async () => (await store.noticeCheckpoints()).length > 0);
    } finally {
      await store.close();
    }
  }

  for (const killAt of ['write', 'sending']) {
    it(`leave them to one, and the other goes on where that was killed: ${killAt}`, async () => {
      const databaseUrl = await (await testPostgres()).createDatabase();
      const { dataDir, file } = await kit.folderOf(0);
      const { contract, fromBlock } = kit.deployed;
      const end = killed({
        ...{ rpcUrl: running.rpcUrl, contract, fromBlock, account: 0, dataDir, databaseUrl, file },
        ...{ killAt, killVersion: 2, writesWrongly: false },
      });
      await untilItReads(databaseUrl, dataDir);
      const calls: string[] = [];
      const files = fileAdapter({ path: file });
      const adapter: Adapter = {
        ...files,
        async read(asked, signal) {
          calls.push('read');
          return await files.read(asked, signal);
        },
        async write(written, signal) {
          calls.push(`write ${written.version}`);
          await files.write(written, signal);
        },
      };
      const two = await kit.openCentre(0, { databaseUrl, adapter });
      const reportOf = async (version: number) =>
        (await two.centre.governance!.resourceVersion('radio', version)).ownReport?.state;

      await kit.passVersion([{ op: 'add', path: '/capacity', value: 5 }]);
      await until('the report of the first', async () => (await reportOf(1)) === 'sent');
      await until('the other to know the set', async () => {
        const refusal = await expectCode('not-ready', two.centre.governance!.checkResource('radio', { repair: true }));
        return refusal.detail.startsWith('another process');
      });
      expect(calls).to.deep.equal([]);

      await kit.passVersion([{ op: 'replace', path: '/capacity', value: 6 }]);
      const { signal, stderr } = await end;
      expect(signal, stderr).to.equal('SIGKILL');
      // Within its lease of ten seconds, not at the next look at a set whose name it does not know yet.
      await until('the report of the other', async () => (await reportOf(2)) === 'sent', 45_000);
      expect(JSON.parse(await readFile(file, 'utf8'))).to.deep.equal({ capacity: 6 });
      expect(calls.filter((call) => call !== 'read')).to.deep.equal(killAt === 'write' ? ['write 2'] : []);
      const told = (await two.store.eventsAfter(0, 999)).filter(({ type }) => type.startsWith('resource.'));
      expect(told.map(({ type, data }) => [type, data.version])).to.deep.equal([
        ['resource.applied', 1],
        ['resource.applied', 2],
      ]);
      const reported = (await kit.events()).filter((event) => event.type === 'version.reported');
      expect(reported.map(({ reporter, version, sequence }) => [reporter, version, sequence])).to.deep.equal([
        [devAddress(0), 1, 1],
        [devAddress(0), 2, 1],
      ]);
    });
  }
});
