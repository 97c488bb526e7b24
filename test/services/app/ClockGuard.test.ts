import { expect } from 'chai';
import { ClockGuard } from '../../../services/app/ClockGuard.ts';
import { expectCode } from '../../support/expectCode.ts';

const chainSeconds = 1_000_000;

/** A guard whose clock differs from the chain's by so much, over a node that takes its time before and after it looks. */
function guardOf(skewSeconds: number, slow: { before?: number; after?: number } = {}): ClockGuard {
  let passed = 0;
  return new ClockGuard({
    chain: {
      async chainTime() {
        passed += slow.before ?? 0;
        const seconds = chainSeconds + passed;
        passed += slow.after ?? 0;
        return { blockNumber: 1, latestSeconds: seconds, pendingSeconds: seconds };
      },
    },
    store: { latestBlock: async () => undefined },
    clock: { nowMs: () => 1000 * (chainSeconds + skewSeconds + passed), sleep: async () => {} },
    periodSeconds: 2,
  });
}

describe('the guard of the clock', () => {
  it('finds a clock that is ahead of the chain, or behind it', async () => {
    for (const [skewSeconds, direction] of [
      [6, 'ahead of'],
      [-6, 'behind'],
    ] as const) {
      const { data } = await expectCode('clock-skewed', guardOf(skewSeconds).check());
      expect(data).to.deep.equal({ skewSeconds: 6, direction });
    }
    for (const skewSeconds of [4, 0, -4]) await guardOf(skewSeconds).check();
  });

  it('takes no slow answer for a wrong clock', async () => {
    await guardOf(0, { before: 20 }).check();
    await guardOf(0, { after: 20 }).check();
    await guardOf(4, { before: 9, after: 9 }).check();
  });

  it('finds a wrong clock through a slow answer too, where the answer proves it', async () => {
    await expectCode('clock-skewed', guardOf(30, { before: 20 }).check());
    await expectCode('clock-skewed', guardOf(-30, { after: 20 }).check());
  });
});
