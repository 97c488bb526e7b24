import { expect } from 'chai';
import type { IntakeResult } from '../../../services/app/Centre.ts';
import { Intake } from '../../../services/app/Intake.ts';
import type { Address } from '../../../services/core/bytes.ts';
import { systemClock } from '../../../services/lib/clock.ts';
import { localSigner } from '../../../services/lib/localSigner.ts';
import { silentLogger } from '../../../services/lib/logger.ts';
import { loadCrypto } from '../../../services/lib/nativeCrypto.ts';
import { network } from '../core/receiptKit.ts';

describe('Intake', () => {
  /** An intake whose threads (not real ones here) fail every line, once they are let go. */
  async function heldIntake(
    poolLimit: number,
    threadCount = 1,
  ): Promise<{ intake: Intake; release: () => void; tasks: number[] }> {
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    /** Lines of each task that a thread was given. */
    const tasks: number[] = [];
    const intake = new Intake({
      store: {
        admit: () => Promise.reject(new Error('no line is good')),
        poolStatus: () => Promise.reject(new Error('not asked')),
        promise: () => Promise.reject(new Error('nothing is known')),
      },
      workers: {
        threadCount,
        async check({ lines }) {
          tasks.push(lines.length);
          await held;
          const failed = lines.map((_, index) => ({ index, code: 'record-expired' as const, detail: '', data: {} }));
          return { checked: [], failed };
        },
      },
      network,
      signer: localSigner(new Uint8Array(32).fill(7), await loadCrypto()),
      clock: systemClock,
      logger: silentLogger,
      periodSeconds: 2,
      promiseSlots: 3,
      poolLimit,
      othersPoolPart: 3 / 4,
      peerPoolPart: 1 / 2,
    });
    return { intake, release, tasks };
  }

  const codesOf = (results: readonly IntakeResult[]): string[] =>
    results.map((result) => (result.status === 'failed' ? result.error.code : result.status));

  it('refuses what the pool has no room for, with what is on its way counted', async () => {
    const { intake, release } = await heldIntake(3);
    const first = intake.accept(['a', 'b']);
    expect(codesOf(await intake.accept(['c', 'd']))).to.deep.equal(['pool-full', 'pool-full']);
    const second = intake.accept(['c']);
    release();
    expect(codesOf([...(await first), ...(await second)])).to.deep.equal(Array(3).fill('record-expired'));
    expect(intake.waiting).to.equal(0);
  });

  it('keeps room for its own clients, and lets no other centre have more than its share', async () => {
    const { intake, release } = await heldIntake(8);
    const [one, other] = ['0x01', '0x02'] as [Address, Address];
    expect([5, 4].map((count) => intake.hasRoomFor(count, one))).to.deep.equal([false, true]);
    intake.addPooled(4, one);
    expect([one, other].map((peer) => intake.hasRoomFor(1, peer))).to.deep.equal([false, true]);
    expect([3, 2].map((count) => intake.hasRoomFor(count, other))).to.deep.equal([false, true]);
    intake.addPooled(2, other);
    expect(intake.hasRoomFor(1, other)).to.equal(false);
    const taken = intake.accept(['a', 'b']);
    expect(codesOf(await intake.accept(['c']))).to.deep.equal(['pool-full']);
    release();
    expect(codesOf(await taken)).to.deep.equal(['record-expired', 'record-expired']);
    // Half of them have been sealed, of each one's about half.
    intake.setPooled(3);
    expect([one, other].map((peer) => intake.hasRoomFor(3, peer))).to.deep.equal([false, true]);
    expect(intake.hasRoomFor(2, one)).to.equal(true);
  });

  it('lets the records of a block in, however full of its own clients’ records the pool is', async () => {
    const { intake } = await heldIntake(8);
    const one = '0x01' as Address;
    intake.setPooled(8);
    expect(intake.hasRoomFor(1, one)).to.equal(false);
    expect(intake.hasRoomFor(1, one, 1)).to.equal(true);
    // One block beyond its share, and no more.
    intake.addPooled(4, one);
    expect([1, 2].map((count) => intake.hasRoomFor(count, one, 1))).to.deep.equal([true, false]);
    const other = '0x02' as Address;
    intake.addPooled(2, other);
    expect([1, 2].map((count) => intake.hasRoomFor(count, other, 1))).to.deep.equal([true, false]);
  });

  it('bounds the text on its way, and takes more once that has its answer', async () => {
    const { intake, release } = await heldIntake(1_000_000);
    const large = 'x'.repeat(40 * 1024 * 1024);
    const first = intake.accept([large]);
    const [refused] = await intake.accept([large]);
    expect(codesOf([refused!])).to.deep.equal(['pool-full']);
    release();
    expect(codesOf(await first)).to.deep.equal(['record-expired']);
    expect(codesOf(await intake.accept([large]))).to.deep.equal(['record-expired']);
  });

  it('answers all that it has taken before it is closed, and takes nothing after', async () => {
    const { intake, release } = await heldIntake(10);
    const taken = intake.accept(['a']);
    const closed = intake.close();
    expect(codesOf(await intake.accept(['b']))).to.deep.equal(['shutting-down']);
    release();
    await closed;
    expect(codesOf(await taken)).to.deep.equal(['record-expired']);
  });

  it('gives a thread few lines only while none is at work, and shares out many', async () => {
    const { intake, release, tasks } = await heldIntake(1000, 2);
    const turn = (): Promise<void> => new Promise((done) => setImmediate(() => setImmediate(done)));
    const taken = [intake.accept(['a'])];
    await turn();
    taken.push(intake.accept(Array(15).fill('b')));
    await turn();
    expect(tasks).to.deep.equal([1]);
    taken.push(intake.accept(Array(5).fill('c')));
    await turn();
    expect(tasks).to.deep.equal([1, 16]);
    release();
    await Promise.all(taken);
    expect(tasks).to.deep.equal([1, 16, 4]);
    await intake.accept(Array(400).fill('d'));
    expect(tasks.slice(3)).to.deep.equal([200, 100, 50, 25, 16, 9]);
  });
});
