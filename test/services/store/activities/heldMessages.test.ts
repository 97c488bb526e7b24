import { expect } from 'chai';
import { type Address, fromUtf8, utf8 } from '../../../../services/core/bytes.ts';
import type { HeldMessage } from '../../../../services/store/activities/ActivityStore.ts';
import { onBothDatabases } from '../storePlace.ts';
import { alice, bob, carol, hashOf, messageOf, openAt } from './activityKit.ts';
import { rawQuery, rawTable } from './rawTable.ts';

const [one, two] = [hashOf('one'), hashOf('two')];
const heldOf = (name: string, from: Address, activity = one, text = `text ${name}`): HeldMessage => ({
  ...{ sealDigest: hashOf(`seal ${name}`), activity, from, item: utf8(text), heldMs: 1000 },
});
const heldLimits = { perSender: 4, perSenderBytes: 100, late: 2, lateBytes: 20, total: 6, totalBytes: 200 };

onBothDatabases('messages that came too early', (place) => {
  it('are there until they are released, of each sender the first', async () => {
    await using at = await place();
    let store = await openAt(at);
    await store.hold(heldOf('a', bob));
    await store.hold(heldOf('a', bob, one, 'other'));
    await store.hold(heldOf('b', bob, two));
    // Another one claims the same seal: it does not take the place of the true one.
    await store.hold(heldOf('a', carol, one, 'forged'));
    await store.close();
    store = await openAt(at);
    expect(await store.held()).to.deep.equal([
      heldOf('a', bob),
      heldOf('b', bob, two),
      heldOf('a', carol, one, 'forged'),
    ]);
    expect(await store.held(two)).to.deep.equal([heldOf('b', bob, two)]);
    // Nor does what becomes of it decide on that.
    const released = [{ sealDigest: hashOf('seal a'), from: carol }];
    await store.save({ activity: one, nowMs: 1, messages: [messageOf('a')], released });
    expect(await store.held()).to.deep.equal([heldOf('a', bob), heldOf('b', bob, two)]);
    const all = ['a', 'b', 'none'].map((name) => ({ sealDigest: hashOf(`seal ${name}`), from: bob }));
    await store.save({ activity: two, nowMs: 1, released: all });
    expect(await store.held()).to.deep.equal([]);
    // To give something up makes no activity.
    expect(await store.activity(two)).to.equal(undefined);
    await store.close();
  });

  it('are fewer of who is no member any more, and read only where they are wanted', async () => {
    await using at = await place();
    const store = await openAt(at, { heldLimits });
    await store.hold(heldOf('elsewhere', bob, two));
    await store.hold(heldOf('early', carol));
    for (const name of ['a', 'b', 'c']) await store.hold(heldOf(name, bob), true);
    expect(await store.held()).to.deep.equal([
      heldOf('elsewhere', bob, two),
      heldOf('early', carol),
      heldOf('b', bob),
      heldOf('c', bob),
    ]);
    const seen: unknown[] = [];
    const wanted = await store.held(one, (name) => {
      seen.push(name);
      return name.from === carol;
    });
    expect(wanted).to.deep.equal([heldOf('early', carol)]);
    expect(seen).to.deep.include({ sealDigest: hashOf('seal b'), from: bob, heldMs: 1000 });
    await store.close();
  });

  it('do not wait for one that is damaged: it is given up', async () => {
    await using at = await place();
    const store = await openAt(at);
    for (const name of ['a', 'b', 'c']) await store.hold(heldOf(name, bob));
    await rawQuery(at, 'update activity_held set text = ? where seal_digest = ?', [
      new Uint8Array(60),
      hashOf('seal b'),
    ]);
    expect(await store.held(one)).to.deep.equal([heldOf('a', bob), heldOf('c', bob)]);
    expect(await rawTable(at, 'activity_held')).to.have.length(2);
    await store.close();
  });

  it('are bounded for each sender and in total: the oldest of who has most go', async () => {
    await using at = await place();
    const store = await openAt(at, { heldLimits });
    const names = async () => (await store.held()).map(({ item }) => fromUtf8(item));
    for (let index = 0; index < 6; index++) await store.hold(heldOf(`b${index}`, bob));
    expect(await names()).to.deep.equal(['text b2', 'text b3', 'text b4', 'text b5']);
    for (let index = 0; index < 2; index++) await store.hold(heldOf(`c${index}`, carol));
    await store.hold(heldOf('a0', alice));
    expect(await names()).to.deep.equal(['text b3', 'text b4', 'text b5', 'text c0', 'text c1', 'text a0']);
    await store.hold(heldOf('c2', carol, one, 'x'.repeat(90)));
    expect(await names()).to.deep.equal(['text b3', 'text b4', 'text b5', 'text c1', 'text a0', 'x'.repeat(90)]);
    await store.hold(heldOf('c3', carol, one, 'y'.repeat(120)));
    expect(await names()).to.deep.equal(['text b3', 'text b4', 'text b5', 'text a0', 'y'.repeat(120)]);
    await store.hold(heldOf('a1', alice, one, 'z'.repeat(90)));
    expect(await names()).to.deep.equal(['text b3', 'text b4', 'text b5', 'text a0', 'z'.repeat(90)]);
    await store.close();
  });
});
