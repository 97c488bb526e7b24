import { expect } from 'chai';
import { IntakeWorkers } from '../../../services/app/IntakeWorkers.ts';

describe('IntakeWorkers', () => {
  it('lets all wait who ask at once, however few threads there are', async () => {
    const network = { chainId: 31337, contract: `0x${'11'.repeat(20)}` } as const;
    const workers = new IntakeWorkers({ network, privateKey: undefined }, 1);
    try {
      const task = { lines: ['{}'], signs: false, nowMs: 0, promise: { acceptedAt: 0, includeBySlot: 0 } };
      const answers = await Promise.all(Array.from({ length: 20 }, () => workers.check(task)));
      expect(answers.map(({ failed }) => failed.length)).to.deep.equal(Array(20).fill(1));
    } finally {
      await workers.close();
    }
  });
});
