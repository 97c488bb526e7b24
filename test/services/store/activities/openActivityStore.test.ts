import { expect } from 'chai';
import { fromUtf8, type Hash, utf8 } from '../../../../services/core/bytes.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { onBothDatabases } from '../storePlace.ts';
import { alice, bob, carol, hashOf, messageOf, openAt, stepOf } from './activityKit.ts';
import { rawQuery, rawTable } from './rawTable.ts';

const [one, two] = [hashOf('one'), hashOf('two')];
const recordId = hashOf('record');

onBothDatabases('what a node keeps of its activities', (place) => {
  it('keeps messages in the order in which they were taken, also when it is opened again', async () => {
    await using at = await place();
    let store = await openAt(at);
    expect(await store.activity(one)).to.equal(undefined);
    await store.save({ activity: one, owner: 'client', nowMs: 1000, messages: [messageOf('a', { type: 'start' })] });
    await store.save({ activity: one, owner: 'other', nowMs: 2000, messages: [messageOf('b'), messageOf('c')] });
    await store.close();
    store = await openAt(at);
    const activity = { id: one, owner: 'client', createdMs: 1000, changedMs: 2000, messageCount: 3, isRead: false };
    expect(await store.activity(one)).to.deep.equal(activity);
    const { parcel, ...first } = (await store.message(messageOf('a').id))!;
    expect(Buffer.from(parcel).toString()).to.equal('{"parcel":"a"}');
    const { parcel: _, ...want } = messageOf('a', { type: 'start' });
    expect(first).to.deep.equal({ ...want, activity: one, place: 0, takenMs: 1000 });
    const page = async (from?: number, limit?: number) =>
      (await store.messages(one, from, limit)).map(({ id, place: at, takenMs }) => [id, at, takenMs]);
    expect(await page()).to.deep.equal([
      [messageOf('a').id, 0, 1000],
      [messageOf('b').id, 1, 2000],
      [messageOf('c').id, 2, 2000],
    ]);
    expect(await page(1, 1)).to.deep.equal([[messageOf('b').id, 1, 2000]]);
    expect(await page(3)).to.deep.equal([]);
    expect(await store.message(hashOf('x'))).to.equal(undefined);
    expect((await store.bySeal(messageOf('b').sealDigest))?.place).to.equal(1);
    expect(await store.bySeal(hashOf('x'))).to.equal(undefined);
    const sent = await store.sentUnder([hashOf('x'), messageOf('b').sealDigest]);
    expect([...sent]).to.deep.equal([[messageOf('b').sealDigest, { sender: alice, activity: one }]]);
    const ids = ['a', 'x', 'c'].map((name) => messageOf(name).id);
    expect(await store.known(ids)).to.deep.equal(new Set([ids[0], ids[2]]));
    expect(await store.known([])).to.deep.equal(new Set());
    await store.close();
  });

  it('keeps what a list shows beside the messages, encrypted, and gives it for as many as there are alone', async () => {
    await using at = await place();
    const store = await openAt(at);
    const save = (name: string, after: number, summary?: string) =>
      store.save({ ...stepOf(one, name, after), after, ...(summary === undefined ? {} : { summary }) });
    const listed = async () => (await store.list({ limit: 9 })).items.map(({ summary }) => summary);
    await save('a', 0, 'industrial, one');
    expect(await listed()).to.deep.equal(['industrial, one']);
    // In one transaction, or two.
    await Promise.all([save('b', 1, 'industrial, two'), save('c', 2, 'industrial, three')]);
    expect(await listed()).to.deep.equal(['industrial, three']);
    await save('d', 3);
    expect(await listed()).to.deep.equal([undefined]);
    await store.setSummary(one, { atCount: 4, text: 'industrial, four' });
    // What was made before that comes too late.
    await store.setSummary(one, { atCount: 3, text: 'industrial, three' });
    expect(await listed()).to.deep.equal(['industrial, four']);
    await save('e', 4, 'of other messages').then(() => expectCode('activity-changed', save('f', 4, 'of none')));
    expect(await listed()).to.deep.equal(['of other messages']);
    await store.close();
    const [row] = await rawTable(at, 'activity_summaries');
    expect([row!.activity, Number(row!.at_count)]).to.deep.equal([one, 5]);
    const text = Buffer.from(row!.text as Uint8Array);
    expect(text.includes('messages'), 'it is encrypted').to.equal(false);
    text[20]! ^= 1;
    await rawQuery(at, 'update activity_summaries set text = ?', [text]);
    const again = await openAt(at);
    expect((await again.list({ limit: 9 })).items.map(({ id, summary }) => [id, summary])).to.deep.equal([
      [one, undefined],
    ]);
    await again.close();
  });

  it('has the ids of all activities in an order that nothing changes', async () => {
    await using at = await place();
    const store = await openAt(at);
    const ids = ['a', 'b', 'c', 'd', 'e'].map(hashOf).toSorted();
    for (const [index, id] of ids.entries()) await store.save(stepOf(id, `first ${index}`, index));
    const page = await store.activityIds(undefined, 2);
    // What changes meanwhile stays where it is.
    await store.save(stepOf(ids[4]!, 'second', 1000));
    expect([...page, ...(await store.activityIds(page.at(-1), 1000))]).to.deep.equal(ids);
    expect(await store.activityIds(ids[4], 2)).to.deep.equal([]);
    await store.close();
  });

  it('leaves what is there as it is, and counts it once', async () => {
    await using at = await place();
    const store = await openAt(at);
    await Promise.all([
      store.save(stepOf(one, 'a', 1000, [bob])),
      store.save(stepOf(one, 'a', 1500, [bob])),
      store.save(stepOf(one, 'b', 1200, [bob])),
    ]);
    await store.save({ activity: one, nowMs: 9000, messages: [messageOf('a', { parcel: utf8('other') })] });
    expect(await store.activity(one)).to.include({ messageCount: 2, changedMs: 1200 });
    expect((await store.messages(one)).map(({ parcel }) => Buffer.from(parcel).toString())).to.deep.equal([
      '{"parcel":"a"}',
      '{"parcel":"b"}',
    ]);
    expect(await store.deliveries(one)).to.have.length(2);
    expect((await store.pendingRecords(9, Number.MAX_SAFE_INTEGER)).records).to.have.length(2);
    // An earlier time does not turn the order back.
    await store.save({ activity: one, nowMs: 10, messages: [messageOf('c')] });
    expect(await store.activity(one)).to.include({ messageCount: 3, changedMs: 1200 });
    await store.close();
  });

  it('gives large messages page by page', async () => {
    await using at = await place();
    const store = await openAt(at);
    const parcel = new Uint8Array(5 << 20).fill(1);
    const names = ['a', 'b', 'c', 'd', 'e'];
    await store.save({ activity: one, nowMs: 1, messages: names.map((name) => messageOf(name, { parcel })) });
    expect((await store.messages(one)).map((each) => each.place)).to.deep.equal([0, 1, 2]);
    expect((await store.messages(one, 3)).map((each) => each.place)).to.deep.equal([3, 4]);
    expect((await store.messages(one, 4))[0]!.parcel).to.deep.equal(parcel);
    await store.close();
  });

  it('lists activities, the changed last first, to each client its own', async () => {
    await using at = await place();
    const store = await openAt(at);
    const ids = Array.from({ length: 7 }, (_, index) => hashOf(`activity ${index}`));
    for (const [index, activity] of ids.entries()) {
      const owner = index % 2 === 0 ? 'even' : undefined;
      await store.save({ activity, owner, nowMs: 100 + (index >> 1), messages: [messageOf(`m ${index}`)] });
    }
    const listed = async (owner?: string, limit = 2) => {
      const found: string[][] = [];
      for (let after: string | undefined; ; ) {
        const { items, next } = await store.list({ limit, ...(owner ? { owner } : {}), ...(after ? { after } : {}) });
        found.push(items.map(({ id }) => id));
        if (next === undefined) return found;
        after = next;
      }
    };
    const order = (indexes: readonly number[]) =>
      indexes.toSorted((a, b) => (b >> 1) - (a >> 1) || (ids[b]! < ids[a]! ? -1 : 1)).map((index) => ids[index]!);
    const all = await listed();
    expect(all.map((page) => page.length)).to.deep.equal([2, 2, 2, 1]);
    expect(all.flat()).to.deep.equal(order([0, 1, 2, 3, 4, 5, 6]));
    expect(await listed('even')).to.deep.equal([order([4, 6]), order([0, 2])]);
    expect(await listed('nobody')).to.deep.equal([[]]);
    const beginning = async (begins: string, owner?: string) =>
      (await store.list({ limit: 9, begins, ...(owner ? { owner } : {}) })).items.map(({ id }) => id);
    expect(await beginning(ids[3]!)).to.deep.equal([ids[3]]);
    expect(await beginning(ids[3]!.slice(0, 12))).to.deep.equal([ids[3]]);
    expect(await beginning(ids[3]!.slice(0, 12), 'even'), 'of another client').to.deep.equal([]);
    for (const begins of ['0x', ...'0123456789abcdef'.split('').map((digit) => `0x${digit}`)])
      expect(await beginning(begins)).to.deep.equal(all.flat().filter((id) => id.startsWith(begins)));
    await store.setOwner(ids[1]!, 'even');
    await store.setOwner(ids[0]!, undefined);
    expect((await listed('even', 9)).flat()).to.deep.equal(order([1, 2, 4, 6]));
    expect((await store.activity(ids[0]!))!.owner).to.equal(undefined);
    for (const after of ['', 'x', `1-${'0x'.padEnd(67, '0')}`]) {
      await expectCode('request-invalid', store.list({ limit: 1, after }));
    }
    await store.close();
  });

  it('keeps records pending until the log has them', async () => {
    await using at = await place();
    const store = await openAt(at);
    for (const name of ['a', 'b', 'c']) await store.save(stepOf(one, name, 1));
    const pending = async (limit = 9) =>
      (await store.pendingRecords(limit, Number.MAX_SAFE_INTEGER)).records.map(({ entry }) => entry);
    expect(await pending()).to.deep.equal(['entry a', 'entry b', 'entry c']);
    expect(await pending(1)).to.deep.equal(['entry a']);
    await store.recordsTaken([{ message: messageOf('a').id, recordId }]);
    expect(await pending()).to.deep.equal(['entry b', 'entry c']);
    expect((await store.message(messageOf('a').id))!.recordId).to.equal(recordId);
    // Saved again after a crash of who has called: it is in the log all the same.
    await store.save(stepOf(one, 'a', 1));
    expect(await pending()).to.deep.equal(['entry b', 'entry c']);
    await store.setRecord(messageOf('b').id, recordId);
    expect(await pending()).to.deep.equal(['entry c']);
    expect((await store.message(messageOf('b').id))!.recordId).to.equal(recordId);
    await store.close();
  });

  it('gives pending records when they are due, and says which are overdue, or would wait for too long', async () => {
    await using at = await place();
    const store = await openAt(at);
    const hour = 3_600_000;
    for (const [name, dueMs] of [
      ['a', 3_000],
      ['b', 1_000],
      ['c', 2_000],
      ['d', 1_000 + 3 * hour],
    ] as const) {
      const [record] = stepOf(one, name, 1).records!;
      await store.save({ ...stepOf(one, name, 1), records: [{ ...record!, dueMs }] });
    }
    const due = async (nowMs: number, limit = 9) =>
      (await store.pendingRecords(limit, nowMs)).records.map(({ entry }) => entry.at(-1));
    expect(await due(999)).to.deep.equal([]);
    expect(await due(2_000)).to.deep.equal(['b', 'c']);
    expect(await due(2_000, 1)).to.deep.equal(['b']);
    expect(await due(1_000 + 3 * hour)).to.deep.equal(['b', 'c', 'a', 'd']);
    const names = new Map(['a', 'b', 'c', 'd'].map((name) => [messageOf(name).id, name]));
    const overdue = async (after: number | undefined, nowMs: number, limit = 9) =>
      (await store.recordsOverdue(after, limit, nowMs)).map(({ seq, message }) => ({ seq, name: names.get(message) }));
    const all = await overdue(undefined, 2_000);
    expect(all.map(({ name }) => name)).to.deep.equal(['b', 'c', 'd']);
    expect(await overdue(undefined, 2_000, 1)).to.deep.equal(all.slice(0, 1));
    expect(await overdue(all[0]!.seq, 2_000)).to.deep.equal(all.slice(1));
    expect((await overdue(undefined, 1_000 + 2 * hour)).map(({ name }) => name)).to.deep.equal(['a', 'b', 'c']);
    await store.setRecordAside(messageOf('b').id);
    await store.postponeRecords([{ message: messageOf('c').id, dueMs: 5_000 }]);
    expect((await overdue(undefined, 3_000)).map(({ name }) => name)).to.deep.equal(['a', 'd']);
    await store.close();
  });

  it('gives messages without a record of activities that somebody has looked at, taken within a time, in pages', async () => {
    await using at = await place();
    const store = await openAt(at);
    for (const [name, nowMs] of [
      ['a', 1],
      ['c', 3],
      ['b', 2],
      ['d', 4],
    ] as const)
      await store.save({ activity: one, nowMs, messages: [messageOf(name)], isRead: true });
    await store.save({ activity: two, nowMs: 2, messages: [messageOf('unread')] });
    const range = { afterMs: 0, beforeMs: 9, limit: 9 };
    const found = async (query: Partial<Parameters<typeof store.unrecordedRead>[0]>) => {
      const { messages, next } = await store.unrecordedRead({ ...range, ...query });
      return { takenMs: messages.map(({ takenMs }) => takenMs), next };
    };
    expect(await found({})).to.deep.equal({ takenMs: [1, 2, 3, 4], next: undefined });
    expect(await found({ afterMs: 2, beforeMs: 4 })).to.deep.equal({ takenMs: [2, 3], next: undefined });
    const first = await found({ limit: 2 });
    expect(first).to.deep.equal({ takenMs: [1, 2], next: { id: messageOf('b').id, takenMs: 2 } });
    expect(await found({ after: first.next })).to.deep.equal({ takenMs: [3, 4], next: undefined });
    await store.setRecord(messageOf('c').id, recordId);
    expect(await found({ after: first.next })).to.deep.equal({ takenMs: [4], next: undefined });
    await store.setRead(two);
    expect((await store.unrecordedRead(range)).messages.map(({ activity }) => activity)).to.include(two);
    await store.save({ activity: two, nowMs: 9, messages: [messageOf('leave')], isLeft: true });
    expect((await store.unrecordedRead(range)).messages.map(({ activity }) => activity)).to.not.include(two);
    await store.close();
  });

  it('goes on after so many messages that nobody has looked at, and has passed over these', async () => {
    await using at = await place();
    const store = await openAt(at);
    const messages = Array.from({ length: 4_100 }, (_, index) => messageOf(`unread ${index}`));
    await store.save({ activity: two, nowMs: 1, messages });
    await store.save({ activity: one, nowMs: 2, messages: [messageOf('a')], isRead: true });
    const range = { afterMs: 0, beforeMs: 9, limit: 9 };
    const { messages: none, next } = await store.unrecordedRead(range);
    expect([none, next?.takenMs]).to.deep.equal([[], 1]);
    const { messages: found, ...rest } = await store.unrecordedRead({ ...range, after: next });
    expect([found.map(({ id }) => id), rest]).to.deep.equal([[messageOf('a').id], {}]);
    await store.close();
  });

  it('keeps which messages are to be answered, in their order, until they are', async () => {
    await using at = await place();
    const store = await openAt(at);
    const [a, b, c] = [messageOf('a').id, messageOf('b').id, messageOf('c').id];
    await store.save({ activity: one, nowMs: 1, messages: [messageOf('a'), messageOf('b')], toAnswer: [a, b] });
    await store.save({ activity: two, nowMs: 1, messages: [messageOf('c')], toAnswer: [c, a] });
    const left = async (after?: number, limit = 9) => await store.toAnswer(after, limit);
    const all = await left();
    expect(all.map(({ message, activity }) => [message, activity])).to.deep.equal([
      [a, one],
      [b, one],
      [c, two],
    ]);
    expect(await left(all[0]!.seq, 1)).to.deep.equal([all[1]]);
    await store.save({ activity: one, nowMs: 2, answered: [a, c] });
    expect(await left()).to.deep.equal([all[1]]);
    await store.close();
  });

  it('knows which messages name an attachment', async () => {
    await using at = await place();
    const store = await openAt(at);
    const [x, y, z] = [hashOf('x'), hashOf('y'), hashOf('z')] as const;
    await store.save({ activity: one, nowMs: 1, messages: [messageOf('a', { attachments: [x, y, x] })] });
    await store.save({ activity: two, nowMs: 1, messages: [messageOf('b', { attachments: [y] })] });
    await store.save({ activity: two, nowMs: 1, messages: [messageOf('b', { attachments: [z] })] });
    expect(await store.namedAttachments([x, y, z])).to.deep.equal(new Set([x, y]));
    expect(await store.namedAttachments([])).to.deep.equal(new Set());
    const names = await store.messagesNaming(y);
    expect(names.map(({ activity }) => activity).sort()).to.deep.equal([one, two].sort());
    expect(await store.messagesNaming(x)).to.deep.equal([
      { sealedDigest: x, message: messageOf('a').id, activity: one, isHere: false },
    ]);
    await store.setHere({ sealedDigest: y, message: messageOf('b').id });
    await store.save({ activity: one, nowMs: 1, messages: [messageOf('c', { attachments: [y], hasFiles: true })] });
    const here = (await store.messagesNaming(y)).filter(({ isHere }) => isHere);
    expect(here.map(({ message }) => message)).to.have.members([messageOf('b').id, messageOf('c').id]);
    expect(await store.messagesNaming(z)).to.deep.equal([]);
    const [first, second] = names.map(({ message }) => message);
    expect((await store.messagesNaming(y, first))[0]).to.have.property('message', second);
    const isHere = (activity: Hash, name: string, sealedDigest = y) =>
      store.isFileHere({ activity, message: messageOf(name).id, sealedDigest });
    // For another message of its activity, which names it as well.
    expect(await isHere(one, 'a')).to.equal(true);
    expect([await isHere(two, 'b'), await isHere(two, 'c')]).to.deep.equal([true, false]);
    expect([await isHere(one, 'a', x), await isHere(one, 'c', x)]).to.deep.equal([false, false]);
    await store.close();
  });

  it('keeps credentials of devices, and when they were taken back', async () => {
    await using at = await place();
    let store = await openAt(at);
    const ids = [hashOf('c1'), hashOf('c2'), hashOf('c3')].sort();
    await store.saveCredential({ id: ids[0]!, text: 'first', device: alice, owner: 'client' });
    await store.saveCredential({ id: ids[1]!, text: 'second', device: bob });
    await store.saveCredential({ id: ids[2]!, text: 'third', device: bob, owner: 'client' });
    await store.saveCredential({ id: ids[0]!, text: 'other', device: carol });
    expect(await store.revokeCredential(ids[1]!, 5000)).to.equal(true);
    expect(await store.revokeCredential(ids[1]!, 6000)).to.equal(false);
    expect(await store.revokeCredential(hashOf('x'), 6000)).to.equal(false);
    await store.close();
    store = await openAt(at);
    const first = { id: ids[0], text: 'first', device: alice, owner: 'client' };
    const second = { id: ids[1], text: 'second', device: bob, revokedMs: 5000 };
    const third = { id: ids[2], text: 'third', device: bob, owner: 'client' };
    expect(await store.credentials()).to.deep.equal([first, second, third]);
    for (const one of [first, second, third]) expect(await store.credential(one.id!)).to.deep.equal(one);
    expect(await store.credential(hashOf('x'))).to.equal(undefined);
    expect(await store.credentials({ owner: 'client' })).to.deep.equal([first, third]);
    expect(await store.credentials({ after: ids[0]!, limit: 1 })).to.deep.equal([second]);
    await store.close();
  });

  it('takes what comes in its last moment, and nothing afterwards', async () => {
    await using at = await place();
    const store = await openAt(at);
    const saves = Array.from({ length: 20 }, (_, index) => store.save(stepOf(one, `m ${index}`, index, [bob])));
    await store.close();
    await Promise.all(saves);
    let error: unknown;
    await store.save(stepOf(one, 'late', 1)).catch((thrown: unknown) => {
      error = thrown;
    });
    expect(error).to.be.instanceOf(RangeError);
    const again = await openAt(at);
    expect((await again.activity(one))!.messageCount).to.equal(20);
    expect((await again.queued(bob, 99, 1e6)).map(({ item }) => fromUtf8(item))).to.deep.equal(
      Array.from({ length: 20 }, (_, index) => `text m ${index}`),
    );
    await again.close();
  });

  it('fails nobody for what another one brings', async () => {
    await using at = await place();
    const store = await openAt(at);
    const bad = { ...stepOf(one, 'bad', 1, [bob]), messages: [messageOf('bad', { sender: null as never })] };
    const results = await Promise.allSettled([
      store.save(stepOf(one, 'a', 1, [bob])),
      store.save(bad),
      store.save(stepOf(one, 'b', 1, [bob])),
      store.hold({ sealDigest: hashOf('s'), activity: two, from: carol, item: utf8('held'), heldMs: 1 }),
    ]);
    expect(results.map(({ status }) => status)).to.deep.equal(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
    expect((await store.messages(one)).map(({ id }) => id)).to.deep.equal([messageOf('a').id, messageOf('b').id]);
    expect(await store.queued(bob, 9, 1e6)).to.have.length(2);
    expect(await store.held()).to.have.length(1);
    await store.close();
  });
});
