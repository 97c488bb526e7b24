import { readFile, writeFile } from 'node:fs/promises';
import { expect } from 'chai';
import { bundled } from '../../../support/bundled.ts';
import { devAddress, type RunningChain, startChain } from '../../../support/chains.ts';
import { until } from '../../../support/until.ts';
import { killed, killedChild } from './killed.ts';
import { type ResourcesKit, resourcesKit } from './resourcesKit.ts';

describe('a centre that is killed while it keeps a resource set', () => {
  let running: RunningChain;
  let kit: ResourcesKit;
  let child: Awaited<ReturnType<typeof bundled>>;
  before(async () => {
    child = await bundled(killedChild);
    running = await startChain({ kind: 'anvil' });
  });
  after(async () => {
    await running.stop();
    await child[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    kit = await resourcesKit(running);
  });
  afterEach(() => kit[Symbol.asyncDispose]());

  /** Passes a version, lets a centre die over it, and opens that centre again. */
  async function resumed(killAt: string, writesWrongly = false) {
    await kit.passVersion([{ op: 'add', path: '/capacity', value: 5 }]);
    const place = await kit.folderOf(0);
    await writeFile(place.file, '{"old":1}');
    const { contract, fromBlock } = kit.deployed;
    const centre = { rpcUrl: running.rpcUrl, contract, fromBlock, account: 0, killAt, writesWrongly, ...place };
    const end = await killed(centre, child.path);
    expect(end.signal, end.stderr).to.equal('SIGKILL');
    const one = await kit.openCentre(0);
    const state = writesWrongly ? 'rolled-back' : 'applied';
    await until(`version 1 to be ${state}`, async () => {
      return (await one.centre.governance!.resourceSet('radio', { limit: 1 })).own?.state === state;
    });
    const report = await until('its report', async () => {
      const { ownReport } = await one.centre.governance!.resourceVersion('radio', 1);
      return ownReport?.state === 'sent' && ownReport;
    });
    const told = (await one.store.eventsAfter(0, 999)).filter(({ type }) => type.startsWith('resource.'));
    const reported = (await kit.events()).filter(
      (event) => event.type === 'version.reported' && event.reporter === devAddress(0),
    );
    return {
      file: JSON.parse(await readFile(place.file, 'utf8')) as unknown,
      told: told.map(({ type }) => type),
      sequence: report.sequence,
      reported: reported.length,
      pooled: (await one.store.poolStatus()).count,
    };
  }

  for (const killAt of ['applying', 'write', 'reading', 'applied', 'made', 'recorded', 'sending']) {
    it(`goes on: ${killAt}`, async () => {
      expect(await resumed(killAt)).to.deep.equal({
        file: { capacity: 5 },
        told: ['resource.applied'],
        sequence: 1,
        reported: 1,
        pooled: 1,
      });
    });
  }

  for (const killAt of ['rolling-back', 'rolled-back']) {
    it(`brings back what was there: ${killAt}`, async () => {
      expect(await resumed(killAt, true)).to.deep.equal({
        file: { old: 1 },
        told: ['resource.failed'],
        sequence: 1,
        reported: 1,
        pooled: 1,
      });
    });
  }
});
