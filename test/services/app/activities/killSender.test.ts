import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect } from 'chai';
import { fromHex, type Hash } from '../../../../services/core/bytes.ts';
import { digestText } from '../../../../services/core/record.ts';
import type { StoredMessage } from '../../../../services/store/activities/ActivityStore.ts';
import { onBothActivityDatabases } from '../../../support/activityDatabases.ts';
import { type ActivityNode, ActivityWorld, reaches } from '../../../support/activityNodes.ts';
import { bundled } from '../../../support/bundled.ts';
import { until } from '../../../support/until.ts';
import type { Begun } from './killSender.ts';
import { type FromSender, killPoints, type ToSender } from './killSenderMessages.ts';

const script = join(import.meta.dirname, 'killSender.ts');

/** However many the sender has said before it was killed: on a slow machine more than one page. */
async function allMessages({ store }: ActivityNode, id: Hash): Promise<StoredMessage[]> {
  const all: StoredMessage[] = [];
  for (let page = await store.messages(id); page.length > 0; page = await store.messages(id, all.length))
    all.push(...page);
  return all;
}

onBothActivityDatabases('a sender of activities under kill -9', (databaseUrl) => {
  let world: ActivityWorld;
  let child: Awaited<ReturnType<typeof bundled>>;
  before(async () => {
    child = await bundled(script);
  });
  after(() => child?.[Symbol.asyncDispose]());
  afterEach(() => world.close());

  /** Lets the first node work in a process of its own until it is killed; what it has promised. */
  async function workAndDie(others: readonly ActivityNode[], begun: Omit<Begun, 'folder' | 'others'>): Promise<Hash[]> {
    const promised: Hash[] = [];
    const directory = others.map(({ address, net }) => [address, net.multiaddrs] as const);
    const whole: Begun = { ...begun, folder: await world.folder(), others: directory };
    const sending = fork(child.path, [JSON.stringify(whole)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    sending.on('message', async ({ listens, sent, accept }: FromSender) => {
      if (sent) promised.push(sent);
      const [sender] = world.nodes;
      if (listens) for (const { net } of others) net.setDirectory(new Map([...directory, [sender!.address, listens]]));
      if (!accept) return;
      const results = await world.accept(accept.lines);
      if (sending.connected) sending.send({ id: accept.id, results } satisfies ToSender, () => {});
    });
    const [, signal] = await once(sending, 'close');
    expect(signal).to.equal('SIGKILL');
    return promised;
  }

  for (const point of killPoints) {
    it(`says all that it has promised, once: ${point}`, async () => {
      world = new ActivityWorld();
      const url = await databaseUrl();
      const [sender] = world.add(1, { databaseUrl: url }) as [ActivityNode];
      const others = await world.open(2, { databaseUrl: url });
      const promised: Hash[] = [];
      for (const times of [1, 5]) promised.push(...(await workAndDie(others, { databaseUrl: url, point, times })));
      await sender.open();
      await world.connect();
      const { items } = await sender.desk.list({}, { limit: 10 });
      expect(items).to.have.length(1);
      const [{ id, messageCount }] = items as [(typeof items)[0]];
      const messages = await allMessages(sender, id);
      expect(messages).to.have.length(messageCount);
      // What was not promised and is there all the same goes its way, too.
      const ids = messages.map((message) => message.id);
      expect(ids).to.include.members(promised);
      for (const message of ids) await reaches(message, ...others);
      await until('nothing waits', async () => (await sender.store.waiting()).length === 0);
      const deliveries = await sender.store.deliveries(id);
      expect(deliveries).to.have.length(2 * ids.length);
      await until('each is read', async () =>
        (await sender.store.deliveries(id)).every(({ state }) => state === 'read'),
      );
      await until(
        'the log has all',
        async () => (await sender.store.pendingRecords(10, Number.MAX_SAFE_INTEGER)).records.length === 0,
      );
      expect(world.records.map(({ digest }) => digest).toSorted()).to.deep.equal(
        messages.map(({ sealDigest }) => digestText(fromHex(sealDigest))).toSorted(),
      );
      for (const other of others) {
        expect((await allMessages(other, id)).map((message) => message.id)).to.have.members(ids);
        expect(await other.state(id)).to.deep.equal(await sender.state(id));
      }
    });
  }
});
