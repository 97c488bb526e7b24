import { expect } from 'chai';
import { expectCode } from '../../../support/expectCode.ts';
import { onBothDatabases } from '../storePlace.ts';
import { hashOf, messageOf, openAt } from './activityKit.ts';

const [one, two] = [hashOf('one'), hashOf('two')];
const upload = (name: string, putMs: number, owner?: string) => ({
  ...{ sealedDigest: hashOf(name), sizeBytes: 100, putMs },
  ...(owner === undefined ? {} : { owner }),
});

onBothDatabases('files that no message names', (place) => {
  it('count for who has put them, until a message names them', async () => {
    await using at = await place();
    const store = await openAt(at);
    await store.saveUpload(upload('a', 1000, 'client'));
    await store.saveUpload(upload('b', 1000, 'client'));
    await store.saveUpload(upload('c', 1000));
    expect(await store.uploadsOf('client')).to.deep.equal({ count: 2, sizeBytes: 200 });
    expect(await store.uploadsOf(undefined)).to.deep.equal({ count: 1, sizeBytes: 100 });
    expect(await store.uploadsOf('other')).to.deep.equal({ count: 0, sizeBytes: 0 });
    const naming = messageOf('m', { attachments: [hashOf('a'), hashOf('a')] } as object);
    await store.save({ activity: one, nowMs: 1, messages: [naming] });
    expect(await store.uploadsOf('client')).to.deep.equal({ count: 1, sizeBytes: 100 });
    expect(await store.touchUploads([hashOf('a'), hashOf('c')], 5000)).to.deep.equal([upload('c', 5000)]);
    const answered = { ...upload('d', 5000), answerDigest: hashOf('answer') };
    await store.saveUpload(answered);
    expect(await store.touchUploads([hashOf('d')], 5000)).to.deep.equal([answered]);
    await store.close();
  });

  it('go when they are old, and neither touched nor named meanwhile', async () => {
    await using at = await place();
    const store = await openAt(at);
    for (const name of ['a', 'b', 'c']) await store.saveUpload(upload(name, 1000, 'client'));
    await store.touchUploads([hashOf('b')], 3000);
    const all = ['a', 'b', 'c', 'x'].map(hashOf);
    expect(await store.youngUploads(all, 2000)).to.deep.equal(new Set([hashOf('b')]));
    const naming = messageOf('m', { attachments: [hashOf('c')] } as object);
    await store.save({ activity: one, nowMs: 1, messages: [naming] });
    const dropped = await Promise.all(all.map((digest) => store.dropUpload(digest, 2000)));
    expect(dropped, 'of b there is a younger upload, of c a message').to.deep.equal([true, false, false, true]);
    expect(await store.uploadsOf('client')).to.include({ count: 1 });
    await store.close();
  });
});

onBothDatabases('what several processes say in one activity', (place, engine) => {
  it('is written only where it was made from all that is there', async () => {
    await using at = await place();
    const store = await openAt(at);
    expect(store.isShared).to.equal(engine === 'postgres');
    await store.save({ activity: one, nowMs: 1, after: 0, messages: [messageOf('a')] });
    const { data } = await expectCode(
      'activity-changed',
      store.save({ activity: one, nowMs: 1, after: 0, messages: [messageOf('b')] }),
    );
    expect(data).to.include({ have: 1, want: 0 });
    // One that comes to nothing takes none of those with it that are written at the same time.
    const saved = await Promise.allSettled([
      store.save({ activity: one, nowMs: 1, after: 1, messages: [messageOf('c')] }),
      store.save({ activity: one, nowMs: 1, after: 1, messages: [messageOf('d')] }),
      store.save({ activity: two, nowMs: 1, after: 0, messages: [messageOf('e')] }),
    ]);
    expect(saved.map(({ status }) => status)).to.deep.equal(['fulfilled', 'rejected', 'fulfilled']);
    expect((await store.messages(one)).map(({ id }) => id)).to.deep.equal([messageOf('a').id, messageOf('c').id]);
    if (engine === 'postgres') {
      const other = await openAt(at);
      const both = await Promise.allSettled(
        [store, other].map((each, index) =>
          each.save({ activity: one, nowMs: 1, after: 2, messages: [messageOf(`from ${index}`)] }),
        ),
      );
      expect(both.map(({ status }) => status).toSorted()).to.deep.equal(['fulfilled', 'rejected']);
      expect(await other.activity(one)).to.include({ messageCount: 3 });
      await other.close();
    }
    await store.close();
  });
});

onBothDatabases('a node with another key', (place, engine) => {
  it('begins with nothing, and what was before stays for the key before', async () => {
    await using at = await place();
    const nodes = [`0x${'1'.repeat(40)}`, `0x${'2'.repeat(40)}`] as const;
    // As the data folder of a node has a folder for each of its keys.
    const open = (index: 0 | 1) =>
      openAt(
        { ...at, dataDir: `${at.dataDir}/${nodes[index]}` },
        { node: nodes[index], key: new Uint8Array(32).fill(index) },
      );
    const before = await open(0);
    await before.save({ activity: one, nowMs: 1, messages: [messageOf('a')] });
    await before.close();
    const after = await open(1);
    expect(await after.list({ limit: 9 })).to.deep.equal({ items: [] });
    await after.save({ activity: two, nowMs: 1, messages: [messageOf('b')] });
    expect(await after.list({ limit: 9 }))
      .to.have.property('items')
      .with.length(1);
    await after.close();
    const again = await open(0);
    expect((await again.list({ limit: 9 })).items.map(({ id }) => id)).to.deep.equal([one]);
    expect(await again.message(messageOf('a').id)).to.include({ activity: one });
    await again.close();
    if (engine === 'postgres')
      await expectCode('activity-store-key-wrong', openAt(at, { node: nodes[0], key: new Uint8Array(32).fill(9) }));
  });
});
