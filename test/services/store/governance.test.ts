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
    await store.saveNotices(
      {
        checkpoint: { blockNumber: 5, blockHash: hash('1') },
        notices: [notice('vote:a', 'a', 4), notice('vote:b', 'b', 5)],
        projections: [{ subject: 'a', kind: 'proposal', body: { votes: 1 } }],
      },
      { events: [event] },
    );
    expect(await store.lastEventSeq()).to.equal(1);
    expect(await store.subjectsAbove(4)).to.deep.equal(['b']);
    await store.rewindNotices({ toBlock: 4, projections: [] });
    expect(await store.noticeCheckpoints()).to.deep.equal([]);
    expect((await store.governanceEvents(0, 9)).map(({ identity }) => identity)).to.deep.equal(['vote:a']);
    expect([...(await store.toldNotices(['vote:b', 'vote:c']))]).to.deep.equal(['vote:b']);
    await store.saveNotices({
      checkpoint: { blockNumber: 7, blockHash: hash('2') },
      notices: [notice('vote:b', 'b', 7), notice('vote:c', 'b', 7)],
      projections: [{ subject: 'a', kind: 'proposal', body: undefined }],
    });
    const all = await store.governanceEvents(0, 9);
    expect(all.map(({ seq, identity, place: { blockNumber } }) => [seq, identity, blockNumber])).to.deep.equal([
      [1, 'vote:a', 4],
      [2, 'vote:b', 7],
      [3, 'vote:c', 7],
    ]);
    expect(await store.projection('a')).to.equal(undefined);
    expect(await store.noticeCheckpoints()).to.deep.equal([{ blockNumber: 7, blockHash: hash('2') }]);
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
