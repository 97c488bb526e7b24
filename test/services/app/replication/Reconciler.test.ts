import { expect } from 'chai';
import { Reconciler } from '../../../../services/app/replication/Reconciler.ts';
import { jsonFrame, protocols } from '../../../../services/app/replication/wire.ts';
import type { Net } from '../../../../services/net/Net.ts';
import { until } from '../../../support/until.ts';
import { openVoter, poolRow } from './replicationKit.ts';

describe('Reconciler', () => {
  it('asks again for records without a predecessor after a try for which there was no room', async () => {
    await using voter = await openVoter();
    const { store, publisher, offered } = voter;
    const title = await voter.record();
    const heir = await voter.record({ supersedes: title.id });
    offered.set(heir.id, heir.entry);
    let runs = 0;
    const wakes: (() => void)[] = [];
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
    const clock = {
      ...voter.parts.clock,
      sleep: (_: number, signal?: AbortSignal) =>
        new Promise<void>((wake) => {
          runs++;
          wakes.push(wake);
          signal?.addEventListener('abort', () => wake());
        }),
    };
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
});
