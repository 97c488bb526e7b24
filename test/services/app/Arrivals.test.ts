import { expect } from 'chai';
import { Arrivals } from '../../../services/app/Arrivals.ts';
import { GroupCommit } from '../../../services/app/GroupCommit.ts';
import type { AdmitOutcome, PoolRow } from '../../../services/store/PoolRow.ts';
import { until } from '../../support/until.ts';
import { row } from '../store/storeKit.ts';

/** A store that admits when told to, and notes the subjects of each commit. */
function heldStore() {
  const commits: string[][] = [];
  const releases: (() => void)[] = [];
  let failure: Error | undefined;
  return {
    commits,
    failWith(error: Error): void {
      failure = error;
    },
    /** Lets the commit that waits go on. */
    release(): void {
      releases.shift()!();
    },
    async admit(rows: readonly PoolRow[]): Promise<AdmitOutcome[]> {
      commits.push(rows.map(({ subject }) => subject.slice('urn:test:'.length)));
      await new Promise<void>((release) => releases.push(release));
      if (failure) throw failure;
      return rows.map((_, index) => ({ status: 'accepted', seq: 100 * commits.length + index }));
    },
  };
}

/** Lets everything that can go on do so. */
const turn = (): Promise<void> => new Promise((done) => setImmediate(done));
const seqs = (outcomes: readonly AdmitOutcome[]): unknown[] =>
  outcomes.map((outcome) => ('seq' in outcome ? outcome.seq : outcome.status));

describe('GroupCommit', () => {
  it('gathers what comes during a commit for the next one, and tells each caller its own rows', async () => {
    const store = heldStore();
    const commits = new GroupCommit((rows) => store.admit(rows));
    const first = commits.admit([row('a')]);
    const second = commits.admit([row('b'), row('c')]);
    const third = commits.admit([row('d')]);
    expect(await commits.admit([])).to.deep.equal([]);
    store.release();
    expect(seqs(await first)).to.deep.equal([100]);
    await turn();
    store.release();
    expect(seqs(await second)).to.deep.equal([200, 201]);
    expect(seqs(await third)).to.deep.equal([202]);
    expect(store.commits).to.deep.equal([['a'], ['b', 'c', 'd']]);
  });

  it('lets few rows wait for those on their way, until there are enough or none comes', async () => {
    const store = heldStore();
    let isMoreComing = true;
    const commits = new GroupCommit(
      (rows) => store.admit(rows),
      () => isMoreComing,
      3_600_000,
    );
    const few = [commits.admit([row('a')]), commits.admit([row('b')])];
    await turn();
    expect(store.commits).to.deep.equal([]);
    const enough = commits.admit(Array(30).fill(row('c')));
    await turn();
    store.release();
    await Promise.all([...few, enough]);
    const last = [commits.admit([row('d')])];
    await turn();
    isMoreComing = false;
    last.push(commits.admit([row('e')]));
    await turn();
    store.release();
    await Promise.all(last);
    expect(store.commits).to.deep.equal([
      ['a', 'b', ...Array(30).fill('c')],
      ['d', 'e'],
    ]);
  });

  it('does not wait for ever for what does not come', async () => {
    const store = heldStore();
    const commits = new GroupCommit(
      (rows) => store.admit(rows),
      () => true,
      1,
    );
    const alone = commits.admit([row('alone')]);
    await until('the commit', () => store.commits.length === 1);
    store.release();
    expect(seqs(await alone)).to.deep.equal([100]);
  });

  it('bounds a commit, but takes a caller’s rows together', async () => {
    const store = heldStore();
    const commits = new GroupCommit((rows) => store.admit(rows));
    const one = row('one');
    const all = [commits.admit([one]), commits.admit(Array(8000).fill(one)), commits.admit(Array(8193).fill(one))];
    for (const rows of all) {
      await turn();
      store.release();
      await rows;
    }
    expect(store.commits.map(({ length }) => length)).to.deep.equal([1, 8000, 8193]);
  });

  it('fails those whose commit failed, and goes on', async () => {
    const store = heldStore();
    const commits = new GroupCommit((rows) => store.admit(rows));
    const lost = commits.admit([row('lost')]).catch((error: Error) => error.message);
    store.failWith(new Error('disk'));
    store.release();
    expect(await lost).to.equal('disk');
    const next = commits.admit([row('next')]).catch((error: Error) => error.message);
    store.release();
    expect(await next).to.equal('disk');
    expect(store.commits).to.deep.equal([['lost'], ['next']]);
  });
});

describe('Arrivals', () => {
  it('admits in the order in which records came, whichever check is first', async () => {
    const store = heldStore();
    const arrivals = new Arrivals(store);
    const slow = Promise.withResolvers<void>();
    const first = arrivals.take(2, async () => {
      await slow.promise;
      return { rows: [row('first')], name: 'one' };
    });
    const second = arrivals.take(1, async () => ({ rows: [row('second')], name: 'two' }));
    await turn();
    expect(store.commits).to.deep.equal([]);
    expect(arrivals.count).to.equal(3);
    slow.resolve();
    await turn();
    store.release();
    expect(await first).to.deep.include({ name: 'one', outcomes: [{ status: 'accepted', seq: 100 }] });
    await turn();
    store.release();
    expect(await second).to.deep.include({ name: 'two', outcomes: [{ status: 'accepted', seq: 200 }] });
    expect(store.commits).to.deep.equal([['first'], ['second']]);
    expect(arrivals.count).to.equal(0);
  });

  it('goes on after a check that failed, and is settled when all that came before is', async () => {
    const store = heldStore();
    const arrivals = new Arrivals(store);
    const failing = arrivals
      .take(1, () => Promise.reject(new Error('no thread')))
      .catch((error: Error) => error.message);
    const next = arrivals.take(1, async () => ({ rows: [row('next')] }));
    let isSettled = false;
    const settled = arrivals.settled().then(() => {
      isSettled = true;
    });
    expect(await failing).to.equal('no thread');
    await turn();
    expect(isSettled).to.equal(false);
    store.release();
    await next;
    await settled;
    expect(arrivals.count).to.equal(0);
    await arrivals.settled();
  });
});
