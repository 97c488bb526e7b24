import { expect } from 'chai';
import { Reconciler } from '../../../../services/app/replication/Reconciler.ts';
import { jsonFrame, protocols } from '../../../../services/app/replication/wire.ts';
import type { Clock } from '../../../../services/lib/clock.ts';
import type { Net, RequestHandler } from '../../../../services/net/Net.ts';
import { until } from '../../../support/until.ts';
import { openVoter, poolRow } from './replicationKit.ts';

/** A clock on which each sleep lasts until one of `wakes` is called. */
function sleepsUntilWoken(clock: Clock, onSleep: () => void = () => {}) {
  const wakes: (() => void)[] = [];
  const sleep = (_: number, signal?: AbortSignal): Promise<void> =>
    new Promise<void>((wake) => {
      onSleep();
      wakes.push(wake);
      signal?.addEventListener('abort', () => wake());
    });
  return { clock: { ...clock, sleep }, wakes };
}

describe('Reconciler', () => {
  it('asks again for records without a predecessor after a try for which there was no room', async () => {
    await using voter = await openVoter();
    const { store, publisher, offered } = voter;
    const title = await voter.record();
    const heir = await voter.record({ supersedes: title.id });
    offered.set(heir.id, heir.entry);
    let runs = 0;
    const net: Partial<Net> = {
      ...voter.parts.net,
      handle: () => {},
      onConnect: () => {},
      peers: () => [{ address: publisher, isConnected: true, score: 0 }],
      async *request(peer, protocol, ...rest) {
        if (protocol !== protocols.pool) return yield* voter.parts.net.request(peer, protocol, ...rest);
        yield jsonFrame({ instance: 'one', lastSeq: 1, isEnd: true });
        if (runs === 0) yield heir.idBytes;
      },
    };
    const { clock, wakes } = sleepsUntilWoken(voter.parts.clock, () => runs++);
    const reconciler = new Reconciler({ ...voter.parts, clock, net: net as Net });
    const run = async (): Promise<void> => {
      const before = runs;
      wakes.pop()!();
      await until('a run', () => runs > before);
    };
    reconciler.start();
    await until('the first run', () => runs === 1);
    voter.setRoom(0);
    await run();
    voter.setRoom(100);
    await store.admit([poolRow(title)]);
    await run();
    expect((await store.findRecord(heir.idBytes))?.where).to.equal('pool');
    await reconciler.close();
  });

  it('asks less often while neither pool grows, and in the next period after a record has come', async () => {
    await using voter = await openVoter();
    const { store, publisher } = voter;
    let asked = 0;
    const net: Partial<Net> = {
      ...voter.parts.net,
      handle: () => {},
      onConnect: () => {},
      peers: () => [{ address: publisher, isConnected: true, score: 0 }],
      async *request() {
        asked++;
        yield jsonFrame({ instance: 'one', lastSeq: 1, isEnd: true });
      },
    };
    const { clock, wakes } = sleepsUntilWoken(voter.parts.clock);
    const reconciler = new Reconciler({ ...voter.parts, clock, net: net as Net });
    /** How often it asks in so many periods. */
    const askedIn = async (periods: number): Promise<number> => {
      const before = asked;
      for (let period = 0; period < periods; period++) {
        wakes.pop()!();
        await until('the end of the run', () => wakes.length > 0);
      }
      return asked - before;
    };
    reconciler.start();
    await until('the end of the first run', () => wakes.length > 0);
    // The first one has moved the place; the second one finds nothing more.
    expect(await askedIn(1)).to.equal(1);
    expect(await askedIn(10)).to.equal(2);
    await store.admit([poolRow(await voter.record())]);
    expect(await askedIn(2)).to.equal(2);
    expect(await askedIn(10)).to.equal(2);
    await reconciler.close();
  });

  it('lists all to one who asks for the first time, and to others what has been in the pool for a period', async () => {
    await using voter = await openVoter();
    const { store, publisher } = voter;
    const [first, second] = await Promise.all([voter.record(), voter.record()]);
    let list: RequestHandler | undefined;
    const net: Partial<Net> = {
      ...voter.parts.net,
      handle: (protocol, handler) => {
        if (protocol === protocols.pool) list = handler;
      },
      onConnect: () => {},
      peers: () => [],
    };
    const { clock, wakes } = sleepsUntilWoken(voter.parts.clock);
    const reconciler = new Reconciler({ ...voter.parts, clock, net: net as Net });
    /** What a peer is told: how it goes on, and how many records. */
    const ask = async (instance: string, afterSeq: number) => {
      const frames = (async function* () {
        yield jsonFrame({ instance, afterSeq });
      })();
      const [page, ...ids] = await Array.fromAsync(list!(frames, publisher, new AbortController().signal));
      const { instance: own, lastSeq } = JSON.parse(new TextDecoder().decode(page)) as {
        instance: string;
        lastSeq: number;
      };
      return { own, lastSeq, count: ids.reduce((sum, { length }) => sum + length / 32, 0) };
    };
    const period = async (): Promise<void> => {
      wakes.shift()!();
      await until('the next period', () => wakes.length > 0);
    };
    reconciler.start();
    await until('the first period', () => wakes.length > 0);
    await store.admit([poolRow(first)]);
    const { own, lastSeq, count } = await ask('', 0);
    expect(count).to.equal(1);
    await store.admit([poolRow(second)]);
    expect(await ask(own, lastSeq)).to.deep.equal({ own, lastSeq, count: 0 });
    await period();
    expect((await ask(own, lastSeq)).count).to.equal(0);
    await period();
    expect((await ask(own, lastSeq)).count).to.equal(1);
    await reconciler.close();
  });
});
