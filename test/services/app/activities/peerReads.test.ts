import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { expect } from 'chai';
import { messageOf } from '../../../../services/app/activities/Activities.ts';
import { activityProtocols, framesOf, itemsOf } from '../../../../services/app/activities/exchange/items.ts';
import { PeerReads } from '../../../../services/app/activities/exchange/PeerReads.ts';
import type { OpenedEpoch } from '../../../../services/core/activities/activity.ts';
import { noHash } from '../../../../services/core/activities/members.ts';
import type { Message } from '../../../../services/core/activities/parcel.ts';
import { startActivity } from '../../../../services/core/activities/takeMessage.ts';
import { fromUtf8, type Hash, utf8 } from '../../../../services/core/bytes.ts';
import { changeMembers, noteOn, person, randomHash } from '../../../support/activityKit.ts';
import { type ActivityNode, ActivityWorld, blameless, operator, reaches } from '../../../support/activityNodes.ts';
import { deliver, sealedIn } from '../../../support/activityWire.ts';
import { expectCode } from '../../../support/expectCode.ts';

const [mallory, bob] = [person(1).address, person(2).address];

/** Activities of so many messages, of which one is in memory at a time. */
function reads(size: number, burst: number, { epochCount = 1, isChain = false } = {}) {
  const taken = new Map(Array.from({ length: size }, () => [randomHash(), {} as never]));
  const ids = Array.from({ length: epochCount }, randomHash);
  const epochs = new Map(
    ids.map((id, at) => [
      id,
      { membership: { previous: at === 0 ? noHash : ids[isChain ? at - 1 : 0] } } as OpenedEpoch,
    ]),
  );
  const group = ids.at(-1)!;
  let nowMs = 0;
  let inMemory: Hash | undefined;
  const activities = {
    async find(id: Hash) {
      await Promise.resolve();
      inMemory = id;
      return undefined;
    },
    inMemory: (id: Hash) => (inMemory === id ? { taken, epochs, group } : undefined),
  };
  const peerReads = new PeerReads(activities, { burst, nowMs: () => nowMs });
  return {
    peerReads,
    pass: (ms: number) => {
      nowMs += ms;
    },
  };
}

describe('what the requests of a peer have read from the disk', () => {
  it('is no more than so much at once, and then a part of it in each second; another peer has its own', async () => {
    const { peerReads, pass } = reads(500, 1_000);
    const [one, other] = [randomHash(), randomHash()];
    for (const id of [one, other, one]) {
      peerReads.check(mallory);
      await peerReads.find(mallory, id);
    }
    await expectCode('peer-busy', () => peerReads.check(mallory));
    peerReads.check(bob);
    // 1,500 were read; 1,000 may be.
    pass(19_000);
    await expectCode('peer-busy', () => peerReads.check(mallory));
    pass(2_000);
    peerReads.check(mallory);
    pass(40_000);
    await peerReads.find(mallory, other);
    peerReads.check(mallory);
    await peerReads.find(mallory, one);
    peerReads.check(mallory);
  });

  it('counts once for those who wait for the same, and not at all where it is in memory; what is looked through counts less', async () => {
    const { peerReads } = reads(900, 1_000);
    const id = randomHash();
    await Promise.all(Array.from({ length: 20 }, () => peerReads.find(mallory, id)));
    for (let count = 0; count < 20; count++) await peerReads.find(mallory, id);
    peerReads.check(mallory);
    for (let count = 0; count < 3; count++) peerReads.looked(mallory, 900);
    peerReads.check(mallory);
    for (let count = 0; count < 3; count++) peerReads.looked(mallory, 900);
    await expectCode('peer-busy', () => peerReads.check(mallory));
  });

  it('counts the more epochs there are beside the way to the newest, since they are branches', async () => {
    for (const isChain of [false, true]) {
      const { peerReads } = reads(200, 1_000, { epochCount: 200, isChain });
      for (let count = 0; count < 2; count++) {
        peerReads.check(mallory);
        await peerReads.find(mallory, randomHash());
      }
      if (isChain) peerReads.check(mallory);
      else await expectCode('peer-busy', () => peerReads.check(mallory));
    }
  });

  it('is waited for no longer than for as much again, however much somebody else has made of it', async () => {
    const { peerReads, pass } = reads(20_000, 1_000);
    for (let count = 0; count < 9; count++) await peerReads.find(mallory, randomHash());
    await expectCode('peer-busy', () => peerReads.check(mallory));
    pass(40_000);
    peerReads.check(mallory);
  });

  it('keeps nobody from comparing but the one that asks again and again', async () => {
    const world = new ActivityWorld();
    try {
      // Nobody compares by itself meanwhile.
      const settings = { readMessages: 2, compareMs: 600_000, catchUpMs: 0 };
      const [buyer, seller, carrier] = await world.open(3, { settings });
      const receivers = [seller.name, carrier.name];
      const order = { kind: 'industrial', request: 'information', receivers, body: 1 } as const;
      const { activity, message } = await buyer.desk.start(operator, order);
      await reaches(message, seller, carrier);
      const ask = async (by: ActivityNode): Promise<unknown> => {
        const asked = JSON.stringify({ activity, since: 0, digest: randomHash() });
        const frames = by.net.request(seller.address, activityProtocols.compare, framesOf([asked]), {
          timeoutMs: 60_000,
        });
        const [answer] = await Array.fromAsync(itemsOf(frames, { itemBytes: 1024, items: 1, bytes: 1024 }));
        return JSON.parse(fromUtf8(answer!));
      };
      let answered = 0;
      let end: unknown;
      while (end === undefined && answered < 200) {
        try {
          expect(await ask(carrier)).to.deep.equal({ ids: [message] });
          answered++;
        } catch (error) {
          end = error;
        }
      }
      expect(answered).to.be.at.least(62);
      await expectCode('peer-busy', Promise.reject(end));
      expect(await ask(buyer)).to.deep.equal({ ids: [message] });
    } finally {
      await world.close();
    }
  });
});

describe('what a peer has had read by a node that has just been started', () => {
  let world: ActivityWorld;
  let seller: ActivityNode;
  let greedy: ActivityNode;
  let other: ActivityNode;
  let sealedDigest: Hash;
  /** Two of the seller's, each larger than what a peer may have read at once. */
  const begun: Message[] = [];
  const read = new Set<Hash>();

  before(async () => {
    world = new ActivityWorld();
    // Nobody compares by itself, and the one that is started looks at nothing before it is asked.
    const settings = { readMessages: 5, compareMs: 3_600_000, catchUpMs: 0 };
    const [one] = world.add(1, {
      ...{ settings, wrapNet: blameless },
      wrapStore: (store) => ({
        ...store,
        list: async () => ({ items: [] }),
        messages: async (id, ...rest) => {
          read.add(id);
          return await store.messages(id, ...rest);
        },
      }),
    });
    seller = one!;
    [greedy, other] = world.add(2, { settings, wrapNet: blameless }) as [ActivityNode, ActivityNode];
    await Promise.all(world.nodes.map((node) => node.open()));
    await world.connect();
    const content = Readable.from([randomBytes(1000)]);
    const file = await seller.desk.putAttachment(operator, { name: 'plan', content });
    ({ sealedDigest } = file);
    const receivers = [greedy.name, other.name];
    for (const body of ['one', 'two']) {
      const { activity, message: on } = await seller.desk.start(operator, {
        ...{ kind: 'industrial', request: 'information', receivers, body, attachments: [file] },
      });
      let last = on;
      for (let count = 0; count < 12; count++)
        ({ message: last } = await seller.desk.note(operator, activity, { on, body: count }));
      await reaches(last, greedy, other);
      begun.push(messageOf((await seller.store.message(on))!));
    }
  });
  beforeEach(async () => {
    await seller.close();
    await seller.open();
    await world.connect();
    read.clear();
  });
  after(() => world.close());

  async function asks(by: ActivityNode, protocol: string, query: object): Promise<number> {
    const frames = by.net.request(seller.address, protocol, [utf8(JSON.stringify(query))], { timeoutMs: 20_000 });
    return (await Array.fromAsync(frames)).length;
  }
  const asksForMessages = (by: ActivityNode, { id, head }: Message) =>
    asks(by, activityProtocols.messages, { activity: head.activity, messages: [id], groups: [] });
  const asksForFile = (by: ActivityNode, { id, head }: Message) =>
    asks(by, activityProtocols.attachments, { activity: head.activity, message: id, sealedDigest, fromByte: 0 });
  /** Says something in one of them. */
  async function says(by: ActivityNode, first: Message): Promise<Record<string, unknown>> {
    const [answer] = await deliver(by, seller, [
      sealedIn(first, await noteOn(startActivity(first), by.person, first.id)),
    ]);
    return answer!;
  }

  const ways: [string, (by: ActivityNode, first: Message) => Promise<unknown>][] = [
    ['messages that it has asked for', asksForMessages],
    ['a file that it has asked for', asksForFile],
    ['something that it has said', says],
  ];
  for (const [what, askFor] of ways)
    it(`for ${what} is on its own account, and keeps it from nothing that is in memory`, async () => {
      const [one, two] = begun as [Message, Message];
      expect(read).to.have.property('size', 0);
      await askFor(greedy, one);
      expect([...read], 'it was read for it').to.deep.equal([one.head.activity]);
      await expectCode('peer-busy', asksForMessages(greedy, two));
      await expectCode('peer-busy', asksForFile(greedy, two));
      expect(await says(greedy, two)).to.include({ code: 'peer-busy' });
      expect([...read]).to.deep.equal([one.head.activity]);
      // What costs nothing waits for nothing.
      expect(await says(greedy, one)).to.have.nested.property('ack.stage', 'read');
      expect(await asksForMessages(other, one)).to.equal(1);
      expect(await asksForMessages(other, two)).to.equal(1);
      // It has had that one read, and nothing else.
      await expectCode('peer-busy', asksForMessages(other, two));
      expect(await says(greedy, two), 'it is in memory now').to.have.nested.property('ack.stage', 'read');
    });

  it('counts changes of the members, for which all epochs are looked through', async () => {
    const [one] = begun as [Message];
    await asksForMessages(other, one);
    const now = startActivity(one);
    const change = sealedIn(await changeMembers(now, greedy.person, { remove: other.address }));
    expect(await asksForMessages(greedy, one)).to.equal(1);
    const answers = await deliver(greedy, seller, Array(200).fill(change));
    for (const answer of answers) expect(answer).to.include({ code: 'activity-role' });
    await expectCode('peer-busy', asksForMessages(greedy, one));
  });
});
