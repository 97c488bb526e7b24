import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { toQuantity } from 'ethers';
import { openContents } from '../../../../services/app/governance/openContents.ts';
import type { Adapter } from '../../../../services/app/resources/adapters/Adapter.ts';
import { commandAdapter } from '../../../../services/app/resources/adapters/command.ts';
import { httpAdapter } from '../../../../services/app/resources/adapters/http.ts';
import { fromHex, type Hash, type RecordId } from '../../../../services/core/bytes.ts';
import { canonicalBytes } from '../../../../services/core/canonicalJson.ts';
import { readConfiguration } from '../../../../services/core/governance/configuration.ts';
import type { Json } from '../../../../services/core/governance/json.ts';
import { readRecord } from '../../../../services/core/record.ts';
import { silentLogger } from '../../../../services/lib/logger.ts';
import { devAddress, type RunningChain, startChain } from '../../../support/chains.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { temporaryFolder } from '../../../support/temporaryFolder.ts';
import { until } from '../../../support/until.ts';
import { crypto } from '../../chain/chainKit.ts';
import {
  type ConfigurationService,
  configurationService,
  type KeptCentre,
  type ResourcesKit,
  resourcesKit,
} from './resourcesKit.ts';

const add = (path: string, value: number | string) => [{ op: 'add' as const, path, value }];
const replace = (path: string, value: number) => [{ op: 'replace' as const, path, value }];

describe('resource sets of a centre', () => {
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

  const own = async ({ centre }: KeptCentre) => (await centre.governance!.resourceSet('radio', { limit: 9 })).own;
  const inState = (kept: KeptCentre, version: number, state: string) =>
    until(`version ${version} to be ${state}`, async () => {
      const found = await own(kept);
      return found?.version === version && found.state === state && found;
    });
  const events = async ({ store }: KeptCentre) =>
    (await store.eventsAfter(0, 999)).filter(({ type }) => type.startsWith('resource.'));
  const problems = async ({ centre }: KeptCentre) => (await centre.status()).problems.map(({ code }) => code);
  const onChain = (version: number) => kit.governance.resourceVersion(kit.id, version);
  const reportOf = async ({ centre }: KeptCentre, version: number) =>
    (await centre.governance!.resourceVersion('radio', version)).ownReport;

  it('applies what was passed, reports it into log and chain, and has it in force once a quorum does', async () => {
    const one = await kit.openCentre(0);
    await kit.passVersion(add('/capacity', 5));
    await inState(one, 1, 'applied');
    expect(JSON.parse(await readFile(one.file, 'utf8'))).to.deep.equal({ capacity: 5 });
    await until('the first report', async () => (await onChain(1)).state === 'applied');
    const others = [await kit.openCentre(1), await kit.openCentre(2)];
    await until('the quorum', async () => (await onChain(1)).state === 'verified');
    await until('all reports', async () => (await onChain(1)).matching === 3);
    await kit.sync();
    const view = await one.centre.governance!.resourceSet('radio', { limit: 1 });
    expect(view).to.deep.include({ resourceSet: 'radio', id: kit.id, head: 1, inForce: 1 });
    expect(view.own).to.deep.include({ version: 1, state: 'applied' });
    expect(view.own!.check).to.deep.include({ matches: true, differences: [] });
    expect(view.versions.items[0]).to.deep.include({ version: 1, state: 'verified', matching: 3, differing: 0 });
    const version = await one.centre.governance!.resourceVersion(kit.id, 1);
    expect(version.reports.map(({ reporter }) => reporter).sort()).to.deep.equal([0, 1, 2].map(devAddress).sort());
    const { recordId, state, sequence } = version.ownReport!;
    expect({ state, sequence }).to.deep.equal({ state: 'sent', sequence: 1 });
    expect(version.reports.find(({ reporter }) => reporter === devAddress(0))!.recordId).to.equal(recordId);
    // The record of the report is in the log's pool, and the full report is a content.
    const found = (await one.store.findRecord(fromHex(recordId)))!;
    const { record } = readRecord(new TextDecoder().decode(found.entry));
    expect(record).to.deep.include({ kind: 'resource', subject: 'urn:notarium:resource:radio:1' });
    expect(record.meta).to.deep.include({ version: 1, sequence: 1, matches: true });
    expect(await one.store.hasContent(`0x${record.digest.slice(8)}` as Hash)).to.equal(true);
    expect((await events(one)).map(({ type }) => type)).to.deep.equal(['resource.applied']);
    // The next version is made for this one.
    await kit.passVersion(replace('/capacity', 6));
    for (const kept of [one, ...others]) {
      await inState(kept, 2, 'applied');
      expect(JSON.parse(await readFile(kept.file, 'utf8'))).to.deep.equal({ capacity: 6 });
    }
    const page = await one.centre.governance!.resourceSet('radio', { limit: 1 });
    expect(page.versions.items.map(({ version }) => version)).to.deep.equal([2]);
    const rest = await one.centre.governance!.resourceSet('radio', { limit: 9, before: Number(page.versions.next) });
    expect(rest.versions.items.map(({ version }) => version)).to.deep.equal([1]);
    expect(rest.versions.next).to.equal(undefined);
    await expectCode('resource-unknown', one.centre.governance!.resourceVersion('radio', 3));
    await expectCode('resource-unknown', one.centre.governance!.resourceSet('light', { limit: 1 }));
    expect(await one.centre.governance!.resourceSets()).to.have.length(1);
  });

  describe('that share a real HTTP service', () => {
    let service: ConfigurationService;
    beforeEach(async () => {
      service = await configurationService();
    });
    afterEach(() => service.close());
    const adapter = (): Adapter => httpAdapter({ url: service.url, headers: {}, timeoutMs: 5_000 });

    it('expose one that applies wrongly', async () => {
      const honest = adapter();
      let told: Json | undefined;
      const wrong: Adapter = {
        name: 'wrong on purpose',
        read: async () => told,
        async write(written, signal) {
          told = written.configuration;
          await honest.write({ ...written, configuration: { capacity: 99 } }, signal);
        },
      };
      const [one, two] = [await kit.openCentre(0, { adapter: honest }), await kit.openCentre(1, { adapter: honest })];
      await kit.passVersion(add('/capacity', 5));
      await inState(one, 1, 'applied');
      await inState(two, 1, 'applied');
      const three = await kit.openCentre(2, { adapter: wrong });
      await inState(three, 1, 'applied');
      for (const kept of [one, two]) {
        await until('the drift to be told', async () => (await problems(kept)).includes('resource-drifted'));
        await until('it to be reported', async () => {
          const report = await reportOf(kept, 1);
          return report?.sequence === 2 && !report.matches && report.state === 'sent';
        });
        const drifted = (await events(kept)).find(({ type }) => type === 'resource.drifted')!;
        expect(drifted.data).to.deep.include({ resourceSet: 'radio', version: 1, differences: ['/capacity'] });
      }
      await until('its own report', async () => (await reportOf(three, 1))?.state === 'sent');
      expect(await onChain(1)).to.deep.include({ matching: 1, differing: 2 });
      // Somebody puts it right.
      service.configuration = '{"capacity":5}';
      for (const kept of [one, two]) {
        await until('all to be well', async () => !(await problems(kept)).includes('resource-drifted'));
      }
      await until('new reports', async () => (await onChain(1)).matching === 3);
    });

    it('wait while it is away, and report nothing that they do not know', async () => {
      service.isDown = true;
      const one = await kit.openCentre(0, { adapter: adapter() });
      await kit.passVersion(add('/capacity', 5));
      await until('the problem', async () => (await problems(one)).includes('resource-failed'));
      expect((await own(one))?.state).to.equal('waiting');
      expect(await reportOf(one, 1)).to.equal(undefined);
      service.isDown = false;
      await inState(one, 1, 'applied');
      await until('all to be well', async () => !(await problems(one)).includes('resource-failed'));
      service.isDown = true;
      await until('the problem', async () => (await problems(one)).includes('resource-failed'));
      await expectCode('resource-failed', one.centre.governance!.checkResource('radio', { repair: false }));
      expect((await own(one))!.check).to.deep.include({ matches: false, problem: 'resource-failed' });
      expect((await reportOf(one, 1))!.sequence).to.equal(1);
    });

    it('tell a drift once, although the service is away in between', async () => {
      const one = await kit.openCentre(0, { adapter: adapter() });
      await kit.passVersion(add('/capacity', 5));
      await inState(one, 1, 'applied');
      service.configuration = '{"capacity":9}';
      await until('the drift', async () => (await problems(one)).includes('resource-drifted'));
      service.isDown = true;
      await until('the problem', async () => (await problems(one)).includes('resource-failed'));
      service.isDown = false;
      await until('it to be back', async () => !(await problems(one)).includes('resource-failed'));
      const drifts = async () => (await events(one)).filter(({ type }) => type === 'resource.drifted').length;
      expect(await drifts()).to.equal(1);
      service.configuration = '{"capacity":8}';
      await until('another drift', async () => (await drifts()) === 2);
    });
  });

  it('writes again what has drifted, where it is to', async () => {
    const one = await kit.openCentre(0, { repair: true });
    await kit.passVersion(add('/capacity', 5));
    await inState(one, 1, 'applied');
    await until('the report', async () => (await reportOf(one, 1))?.state === 'sent');
    // Whole at once: a look in between would find an empty file.
    await writeFile(`${one.file}.new`, '{"capacity":7,"more":{"a/b":1}}');
    await rename(`${one.file}.new`, one.file);
    await until('the file', async () => (await readFile(one.file, 'utf8')).includes('"capacity": 5'));
    await until('the last report', async () => {
      const report = await reportOf(one, 1);
      return report?.sequence === 3 && report.state === 'sent' && report.matches;
    });
    const told = await events(one);
    expect(told.map(({ type }) => type)).to.deep.equal(['resource.applied', 'resource.drifted', 'resource.applied']);
    expect(told[1]!.data.differences).to.deep.equal(['/capacity', '/more']);
  });

  it('applies a version soon after its content has come, which nobody had at first', async () => {
    const one = await kit.openCentre(0);
    const { hasContent } = one.store;
    Object.assign(one.store, { hasContent: async () => false });
    await kit.passVersion(add('/capacity', 5));
    await until('the problem', async () => (await problems(one)).includes('resource-failed'));
    Object.assign(one.store, { hasContent });
    // Not at the next look at a set whose name it does not know yet.
    await until('it to be applied', async () => (await own(one))?.state === 'applied', 45_000);
  });

  it('goes back to the version before where one cannot be applied, says so, and tries again when told to', async () => {
    // Refuses a capacity above 5, in the middle of writing.
    const program = `
      const fs = require('node:fs'), file = process.argv[1], request = JSON.parse(fs.readFileSync(0));
      const there = fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '';
      if (request.do === 'read') process.stdout.write(there);
      else if (request.configuration.capacity > 5 && !fs.existsSync(file + '.allowed')) {
        fs.writeFileSync(file, '{"half":true}');
        console.error('too much');
        process.exit(3);
      } else fs.writeFileSync(file, JSON.stringify(request.configuration));`;
    await using folder = await temporaryFolder();
    const file = join(folder.path, 'radio.json');
    const environment = { PATH: process.env.PATH ?? '' };
    const command = [process.execPath, '-e', program, file] as const;
    const log: { err?: Error }[] = [];
    const one = await kit.openCentre(0, {
      adapter: commandAdapter({ command: [...command], folder: '/', environment, timeoutMs: 20_000 }),
      checkMs: 60_000,
      logger: { ...silentLogger, warn: (data) => log.push(data) },
    });
    await kit.passVersion(add('/capacity', 5));
    await inState(one, 1, 'applied');
    await kit.passVersion(replace('/capacity', 6));
    const rolledBack = await inState(one, 2, 'rolled-back');
    // What the command says on stderr is for the log alone.
    expect(rolledBack.reason).to.match(/ended with 3$/);
    expect(JSON.stringify([await events(one), (await one.centre.status()).problems])).to.not.include('too much');
    expect(log.map(({ err }) => (err?.cause as Error | undefined)?.message)).to.include('too much\n');
    expect(rolledBack.fallback).to.equal(1);
    expect(JSON.parse(await readFile(file, 'utf8'))).to.deep.equal({ capacity: 5 });
    await until('the report', async () => (await reportOf(one, 2))?.state === 'sent');
    expect(await onChain(2)).to.deep.include({ differing: 1, matching: 0 });
    const { actualHash } = (await reportOf(one, 2))!;
    expect(actualHash).to.equal((await onChain(1)).configurationHash);
    expect(await problems(one)).to.include('resource-failed');
    const failed = (await events(one)).at(-1)!;
    expect(failed.type).to.equal('resource.failed');
    expect(failed.data).to.deep.include({ version: 2, state: 'rolled-back', fallback: 1 });
    // A look alone changes nothing.
    expect((await one.centre.governance!.checkResource('radio', { repair: false })).own).to.deep.include({
      state: 'rolled-back',
    });
    await writeFile(`${file}.allowed`, '');
    expect((await one.centre.governance!.checkResource('radio', { repair: true })).own).to.deep.include({
      state: 'applied',
    });
    expect(await problems(one)).not.to.include('resource-failed');
    await until('the right report', async () => (await onChain(2)).matching === 1);
  });

  it('gives up where there is nothing to go back to, and reports what is there', async () => {
    const lost: Adapter = { name: 'lost', read: async () => ({ other: 1 }), write: async () => {} };
    let isEmpty = true;
    const empty: Adapter = {
      name: 'empty',
      read: async () => (isEmpty ? undefined : { other: 1 }),
      async write() {
        isEmpty = false;
      },
    };
    const one = await kit.openCentre(0, { adapter: empty });
    await kit.passVersion(add('/capacity', 5));
    const failed = await inState(one, 1, 'failed');
    expect(failed.check?.differences).to.deep.equal(['/capacity', '/other']);
    await until('the report', async () => (await onChain(1)).differing === 1);
    // What was there is what comes back.
    const two = await kit.openCentre(1, { adapter: lost });
    expect(await inState(two, 1, 'rolled-back')).to.deep.include({ fallback: 0 });
  });

  it('refuses a version whose patch gives another configuration, leaves what is there, and builds nothing on it', async () => {
    const one = await kit.openCentre(0);
    await kit.passVersion(add('/capacity', 5));
    await inState(one, 1, 'applied');
    await kit.passVersion(replace('/capacity', 6), { configurationHash: `0x${'ab'.repeat(32)}` as Hash });
    const refused = await inState(one, 2, 'refused');
    expect(refused.reason).to.contain('another configuration');
    expect(JSON.parse(await readFile(one.file, 'utf8'))).to.deep.equal({ capacity: 5 });
    await until('the report', async () => (await onChain(2)).differing === 1);
    expect(await problems(one)).to.include('resource-failed');
    // The others say so too: the version fails, and what is to be there is the one before again.
    await kit.openCentre(1);
    await kit.openCentre(2);
    await until('it to fail', async () => (await onChain(2)).state === 'failed');
    await kit.sync();
    await until('version 1 again', async () => (await own(one))?.version === 1);
    await until('all to be well', async () => !(await problems(one)).includes('resource-failed'));
    expect(await kit.passVersion(replace('/capacity', 7))).to.equal(3);
    await inState(one, 3, 'applied');
    expect(JSON.parse(await readFile(one.file, 'utf8'))).to.deep.equal({ capacity: 7 });
  });

  it('goes back from a version that failed elsewhere', async () => {
    const refusing: Adapter = {
      name: 'refusing',
      read: async () => ({ capacity: 5 }),
      write: async () => {},
    };
    const one = await kit.openCentre(0);
    await kit.passVersion(add('/capacity', 5));
    for (const account of [1, 2, 3]) await kit.openCentre(account, { adapter: refusing });
    await until('the quorum', async () => (await onChain(1)).state === 'verified');
    await kit.sync();
    await kit.passVersion(replace('/capacity', 6));
    await inState(one, 2, 'applied');
    await until('it to fail', async () => (await onChain(2)).state === 'failed');
    await kit.sync();
    await until('the file', async () => (await readFile(one.file, 'utf8')).includes('"capacity": 5'));
    await inState(one, 1, 'applied');
    expect((await one.store.resourceVersion(kit.id, 1))!.fallback).to.deep.equal({ kind: 'nothing' });
  });

  it('passes over what a newer version has overtaken', async () => {
    await kit.passVersion(add('/capacity', 5));
    await kit.passVersion(add('/name', 'mast'));
    const one = await kit.openCentre(0);
    await inState(one, 2, 'applied');
    expect(JSON.parse(await readFile(one.file, 'utf8'))).to.deep.equal({ capacity: 5, name: 'mast' });
    expect(await one.store.resourceVersion(kit.id, 1)).to.equal(undefined);
    expect((await onChain(1)).matching).to.equal(0);
  });

  it('is well again once a content is there that nobody had', async () => {
    const one = await kit.openCentre(0);
    const patch = add('/capacity', 5);
    const configurationHash = readConfiguration({ capacity: 5 }).hash;
    const effect = { resourceSet: 'radio', base: 0, patch, configurationHash, uri: '/v1/contents/x' };
    const draft = kit.draft('resource', effect);
    await kit.governance.execute(await kit.pass(draft));
    await kit.sync();
    await until('the problem', async () => (await problems(one)).includes('resource-failed'));
    await openContents({ store: one.store, crypto, net: () => undefined }).put(canonicalBytes(draft.content));
    await one.centre.governance!.checkResource('radio', { repair: false });
    await inState(one, 1, 'applied');
    expect(await problems(one)).not.to.include('resource-failed');
  });

  it('goes back where a reorganisation takes a version away, and on where it brings another', async () => {
    const one = await kit.openCentre(0);
    await kit.passVersion(add('/capacity', 5));
    await inState(one, 1, 'applied');
    await until('the report', async () => (await reportOf(one, 1))?.state === 'sent');
    const snapshot = await kit.rpc('evm_snapshot', []);
    await kit.passVersion(replace('/capacity', 6));
    await inState(one, 2, 'applied');
    await until('the report', async () => (await reportOf(one, 2))?.state === 'sent');
    await kit.rpc('evm_revert', [snapshot]);
    await kit.rpc('hardhat_mine', [toQuantity(20)]);
    await until('the file', async () => (await readFile(one.file, 'utf8')).includes('"capacity": 5'));
    await inState(one, 1, 'applied');
    expect(await kit.passVersion(replace('/capacity', 7))).to.equal(2);
    await inState(one, 2, 'applied');
    expect(JSON.parse(await readFile(one.file, 'utf8'))).to.deep.equal({ capacity: 7 });
    await until('the report on the other one', async () => (await onChain(2)).matching === 1);
    expect((await reportOf(one, 2))!.sequence).to.be.at.least(2);
    expect(await problems(one)).not.to.include('resource-failed');
  });

  it('sends a report although another one cannot be', async () => {
    const one = await kit.openCentre(0);
    const none = `0x${'ab'.repeat(32)}` as const;
    await one.store.saveReport({
      ...{ resourceSet: none, version: 1, sequence: 1, state: 'made', matches: true, actualHash: none },
      ...{
        recordId: none as RecordId,
        document: '{}',
        entry: '{}',
        signature: '0x',
        madeAt: '2020-01-01T00:00:00.000Z',
      },
    });
    await kit.passVersion(add('/capacity', 5));
    await until('the report', async () => (await onChain(1)).matching === 1);
    await until('the problem', async () => (await problems(one)).includes('resource-failed'));
  });
});
