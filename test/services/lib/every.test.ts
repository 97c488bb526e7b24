import { expect } from 'chai';
import type { Clock } from '../../../services/lib/clock.ts';
import { systemClock } from '../../../services/lib/clock.ts';
import { every } from '../../../services/lib/every.ts';
import { silentLogger } from '../../../services/lib/logger.ts';

/** A clock that stands still until told: each sleep ends at `tick`, or at the abort. */
function manualClock() {
  const sleeps: { ms: number; end: () => void }[] = [];
  let asleep = Promise.withResolvers<void>();
  const clock: Clock = {
    nowMs: () => 0,
    sleep(ms, signal) {
      const { promise, resolve } = Promise.withResolvers<void>();
      sleeps.push({ ms, end: resolve });
      signal?.addEventListener('abort', () => resolve(), { once: true });
      if (signal?.aborted) resolve();
      asleep.resolve();
      return promise;
    },
  };
  return {
    clock,
    sleeps,
    /** Resolves when the loop sleeps. */
    async untilAsleep() {
      await asleep.promise;
      asleep = Promise.withResolvers<void>();
    },
    tick: () => sleeps.at(-1)!.end(),
  };
}

describe('every', () => {
  const logged: { data: object; message: string }[] = [];
  const logger = {
    ...silentLogger,
    error(data: object, message: string) {
      logged.push({ data, message });
    },
  };
  let stop: AbortController;

  beforeEach(() => {
    logged.length = 0;
    stop = new AbortController();
  });

  it('runs at once, and again after each sleep of the period', async () => {
    const { clock, sleeps, untilAsleep, tick } = manualClock();
    let runs = 0;
    const loop = every(250, async () => void runs++, { signal: stop.signal, logger, name: 'test', clock });
    for (let count = 1; count <= 5; count++) {
      await untilAsleep();
      expect(runs).to.equal(count);
      tick();
    }
    await untilAsleep();
    stop.abort();
    await loop.done;
    expect(runs).to.equal(6);
    expect(sleeps.map(({ ms }) => ms)).to.deep.equal([250, 250, 250, 250, 250, 250]);
    expect(loop.failures()).to.equal(0);
  });

  it('never overlaps: it sleeps only after a run has ended', async () => {
    const { clock, sleeps, untilAsleep, tick } = manualClock();
    let running = 0;
    let most = 0;
    const gates: (() => void)[] = [];
    const fn = async (): Promise<void> => {
      most = Math.max(most, ++running);
      await new Promise<void>((resolve) => gates.push(resolve));
      running--;
    };
    const loop = every(1, fn, { signal: stop.signal, logger, name: 'test', clock });
    for (let count = 1; count <= 3; count++) {
      expect(gates).to.have.length(count);
      expect(sleeps).to.have.length(count - 1);
      gates.at(-1)!();
      await untilAsleep();
      if (count < 3) tick();
      await new Promise((resolve) => setImmediate(resolve));
    }
    stop.abort();
    await loop.done;
    expect(most).to.equal(1);
  });

  it('goes on after failures, counts, logs and reports each', async () => {
    const { clock, untilAsleep, tick } = manualClock();
    const reported: unknown[] = [];
    let runs = 0;
    const fn = (): Promise<void> => {
      runs++;
      // One throws before it gives a promise.
      if (runs === 1) throw new Error('1');
      return runs === 3 ? Promise.resolve() : Promise.reject(new Error(String(runs)));
    };
    const loop = every(1, fn, {
      signal: stop.signal,
      logger,
      name: 'test',
      clock,
      onFailure: (error) => reported.push(error),
    });
    for (let count = 1; count <= 4; count++) {
      await untilAsleep();
      if (count < 4) tick();
    }
    stop.abort();
    await loop.done;
    expect(loop.failures()).to.equal(3);
    expect(reported.map((error) => (error as Error).message)).to.deep.equal(['1', '2', '4']);
    expect(logged.map(({ data }) => (data as { loop: string; failures: number }).failures)).to.deep.equal([1, 2, 3]);
    expect(logged.every(({ data }) => (data as { loop: string }).loop === 'test')).to.equal(true);
  });

  it('ends only after the last run, which sees the abort', async () => {
    const { clock, sleeps } = manualClock();
    const gate = Promise.withResolvers<void>();
    let seen: AbortSignal | undefined;
    const fn = (signal: AbortSignal): Promise<void> => {
      seen = signal;
      return gate.promise;
    };
    const loop = every(1, fn, { signal: stop.signal, logger, name: 'test', clock });
    let isDone = false;
    void loop.done.then(() => {
      isDone = true;
    });
    stop.abort();
    await new Promise((resolve) => setImmediate(resolve));
    expect(isDone).to.equal(false);
    expect(seen?.aborted).to.equal(true);
    gate.resolve();
    await loop.done;
    expect(sleeps.length).to.be.at.most(1);
  });

  it('does not count a run that the abort cut short, but one that broke while stopping', async () => {
    for (const [error, failures] of [
      [new DOMException('stop', 'AbortError'), 0],
      [new Error('unreachable', { cause: new DOMException('stop', 'AbortError') }), 0],
      [new Error('disk full'), 1],
      ['a text', 1],
    ] as const) {
      const own = new AbortController();
      const { clock } = manualClock();
      const gate = Promise.withResolvers<void>();
      const loop = every(1, () => gate.promise, { signal: own.signal, logger, name: 'test', clock });
      own.abort();
      gate.reject(error);
      await loop.done;
      expect(loop.failures(), String(error)).to.equal(failures);
    }
    const own = new AbortController();
    const loop = every(1, async (signal) => own.abort('enough') ?? signal.throwIfAborted(), {
      signal: own.signal,
      logger,
      name: 'test',
      clock: manualClock().clock,
    });
    await loop.done;
    expect(loop.failures()).to.equal(0);
  });

  it('does not run at all once aborted', async () => {
    let runs = 0;
    stop.abort();
    await every(1, async () => void runs++, { signal: stop.signal, logger, name: 'test' }).done;
    expect(runs).to.equal(0);
  });
});

describe('systemClock', () => {
  it('sleeps until the abort, and not at all after it', async () => {
    const stop = new AbortController();
    // More than a timer of Node can do, which would otherwise end after 1 ms.
    let isAwake = false;
    const sleep = systemClock.sleep(2 ** 40, stop.signal).then(() => {
      isAwake = true;
    });
    await systemClock.sleep(5);
    expect(isAwake).to.equal(false);
    stop.abort();
    await sleep;
    await systemClock.sleep(2 ** 40, stop.signal);
  });

  it('lets others run even for no time', async () => {
    let ran = false;
    setImmediate(() => {
      ran = true;
    });
    for (let turn = 0; turn < 10 && !ran; turn++) await systemClock.sleep(0);
    expect(ran).to.equal(true);
  });

  it('tells the time', () => {
    expect(Math.abs(systemClock.nowMs() - Date.now())).to.be.lessThan(1000);
  });
});
