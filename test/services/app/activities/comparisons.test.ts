import { expect } from 'chai';
import type { ActivityParts } from '../../../../services/app/activities/ActivityParts.ts';
import { Damage } from '../../../../services/app/activities/Damage.ts';
import { Comparer } from '../../../../services/app/activities/exchange/Comparer.ts';
import { type Comparison, framesOf, itemsOf } from '../../../../services/app/activities/exchange/items.ts';
import { Problems } from '../../../../services/app/Problems.ts';
import { messagesDigest, sharedMessages } from '../../../../services/core/activities/shared.ts';
import { startActivity } from '../../../../services/core/activities/takeMessage.ts';
import { fromUtf8, type Hash, toHex } from '../../../../services/core/bytes.ts';
import { NotariumError } from '../../../../services/core/errors.ts';
import { silentLogger } from '../../../../services/lib/logger.ts';
import type { Net, RequestHandler } from '../../../../services/net/Net.ts';
import { begin, person } from '../../../support/activityKit.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { crypto } from '../../../support/recordKit.ts';
import { SteppedClock } from '../../../support/SteppedClock.ts';

const compareMs = 1000;

/** A comparer whose only other member answers by hand, and may ask at any moment. */
async function compared(secondPage: () => Promise<void> = async () => {}) {
  // The one with the lower address asks.
  const [own, other] = [person(1), person(2)].toSorted((a, b) => (a.address < b.address ? -1 : 1)) as [
    ReturnType<typeof person>,
    ReturnType<typeof person>,
  ];
  const activity = startActivity(await begin([own, other]));
  const clock = new SteppedClock();
  const problems = new Problems();
  const failures: boolean[] = [];
  const registered = [{ address: other.address }];
  const shared = { clock, problems, crypto, logger: silentLogger };
  const parts = {
    ...{ ...shared, signer: own.signer, damage: new Damage(shared) },
    settings: {
      compareMs,

      maxRetryMs: 8 * compareMs,
      catchUpMs: 60_000,
      requestMs: 20_000,
      incompleteMs: 1000,
    },
    registry: { nodes: () => registered },
    store: {
      isShared: false,
      activity: async () => ({ isRead: true, createdMs: 0 }),
      knownActivities: async () => new Set([activity.id]),
      // It stands in the first of two pages.
      async list({ after }: { readonly after?: string }) {
        if (after === undefined) return { items: [activity], next: 'page 2' };
        await secondPage();
        return { items: [] };
      },
    },
    activities: {
      async find() {
        if (failures.shift()) throw new NotariumError('storage-failed');
        return activity;
      },
    },
    peerReads: { check() {}, looked() {}, find: async () => activity },
    refusals: { count() {} },
  } as unknown as ActivityParts;
  let serve: RequestHandler | undefined;
  const asked: { readonly member: string; readonly answer: (comparison: Comparison) => void }[] = [];
  const net = {
    handle(_name: string, handler: RequestHandler) {
      serve = handler;
    },
    onConnect() {},
    peers: () => registered.map(({ address }) => ({ address, isConnected: true })),
    async *request(member: string) {
      const { promise, resolve } = Promise.withResolvers<Comparison>();
      asked.push({ member, answer: resolve });
      yield* framesOf([JSON.stringify(await promise)]);
    },
  } as unknown as Net;
  const comparer = new Comparer(parts, { late: () => 0 }, { signal: new AbortController().signal, quiet() {} });
  comparer.join(net);
  return {
    ...{ comparer, activity: activity.id, asked, registered, failures },
    kinds: () => [...comparer.doubts.of(activity.id).values()].map(({ kind }) => kind),
    /** The next comparison; undefined where none is made. */
    async next() {
      const before = asked.length;
      await comparer.look();
      await new Promise((resolve) => setImmediate(resolve));
      return asked[before];
    },
    pass: () => clock.advance(8 * compareMs),
    /** The other one asks, and has the same. @param digest Another one, of something else. */
    async ask(digest?: Hash) {
      const ids = sharedMessages(activity, [own.address, other.address], activity.since);
      const same = messagesDigest(ids, crypto.sha256);
      const text = JSON.stringify({ activity: activity.id, since: 0, digest: digest ?? same });
      const answer = serve!(framesOf([text]), other.address, new AbortController().signal);
      const items = await Array.fromAsync(itemsOf(answer, { itemBytes: 1000, items: 1, bytes: 1000 }));
      expect(items.map(fromUtf8)).to.deep.equal([JSON.stringify(digest ? { ids } : { same: true })]);
    },
  };
}

describe('an activity that two members compare', () => {
  it('is asked for again after an answer that leaves a doubt, also where the other one has asked meanwhile', async () => {
    const { comparer, kinds, next, pass, ask } = await compared();
    (await next())!.answer({ unknown: true });
    await comparer.close();
    expect(kinds()).to.deep.equal(['unknown']);
    await ask();
    pass();
    (await next())!.answer({ same: true });
    await comparer.close();
    expect(kinds()).to.deep.equal([]);
    pass();
    expect(await next()).to.equal(undefined);
  });

  it('is asked for again where the other one has asked before its answer has come', async () => {
    const { comparer, kinds, next, pass, ask } = await compared();
    const first = (await next())!;
    await ask();
    first.answer({ unknown: true });
    await comparer.close();
    expect(kinds()).to.deep.equal(['unknown']);
    pass();
    (await next())!.answer({ same: true });
    await comparer.close();
    expect(kinds()).to.deep.equal([]);
  });

  it('is compared again where it changes while it is compared', async () => {
    const { comparer, activity, next, pass } = await compared();
    const first = (await next())!;
    comparer.changed(activity);
    pass();
    await comparer.look();
    first.answer({ same: true });
    await comparer.close();
    (await next())!.answer({ same: true });
    await comparer.close();
    pass();
    expect(await next()).to.equal(undefined);
  });

  it('is looked at again where it could not be read', async () => {
    const { comparer, failures, next } = await compared();
    failures.push(true);
    await expectCode('storage-failed', comparer.look());
    (await next())!.answer({ same: true });
    await comparer.close();
  });

  it('is not compared without a pause with one that says in each comparison that it has something else', async () => {
    const { comparer, asked, next, ask } = await compared();
    const first = (await next())!;
    await ask(toHex(new Uint8Array(32)));
    first.answer({ same: true });
    await comparer.close();
    expect(asked).to.have.length(1);
  });

  it('is compared with who comes into the registry while those from before are looked for', async () => {
    const reached = Promise.withResolvers<void>();
    const held = Promise.withResolvers<void>();
    const { comparer, asked, registered, activity, next, pass } = await compared(async () => {
      reached.resolve();
      await held.promise;
    });
    const [other] = registered.splice(0);
    expect(await next()).to.equal(undefined);
    const look = comparer.look();
    await reached.promise;
    registered.push(other!);
    // Somebody wants to speak in one of them.
    const spoken = comparer.caughtUp(activity);
    while (asked.length === 0) await new Promise((resolve) => setImmediate(resolve));
    asked[0]!.answer({ same: true });
    await spoken;
    held.resolve();
    await look;
    pass();
    const second = await next();
    expect(second?.member).to.equal(other!.address);
    second!.answer({ same: true });
    await comparer.close();
  });
});
