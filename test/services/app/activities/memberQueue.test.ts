import { expect } from 'chai';
import { Registry } from 'prom-client';
import type { ActivityParts } from '../../../../services/app/activities/ActivityParts.ts';
import { activityMetrics } from '../../../../services/app/activities/activityMetrics.ts';
import { MemberQueue } from '../../../../services/app/activities/exchange/MemberQueue.ts';
import { NotariumError } from '../../../../services/core/errors.ts';
import { silentLogger } from '../../../../services/lib/logger.ts';
import type { Net } from '../../../../services/net/Net.ts';
import { person, randomHash } from '../../../support/activityKit.ts';
import { SteppedClock } from '../../../support/SteppedClock.ts';
import { until } from '../../../support/until.ts';

describe('what waits for one member of activities', () => {
  it('is sent when the member is back, also where that is before it is written down that it was away', async () => {
    const { address: member } = person(2);
    const clock = new SteppedClock();
    const writing = Promise.withResolvers<void>();
    const written = Promise.withResolvers<void>();
    const item = new Uint8Array(8);
    const queued = { sealDigest: randomHash(), activity: randomHash(), message: randomHash(), item, tries: 0 };
    const parts = {
      ...{ clock, logger: silentLogger, metrics: activityMetrics(new Registry()) },
      registry: { nodes: () => [] },
      settings: { retryMs: 600_000, maxRetryMs: 600_000, requestMs: 1000 },
      store: {
        endPauses: async () => {},
        nextTry: async () => undefined,
        queued: async () => [queued],
        async delivered() {
          writing.resolve();
          await written.promise;
        },
      },
    } as unknown as ActivityParts;
    let requests = 0;
    const net = {
      request() {
        requests++;
        throw new NotariumError('peer-unreachable');
      },
    } as unknown as Net;
    const stop = new AbortController();
    const queue = new MemberQueue(parts, { net, member, signal: stop.signal });
    queue.wake();
    await writing.promise;
    queue.connected();
    written.resolve();
    await until('it is tried again', () => requests === 2);
    // And then after a pause.
    await until('it pauses', () => clock.sleeping(0).length === 1);
    expect(requests).to.equal(2);
    stop.abort();
    await queue.done();
  });
});
