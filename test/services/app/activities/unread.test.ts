import { expect } from 'chai';
import type { ActivityHost } from '../../../../services/app/activities/ActivityHost.ts';
import { copyItem } from '../../../../services/app/activities/exchange/envelopeItems.ts';
import { activityProtocols, framesOf } from '../../../../services/app/activities/exchange/items.ts';
import { Unread } from '../../../../services/app/activities/Unread.ts';
import type { HeadOf } from '../../../../services/core/activities/message.ts';
import type { Message } from '../../../../services/core/activities/parcel.ts';
import { startActivity } from '../../../../services/core/activities/takeMessage.ts';
import { Sealer } from '../../../../services/lib/activities/seal.ts';
import type { ActivityStore } from '../../../../services/store/activities/ActivityStore.ts';
import { onBothActivityDatabases } from '../../../support/activityDatabases.ts';
import { begin, memberFor, person, say } from '../../../support/activityKit.ts';
import { type ActivityNode, ActivityWorld, blameless, operator, reaches } from '../../../support/activityNodes.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { hostilePeer, sealedIn } from '../../../support/hostilePeer.ts';
import { until } from '../../../support/until.ts';

const order = { kind: 'industrial', request: 'information' } as const;
const code = 'activity-sender-full';

onBothActivityDatabases('what members have at a node that nobody there has looked at', (databaseUrl) => {
  let world: ActivityWorld;
  afterEach(() => world.close());
  const open = async (settings: object): Promise<[ActivityNode, ActivityNode, ActivityNode]> => {
    world = new ActivityWorld();
    return (await world.open(3, { settings, databaseUrl: await databaseUrl() })) as [
      ActivityNode,
      ActivityNode,
      ActivityNode,
    ];
  };

  it('is bounded in activities; the rest waits at its sender, and nobody else is held up', async () => {
    const [buyer, seller, other] = await open({ unreadActivities: 2 });
    const receivers = [seller.name];
    const begin = (by: ActivityNode, body: number) => by.desk.start(operator, { ...order, receivers, body });
    const sent = [await begin(buyer, 1), await begin(buyer, 2), await begin(buyer, 3)];
    // Those that come together come in any order.
    const stateOf = async ({ activity }: (typeof sent)[0]) => (await buyer.store.deliveries(activity))[0]!;
    const refusedNow = await until('one of them is refused for now', async () => {
      const states = await Promise.all(sent.map(stateOf));
      const isSettled = states.every(({ state, problem }) => state === 'read' || problem?.code === code);
      return isSettled && sent.filter((_, index) => states[index]!.state === 'queued');
    });
    expect(refusedNow).to.have.length(1);
    const late = refusedNow[0]!;
    const [early] = sent.filter((one) => one !== late) as [typeof late];
    expect(await seller.counted('messages_refused_total', { code })).to.be.above(0);
    // What is said in one that is there goes on, and so do others.
    const note = await buyer.desk.note(operator, early.activity, { on: early.message, body: 'said in it' });
    await reaches(note.message, seller);
    await reaches((await begin(other, 4)).message, seller);
    // The bound is that of the node, also after a restart.
    await seller.close();
    await seller.open();
    await world.connect();
    const refused = await seller.counted('messages_refused_total', { code });
    await until('it is tried again', async () => (await seller.counted('messages_refused_total', { code })) > refused);
    expect(await seller.has(late.message)).to.equal(false);
    await seller.desk.list(operator, { limit: 9 });
    expect((await seller.store.activity(early.activity))!.isRead, 'a list is no look').to.equal(false);
    await seller.desk.show(operator, early.activity);
    await reaches(late.message, seller);
    expect((await seller.store.activity(early.activity))!.isRead).to.equal(true);
    expect((await buyer.store.activity(early.activity))!.isRead, 'begun there').to.equal(true);
  });

  it('is bounded in bytes; what is looked at is not', async () => {
    const [buyer, seller] = await open({ unreadBytes: 40_000 });
    const { activity, message: on } = await buyer.desk.start(operator, { ...order, receivers: [seller.name], body: 0 });
    await reaches(on, seller);
    const body = 'x'.repeat(15_000);
    const notes = [];
    for (let at = 0; at < 4; at++) notes.push((await buyer.desk.note(operator, activity, { on, body })).message);
    await until('what is too much is refused for now', async () => {
      const all = await buyer.store.deliveries(activity);
      return all.filter(({ state, problem }) => state === 'queued' && problem?.code === code).length === 2;
    });
    expect(await seller.store.known(notes)).to.have.property('size', 2);
    expect(await seller.store.unreadLoads()).to.have.length(1);
    await seller.desk.note(operator, activity, { on, body: 'read' });
    await reaches(notes[3]!, seller);
    await reaches(notes[2]!, seller);
    expect(await seller.store.unreadLoads()).to.deep.equal([]);
  });
});

describe('what nobody has looked at', () => {
  let world: ActivityWorld;
  beforeEach(() => {
    world = new ActivityWorld();
  });
  afterEach(() => world.close());
  const body = 'x'.repeat(15_000);

  it('is bounded for who has made its senders up, whatever number of them', async () => {
    const [, seller, last] = await world.open(3, { settings: { unreadBytes: 60_000 }, wrapNet: blameless });
    const mallory = await hostilePeer(world, last);
    const made = Array.from({ length: 61 }, (_, at) => person(100 + at));
    const first = await begin([mallory.person, seller.person, ...made]);
    const { activity, group } = first.head;
    const place = { activity, group, epoch: 0, on: first.id };
    const notes = await Promise.all(made.map((one) => say(one, 'note', place, body)));
    const ids = notes.map(({ id }) => id).toSorted();
    // As a member says what it has, and gives what others have said.
    mallory.answers.set(activityProtocols.compare, async function* (frames) {
      await Array.fromAsync(frames);
      yield* framesOf([JSON.stringify({ ids })]);
    });
    mallory.answers.set(activityProtocols.messages, async function* () {
      const { secret } = first.head as HeadOf<'start'>;
      const sealed = (note: Message) => new Sealer().seal(note, secret, [memberFor(seller.person, 'receiver')]);
      yield* framesOf(notes.map((note, at) => copyItem({ place: at, envelope: { sealed: sealed(note), copy: true } })));
    });
    const begun = await mallory.envelope(seller, await sealedIn(startActivity(first), first));
    expect(begun.ack?.stage).to.equal('read');
    await until('all of them were given, and most are refused', async () => {
      const [taken, refused] = [
        await seller.store.known(ids),
        await seller.counted('messages_refused_total', { code }),
      ];
      return taken.size > 0 && refused + taken.size >= notes.length;
    });
    expect((await seller.store.known(ids)).size).to.be.within(1, 3);
    const loads = await seller.store.unreadLoads();
    expect(loads.map(({ payer }) => payer)).to.deep.equal([mallory.person.address]);
    expect(loads[0]!.sizeBytes).to.be.most(60_000);
  });

  it('that a member says in the activity of another one keeps nothing of that one’s away', async () => {
    const [buyer, seller, mallory] = await world.open(3, { settings: { unreadBytes: 40_000 } });
    const receivers = [seller.name, mallory.name];
    const { activity, message: on } = await buyer.desk.start(operator, { ...order, receivers, body: 0 });
    await reaches(on, seller, mallory);
    for (let at = 0; at < 6; at++) await mallory.desk.note(operator, activity, { on, body });
    await until('what is too much is refused for now', async () => {
      const to = (await mallory.store.deliveries(activity)).filter(({ member }) => member === seller.address);
      return to.filter(({ state, problem }) => state === 'queued' && problem?.code === code).length === 4;
    });
    const said = await buyer.desk.note(operator, activity, { on, body });
    const more = await buyer.desk.start(operator, { ...order, receivers: [seller.name], body });
    await reaches(said.message, seller);
    await reaches(more.message, seller);
    expect((await seller.store.unreadLoads()).map(({ payer }) => payer)).to.have.members([
      buyer.address,
      mallory.address,
    ]);
  });

  it('is counted anew where a member is at its bound, however often that sends, for a small part of the time alone', async () => {
    const payer = person(1).address;
    const [countMs, lookMs] = [1_000, 2_000];
    let nowMs = 0;
    let counts = 0;
    const store: Partial<ActivityStore> = {
      unreadLoads: async () => {
        counts++;
        nowMs += countMs;
        return [{ payer, activities: 1, sizeBytes: 1 }];
      },
    };
    const unread = new Unread({
      store: store as ActivityStore,
      clock: { nowMs: () => nowMs, sleep: () => Promise.resolve() },
      settings: { unreadActivities: 1, unreadBytes: 1, lookMs } as ActivityHost['settings'],
    });
    for (; nowMs < 100_000; nowMs += lookMs)
      await expectCode(code, unread.admit({ payer, activity: person(2).key, sizeBytes: 1, isNew: true }));
    expect(counts).to.be.within(2, 6);
  });
});
