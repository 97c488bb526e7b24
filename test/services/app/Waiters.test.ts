import { expect } from 'chai';
import { Waiters } from '../../../services/app/Waiters.ts';

const longMs = 2 ** 30;

/** Whether the promise has resolved by the time that all that is ready has run. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  void promise.then(() => {
    settled = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  return settled;
}

describe('Waiters', () => {
  it('wakes all who wait, once', async () => {
    const waiters = new Waiters();
    const first = [waiters.wait(longMs), waiters.wait(longMs), waiters.wait(longMs)];
    expect(await isSettled(Promise.race(first))).to.equal(false);
    waiters.wake();
    await Promise.all(first);
    const later = waiters.wait(longMs);
    expect(await isSettled(later)).to.equal(false);
    waiters.wake();
    await later;
    waiters.wake();
  });

  it('does not wake one who begins to wait while the others wake', async () => {
    const waiters = new Waiters();
    let again: Promise<void> | undefined;
    const first = waiters.wait(longMs).then(() => {
      again = waiters.wait(longMs);
    });
    waiters.wake();
    await first;
    expect(await isSettled(again!)).to.equal(false);
    waiters.wake();
    await again;
  });

  it('ends after the time', async () => {
    await new Waiters().wait(1);
    await new Waiters().wait(0);
  });

  it('ends at the abort, before and while it waits', async () => {
    const waiters = new Waiters();
    const stop = new AbortController();
    const waiting = waiters.wait(longMs, stop.signal);
    expect(await isSettled(waiting)).to.equal(false);
    stop.abort();
    await waiting;
    await waiters.wait(longMs, stop.signal);
  });

  it('leaves no timer and no listener behind', async () => {
    const waiters = new Waiters();
    const stop = new AbortController();
    let listeners = 0;
    const { addEventListener, removeEventListener } = stop.signal;
    stop.signal.addEventListener = (...call: Parameters<typeof addEventListener>) => {
      listeners++;
      addEventListener.apply(stop.signal, call);
    };
    stop.signal.removeEventListener = (...call: Parameters<typeof removeEventListener>) => {
      listeners--;
      removeEventListener.apply(stop.signal, call);
    };
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = timers();
    const waiting = Array.from({ length: 50 }, () => waiters.wait(longMs, stop.signal));
    expect(listeners).to.equal(50);
    waiters.wake();
    await Promise.all(waiting);
    expect(listeners).to.equal(0);
    // Timers of mocha and of other tests may begin or end in between; fifty that were left behind would show.
    expect(timers() - before).to.be.below(25);
  });
});
