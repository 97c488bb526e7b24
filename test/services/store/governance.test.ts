import { expect } from 'chai';
import type { Hash } from '../../../services/core/bytes.ts';
import type { NewNotice } from '../../../services/store/GovernanceStore.ts';
import { onBothDatabases } from './storePlace.ts';

const hash = (digit: string): Hash => `0x${digit.repeat(64)}` as const;

function notice(identity: string, subject: string, blockNumber: number): NewNotice {
  const place = { blockNumber, blockHash: hash('b'), logIndex: 0, transactionHash: hash('c'), timestamp: 1 };
  return { identity, subject, type: 'vote.cast', place, data: { blockNumber } };
}

onBothDatabases('what the chain said', (place) => {
  it('keeps a notice once, wherever it comes again, and appends its event with it', async () => {
    await using at = await place();
    const store = await at.open();
    const event = { type: 'vote.cast', time: '2026-11-21T01:30:00.000Z', data: {} };
    await store.saveNotices({
      checkpoint: { blockNumber: 5, blockHash: hash('1') },
      notices: [notice('vote:a', 'a', 4), { ...notice('vote:b', 'b', 5), event }],
      projections: [{ subject: 'a', kind: 'proposal', body: { votes: 1 } }],
    });
    expect(await store.lastEventSeq()).to.equal(1);
    expect(await store.subjectsAbove(4)).to.deep.equal(['b']);
    await store.rewindNotices({ toBlock: 4, projections: [] });
    expect(await store.noticeCheckpoints()).to.deep.equal([]);
    expect((await store.governanceEvents(0, 9)).map(({ identity }) => identity)).to.deep.equal(['vote:a']);
    await store.saveNotices({
      checkpoint: { blockNumber: 7, blockHash: hash('2') },
      notices: [{ ...notice('vote:b', 'b', 7), event }, notice('vote:c', 'b', 7)],
      projections: [{ subject: 'a', kind: 'proposal', body: undefined }],
    });
    expect(await store.lastEventSeq()).to.equal(1);
    const all = await store.governanceEvents(0, 9);
    expect(all.map(({ seq, identity, place: { blockNumber } }) => [seq, identity, blockNumber])).to.deep.equal([
      [1, 'vote:a', 4],
      [2, 'vote:b', 7],
      [3, 'vote:c', 7],
    ]);
    expect(await store.projection('a')).to.equal(undefined);
    expect(await store.noticeCheckpoints()).to.deep.equal([{ blockNumber: 7, blockHash: hash('2') }]);
  });

  it('tells what is due, first what has been so for longest', async () => {
    await using at = await place();
    const store = await at.open();
    const due = (subject: string, dueAt?: number) =>
      ({ subject, kind: 'proposal', body: {}, ...(dueAt === undefined ? {} : { dueAt }) }) as const;
    const checkpoint = { blockNumber: 5, blockHash: hash('1') };
    const projections = [due('a', 30), due('b', 10), due('c', 31), due('d')];
    await store.saveNotices({ checkpoint, notices: [], projections });
    expect(await store.dueSubjects(30, 9)).to.deep.equal(['b', 'a']);
    expect(await store.dueSubjects(30, 1)).to.deep.equal(['b']);
    await store.rewindNotices({ toBlock: 5, projections: [due('b'), due('d', 2)] });
    expect(await store.dueSubjects(30, 9)).to.deep.equal(['d', 'a']);
  });

  it('writes nothing of a batch without the lease', async () => {
    await using at = await place();
    const store = await at.open();
    const lease = { name: 'notices', owner: 'x', token: 9, expiresMs: 0 };
    const read = {
      checkpoint: { blockNumber: 1, blockHash: hash('1') },
      notices: [notice('n', 's', 1)],
      projections: [],
    };
    const failed = await store.saveNotices(read, { lease }).then(
      () => undefined,
      (error: { code: string }) => error.code,
    );
    expect(failed).to.equal('storage-failed');
    expect(await store.governanceEvents(0, 9)).to.deep.equal([]);
  });
});
