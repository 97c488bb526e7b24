import { expect } from 'chai';
import { onBothDatabases } from '../storePlace.ts';
import { alice, bob, carol, hashOf, messageOf, openAt } from './activityKit.ts';
import { rawQuery } from './rawTable.ts';

const [one, two, three] = [hashOf('one'), hashOf('two'), hashOf('three')];

onBothDatabases('what a node keeps of the load that nobody has looked at', (place) => {
  it('knows what members have that nobody has looked at', async () => {
    await using at = await place();
    const store = await openAt(at);
    const said = (name: string, sender: typeof alice) => [messageOf(name, { sender })];
    await store.save({ activity: one, nowMs: 1, messages: said('a', alice) });
    await store.save({ activity: one, nowMs: 1, messages: said('b', bob) });
    await store.save({ activity: two, nowMs: 1, messages: said('c', bob), isRead: true });
    const sizeBytes = messageOf('a').parcel.length;
    const loads = async () => (await store.unreadLoads()).toSorted((x, y) => (x.payer < y.payer ? -1 : 1));
    expect(await loads()).to.deep.equal([
      { payer: alice, activities: 1, sizeBytes },
      { payer: bob, activities: 0, sizeBytes },
    ]);
    expect([(await store.activity(one))!.isRead, (await store.activity(two))!.isRead]).to.deep.equal([false, true]);
    // What is there is not counted twice, and what comes meanwhile to what was read not at all.
    await Promise.all([
      store.save({ activity: one, nowMs: 1, messages: [...said('a', alice), ...said('d', bob)] }),
      store.save({ activity: one, nowMs: 1, messages: [...said('d', bob), ...said('e', bob)] }),
      store.save({ activity: two, nowMs: 1, messages: said('f', bob) }),
      store.save({ activity: three, nowMs: 1, messages: said('g', bob) }),
    ]);
    const both = [
      { payer: alice, activities: 1, sizeBytes },
      { payer: bob, activities: 1, sizeBytes: 4 * sizeBytes },
    ];
    expect(await loads()).to.deep.equal(both);
    // Messages are not gone through for it: there may be millions.
    await rawQuery(at, 'update activity_messages set parcel_bytes = 0');
    expect(await loads()).to.deep.equal(both);
    await store.setRead(one);
    expect(await loads()).to.deep.equal([{ payer: bob, activities: 1, sizeBytes }]);
    await Promise.all([store.setRead(three), store.save({ activity: three, nowMs: 1, messages: said('h', alice) })]);
    await store.save({ activity: three, nowMs: 1, messages: said('i', alice) });
    expect(await loads()).to.deep.equal([]);
    await store.close();
  });

  it('knows on whose account it is, where that is not its sender', async () => {
    await using at = await place();
    const store = await openAt(at);
    const sizeBytes = messageOf('a').parcel.length;
    await store.save({
      ...{ activity: one, nowMs: 1 },
      messages: [messageOf('a', { payer: bob }), messageOf('b'), messageOf('c', { sender: carol, payer: bob })],
    });
    await store.save({ activity: two, nowMs: 1, messages: [messageOf('d', { sender: carol, payer: alice })] });
    expect((await store.unreadLoads()).toSorted((x, y) => (x.payer < y.payer ? -1 : 1))).to.deep.equal([
      { payer: alice, activities: 1, sizeBytes: 2 * sizeBytes },
      { payer: bob, activities: 1, sizeBytes: 2 * sizeBytes },
    ]);
    expect((await store.message(messageOf('c').id))!.sender).to.equal(carol);
    await store.close();
  });

  it('counts once what members have in a database that has no sums yet', async () => {
    await using at = await place();
    let store = await openAt(at);
    await store.save({ activity: one, nowMs: 1, messages: [messageOf('a'), messageOf('b', { sender: bob })] });
    await store.save({ activity: two, nowMs: 1, messages: [messageOf('c')], isRead: true });
    const loads = new Set(await store.unreadLoads());
    await store.close();
    await rawQuery(at, 'drop table activity_unread');
    await rawQuery(at, "delete from activities_migration where name >= '010-unread'");
    store = await openAt(at);
    expect(new Set(await store.unreadLoads())).to.deep.equal(loads);
    expect(loads).to.have.property('size', 2);
    await store.close();
  });
});
