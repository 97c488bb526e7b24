import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { nextStep } from '../../../../services/cli/nextSteps.ts';
import { type BillState, makeStatement } from '../../../../services/core/channels/party.ts';
import { silentLogger } from '../../../../services/lib/logger.ts';
import type { StoredChannel } from '../../../../services/store/channels/ChannelStore.ts';
import { openChannelStore } from '../../../../services/store/channels/openChannelStore.ts';
import { openNewestStates } from '../../../../services/store/channels/openNewestStates.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { temporaryFolder } from '../../../support/temporaryFolder.ts';
import { billOf, hashOf, parties } from '../../core/channels/channelKit.ts';
import { onBothDatabases } from '../storePlace.ts';

const { requester, verifier } = parties();
const { channelId } = verifier;
const row = (fields: Partial<StoredChannel> = {}): StoredChannel => ({
  ...{ channelId, role: 'verifier', channel: verifier.channel, state: 'open', memory: '{}' },
  ...fields,
});

onBothDatabases('what the sides of evidence channels keep', (place) => {
  const opened = async () => {
    const at = await place();
    const { dataDir, databaseUrl } = at;
    const open = () => openChannelStore({ dataDir, ...(databaseUrl ? { databaseUrl } : {}), logger: silentLogger });
    return { at, open };
  };

  it('keeps channels and bills, also when it is opened again', async () => {
    const { at, open } = await opened();
    await using _ = at;
    let store = await open();
    const [one, two] = [billOf(verifier, 'one'), billOf(verifier, 'two')];
    const [first, second] = [
      makeStatement(verifier, one.bill, 'verifier', 'https://a.example'),
      makeStatement(requester, one.bill, 'requester', ''),
    ];
    await store.save([{ channelId, channel: row(), bills: [{ signed: one, state: 'offered', note: '{"a":1}' }] }]);
    await store.save([
      { channelId, bills: [{ signed: one, state: 'locked', first, key: hashOf('key') }] },
      // Twice in one transaction: both count.
      { channelId, channel: row({ memory: '{"version":1}', dueAt: 5 }), bills: [{ signed: two, state: 'offered' }] },
      { channelId, bills: [{ signed: one, state: 'folded', second, leafIndex: 0 }] },
    ]);
    await store.close();
    store = await open();
    expect(await store.channel(channelId)).to.deep.equal(row({ memory: '{"version":1}', dueAt: 5 }));
    const folded = { channelId, signed: one, state: 'folded', first, second, key: hashOf('key'), leafIndex: 0 };
    expect(await store.bill(channelId, one.bill.id)).to.deep.equal({ ...folded, note: '{"a":1}' });
    expect(await store.openBills(channelId)).to.deep.equal([{ channelId, signed: two, state: 'offered' }]);
    expect(await store.evidence(channelId, 0, 9)).to.have.length(1);
    expect(await store.evidence(channelId, 1, 9)).to.deep.equal([]);
    expect(await store.knownBills(channelId, [one.bill.id, hashOf('x')])).to.deep.equal([one.bill.id]);
    expect(await Promise.all([0, 1, 9].map((before) => store.leafCount(channelId, before)))).to.deep.equal([0, 1, 1]);
    expect(await store.leafCount(hashOf('x'), 9)).to.equal(0);
    expect(await store.knownBills(channelId, [])).to.deep.equal([]);
    const states = async (of: typeof channelId, ...wanted: BillState[]) =>
      (await store.billsOf(of, hashOf('two'), wanted.length > 0 ? wanted : undefined)).map(({ state }) => state);
    expect(await states(channelId)).to.deep.equal(['offered']);
    expect(await states(channelId, 'locked', 'offered')).to.deep.equal(['offered']);
    expect(await states(channelId, 'locked')).to.deep.equal([]);
    expect(await states(hashOf('x'))).to.deep.equal([]);
    expect(await store.locksWith(two.bill.keyHash)).to.deep.equal([]);
    await store.save([{ channelId, bills: [{ signed: two, state: 'locked' }] }]);
    expect(await store.locksWith(two.bill.keyHash)).to.deep.equal([channelId]);
    expect(await store.bill(channelId, hashOf('x'))).to.equal(undefined);
    const three = billOf(verifier, 'three');
    await store.save([
      { channelId, bills: [{ signed: three, state: 'offered' }] },
      { channelId, forgotten: [three.bill.id, two.bill.id] },
    ]);
    expect(
      await store.knownBills(
        channelId,
        [one, two, three].map(({ bill }) => bill.id),
      ),
    ).to.deep.equal([one.bill.id]);
    expect(await store.channel(hashOf('x'))).to.equal(undefined);
    await store.close();
  });

  it('finds the channels that are due, and lists them all', async () => {
    const { at, open } = await opened();
    await using _ = at;
    const store = await open();
    const ids = [hashOf('a'), hashOf('b'), hashOf('c'), hashOf('d')].sort();
    await store.save(
      ids.map((id, index) => ({
        channelId: id,
        channel: row({
          channelId: id,
          ...(index < 2 ? { dueAt: 10 - index } : {}),
          ...(index === 3 ? { state: 'settled' } : {}),
        }),
      })),
    );
    expect(await store.due('verifier', 9, 9)).to.deep.equal([ids[1]]);
    expect(await store.due('verifier', 10, 9)).to.deep.equal([ids[1], ids[0]]);
    expect(await store.due('verifier', 10, 1)).to.deep.equal([ids[1]]);
    expect(await store.due('requester', 10, 9)).to.deep.equal([]);
    const listed = async (query: Parameters<typeof store.channels>[0]) =>
      (await store.channels(query)).map((each) => each.channelId);
    expect(await listed({ limit: 9 })).to.deep.equal(ids);
    expect(await listed({ role: 'verifier', after: ids[0]!, withoutState: 'settled', limit: 1 })).to.deep.equal([
      ids[1],
    ]);
    expect(await listed({ role: 'requester', limit: 9 })).to.deep.equal([]);
    await store.close();
  });
});

describe('a damaged file of evidence channels', () => {
  it('is named, with what can be done about it: no rebuild', async () => {
    await using folder = await temporaryFolder();
    const open = () => openChannelStore({ dataDir: folder.path, logger: silentLogger });
    await (await open()).close();
    const file = join(folder.path, 'channels.sqlite');
    await writeFile(file, Buffer.alloc(8192, 'no database '));
    const { message, data } = await expectCode('channel-store-corrupt', open());
    expect(data).to.deep.equal({ file });
    expect(message).to.contain(file).and.not.to.contain('rebuild');
    const states = join(folder.path, 'states');
    await (await openNewestStates(states)).close();
    const newest = join(states, 'newest.sqlite');
    await writeFile(newest, Buffer.alloc(8192, 'no database '));
    expect((await expectCode('channel-store-corrupt', openNewestStates(states))).data).to.deep.equal({ file: newest });
    expect(nextStep('channel-store-corrupt')).to.contain('newest.sqlite');
    expect(nextStep('channel-store-corrupt')).to.contain('from a backup of yours').and.to.contain('the other side');
    expect(nextStep('activity-store-corrupt')).to.contain('notarium import').and.to.contain('from its members');
  });
});
