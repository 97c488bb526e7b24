import { once } from 'node:events';
import { expect } from 'chai';
import { type LogRange, ReadAhead } from '../../../../services/app/replication/ReadAhead.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { until } from '../../../support/until.ts';

const range: LogRange = { peer: '0x0a', from: 10, to: 14 };
const limitMs = 60_000;

/** As a request does: it ends, with the reason, when the signal aborts. */
async function* silentUntil(signal: AbortSignal): AsyncGenerator<readonly Uint8Array[]> {
  await once(signal, 'abort');
  yield* [];
  throw signal.reason;
}

async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}

describe('ReadAhead', () => {
  it('reads a range before it is asked for, and gives it once', async () => {
    const ahead = new ReadAhead();
    let given = 0;
    ahead.start(range, async function* () {
      for (const byte of [1, 2, 3]) {
        given++;
        yield [Uint8Array.of(byte)];
      }
    });
    await until('all is read', () => given === 3);
    expect(await all(ahead.take(range, limitMs)!)).to.deep.equal([1, 2, 3].map((byte) => [Uint8Array.of(byte)]));
    expect(ahead.take(range, limitMs)).to.equal(undefined);
  });

  it('gives what is still to come, too', async () => {
    const ahead = new ReadAhead();
    const gate = Promise.withResolvers<void>();
    ahead.start(range, async function* () {
      yield [Uint8Array.of(1)];
      await gate.promise;
      yield [Uint8Array.of(2)];
    });
    const reading = all(ahead.take(range, limitMs)!);
    gate.resolve();
    expect(await reading).to.have.length(2);
  });

  it('holds no more than its bound, and goes on when that is read', async () => {
    const ahead = new ReadAhead();
    let given = 0;
    ahead.start(range, async function* () {
      for (; given < 50; given++) yield [new Uint8Array(1024 * 1024)];
    });
    await until('it holds as much as it may', () => given >= 16);
    await new Promise((done) => setImmediate(done));
    expect(given).to.equal(16);
    expect(await all(ahead.take(range, limitMs)!)).to.have.length(50);
  });

  it('throws what its source threw, after what came before', async () => {
    const ahead = new ReadAhead();
    ahead.start(range, async function* () {
      yield [Uint8Array.of(1)];
      throw new Error('cut off');
    });
    const got: unknown[] = [];
    const reading = (async () => {
      for await (const entries of ahead.take(range, limitMs)!) got.push(entries);
    })();
    expect(await reading.catch((error: Error) => error.message)).to.equal('cut off');
    expect(got).to.have.length(1);
  });

  it('does not give what has failed before it is asked for: its source may have it by now', async () => {
    const ahead = new ReadAhead();
    let hasFailed = false;
    ahead.start(range, async function* () {
      yield [Uint8Array.of(1)];
      hasFailed = true;
      throw new Error('not there yet');
    });
    await until('it has failed', () => hasFailed);
    await new Promise((done) => setImmediate(done));
    expect(ahead.take(range, limitMs)).to.equal(undefined);
  });

  it('waits for a source that is silent no longer than it is told to', async () => {
    const ahead = new ReadAhead();
    ahead.start(range, silentUntil);
    await expectCode('peer-timeout', all(ahead.take(range, 10)!));
  });

  it('ends its source when what it gives is read no further', async () => {
    const ahead = new ReadAhead();
    let hasEnded = false;
    ahead.start(range, async function* () {
      try {
        for (;;) yield [new Uint8Array(1024 * 1024)];
      } finally {
        hasEnded = true;
      }
    });
    for await (const _ of ahead.take(range, limitMs)!) break;
    await until('the source ends', () => hasEnded);
  });

  it('gives up what nobody takes', async () => {
    for (const give of [
      (ahead: ReadAhead) => ahead.take({ ...range, to: 15 }, limitMs),
      (ahead: ReadAhead) => ahead.take({ ...range, peer: '0x0b' }, limitMs),
      (ahead: ReadAhead) => ahead.start(range, async function* () {}),
      (ahead: ReadAhead) => ahead.close(),
    ]) {
      const ahead = new ReadAhead();
      let signal: AbortSignal | undefined;
      ahead.start(range, (given) => {
        signal = given;
        return (async function* () {})();
      });
      expect(give(ahead)).to.equal(undefined);
      expect(signal!.aborted).to.equal(true);
    }
  });
});
