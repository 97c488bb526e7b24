import { expect } from 'chai';
import type { Hash } from '../../../services/core/bytes.ts';
import type { StoredReport, StoredVersion } from '../../../services/store/ResourceStore.ts';
import { expectCode } from '../../support/expectCode.ts';
import { onBothDatabases } from './storePlace.ts';

const hash = (digit: string): Hash => `0x${digit.repeat(64)}` as const;
const [radio, mast] = [hash('a'), hash('b')];
const time = '2026-11-21T01:30:00.000Z';

const version = (number: number, changes: Partial<StoredVersion> = {}): StoredVersion => ({
  resourceSet: radio,
  version: number,
  configurationHash: hash('c'),
  state: 'waiting',
  attempts: 0,
  changedAt: time,
  ...changes,
});

const report = (sequence: number, changes: Partial<StoredReport> = {}): StoredReport => ({
  resourceSet: radio,
  version: 1,
  sequence,
  state: 'made',
  matches: false,
  actualHash: hash('d'),
  document: '{}',
  entry: '{}',
  recordId: hash('e'),
  signature: '0x',
  madeAt: `2026-11-21T01:30:0${9 - sequence}.000Z`,
  ...changes,
});

onBothDatabases('what this node does with resource sets', (place) => {
  it('keeps sets and versions, with their events, in one transaction', async () => {
    await using at = await place();
    const store = await at.open();
    expect(await store.resourceSet(radio)).to.equal(undefined);
    expect(await store.resourceVersion(radio, 1)).to.equal(undefined);
    const rich = version(2, {
      state: 'applying',
      attempts: 2,
      fallback: { kind: 'found', configuration: { text: 'NUL \0', list: [1, null] } },
      reason: 'stderr with \0 in it',
      finding: {
        time,
        matches: false,
        actualHash: hash('f'),
        differences: ['/a~1b', '/\0'],
        problem: 'json-malformed',
      },
    });
    const event = { type: 'resource.failed', time, data: { version: 2 } };
    await store.saveResource(
      { set: { resourceSet: radio, name: 'radio', written: 2 }, versions: [version(1), rich] },
      { event },
    );
    await store.saveResource({ set: { resourceSet: mast } });
    expect(await store.resourceSets()).to.deep.equal([
      { resourceSet: radio, name: 'radio', written: 2 },
      { resourceSet: mast },
    ]);
    expect(await store.resourceVersion(radio, 2)).to.deep.equal(rich);
    expect((await store.eventsAfter(0, 9)).map(({ type }) => type)).to.deep.equal(['resource.failed']);
    // What is left out next time is gone.
    await store.saveResource({ versions: [version(2, { state: 'applied' })] });
    const [newest, oldest] = await store.resourceVersions({ resourceSet: radio, limit: 9 });
    expect([newest, oldest]).to.deep.equal([version(2, { state: 'applied' }), version(1)]);
    const query = { resourceSet: radio, limit: 1 };
    expect(await store.resourceVersions({ ...query, below: 2 })).to.deep.equal([version(1)]);
    expect(await store.resourceVersions({ ...query, states: ['waiting', 'skipped'] })).to.deep.equal([version(1)]);
    expect(await store.resourceVersions({ ...query, resourceSet: mast })).to.deep.equal([]);
  });

  it('keeps reports until they are sent, oldest first', async () => {
    await using at = await place();
    const store = await at.open();
    for (const each of [report(1), report(2), report(3, { version: 2 }), report(4, { state: 'void', reason: '\0' })]) {
      await store.saveReport(each);
    }
    expect((await store.openReports(9)).map(({ sequence }) => sequence)).to.deep.equal([3, 2, 1]);
    await store.saveReport(report(2, { state: 'sent', transactionHash: hash('9') }));
    expect((await store.openReports(9)).map(({ sequence }) => sequence)).to.deep.equal([3, 1]);
    expect(await store.resourceReports(radio, 1, 2)).to.deep.equal([
      report(4, { state: 'void', reason: '\0' }),
      report(2, { state: 'sent', transactionHash: hash('9') }),
    ]);
  });

  it('knows the sets of the chain by what its reader has stored', async () => {
    await using at = await place();
    const store = await at.open();
    const body = {};
    await store.saveNotices({
      checkpoint: { blockNumber: 5, blockHash: hash('1') },
      notices: [],
      projections: [
        { subject: `${mast}:1`, kind: 'version', body },
        { subject: `${radio}:1`, kind: 'version', body },
        { subject: `${radio}:2`, kind: 'version', body },
        { subject: hash('5'), kind: 'proposal', body },
        { subject: `${hash('6')}:1`, kind: 'version', body: undefined },
      ],
    });
    expect(await store.resourceSetsOnChain()).to.deep.equal([radio, mast]);
  });

  it('writes nothing without the lease', async () => {
    await using at = await place();
    const store = await at.open();
    const lease = { name: 'resources', owner: 'x', token: 9, expiresMs: 0 };
    await expectCode('storage-failed', store.saveResource({ versions: [version(1)] }, { lease }));
    await expectCode('storage-failed', store.saveReport(report(1), { lease }));
    expect(await store.resourceVersion(radio, 1)).to.equal(undefined);
    expect(await store.openReports(9)).to.deep.equal([]);
  });
});
