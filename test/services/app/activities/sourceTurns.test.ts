import { expect } from 'chai';
import { SourceTurns } from '../../../../services/app/activities/exchange/SourceTurns.ts';
import { person } from '../../../support/activityKit.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { SteppedClock } from '../../../support/SteppedClock.ts';

describe('a member that is asked for what is missing', () => {
  it('is asked for one thing at a time, also where somebody gives up waiting for it', async () => {
    const { address } = person(1);
    const turns = new SourceTurns({ clock: new SteppedClock(), settings: { retryMs: 1, maxRetryMs: 1 } as never });
    const ever = new AbortController().signal;
    const answered = Promise.withResolvers<void>();
    const asked: string[] = [];
    const first = turns.take(address, ever, async () => {
      asked.push('first');
      await answered.promise;
      asked.push('first is answered');
    });
    const stop = new AbortController();
    const second = turns.take(address, stop.signal, async () => void asked.push('second'));
    stop.abort();
    await expectCode('peer-busy', second);
    const third = turns.take(address, ever, async () => void asked.push('third'));
    await new Promise((resolve) => setImmediate(resolve));
    answered.resolve();
    await Promise.all([first, third]);
    expect(asked).to.deep.equal(['first', 'first is answered', 'third']);
  });
});
