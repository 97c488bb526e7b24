import { expect } from 'chai';
import { type Item, inLanes } from '../../scripts/support/lanes.ts';
import { until } from '../support/until.ts';

/** Items whose ends the test decides; `running` holds the names of those under way. */
function controlled(items: readonly Item[], lanes: number) {
  const running = new Map<string, () => void>();
  const begun: string[] = [];
  const all = inLanes(items, lanes, ({ name }) => {
    begun.push(name);
    return new Promise((resolve) => {
      running.set(name, () => {
        running.delete(name);
        resolve();
      });
    });
  });
  const untilBegun = (count: number) => until(`${count} begun`, () => begun.length === count);
  return { all, begun, running, untilBegun, end: (name: string) => running.get(name)!() };
}

describe('lanes', () => {
  it('begin items in order, never more than there are lanes', async () => {
    const { all, begun, running, untilBegun, end } = controlled(
      ['a', 'b', 'c', 'd'].map((name) => ({ name })),
      2,
    );
    expect(begun).to.deep.equal(['a', 'b']);
    end('b');
    await untilBegun(3);
    expect([...running.keys()]).to.deep.equal(['a', 'c']);
    for (const name of ['a', 'c']) end(name);
    await untilBegun(4);
    end('d');
    await all;
    expect(begun).to.deep.equal(['a', 'b', 'c', 'd']);
  });

  it('never run two items that hold the same thing, and do something else meanwhile', async () => {
    const items = [{ name: 'a', holds: 'x' }, { name: 'b', holds: 'x' }, { name: 'c' }];
    const { all, begun, untilBegun, end } = controlled(items, 3);
    await untilBegun(2);
    expect(begun).to.deep.equal(['a', 'c']);
    end('c');
    end('a');
    await untilBegun(3);
    end('b');
    await all;
  });

  it('begin nothing before what it comes after has ended, wherever that stands', async () => {
    const items = [{ name: 'a', after: 'd' }, { name: 'b', after: 'nobody' }, { name: 'c' }, { name: 'd' }];
    const { all, begun, untilBegun, end } = controlled(items, 2);
    await untilBegun(2);
    end('b');
    await untilBegun(3);
    end('c');
    expect(begun).to.deep.equal(['b', 'c', 'd']);
    end('d');
    await untilBegun(4);
    end('a');
    await all;
  });

  it('say so when items wait for one another', async () => {
    const items = [
      { name: 'a', after: 'b' },
      { name: 'b', after: 'a' },
    ];
    const failed = inLanes(items, 2, async () => {});
    expect(String(await failed.catch((error: unknown) => error))).to.include('a, b wait for one another');
  });

  it('throw what the work throws', async () => {
    const failed = inLanes([{ name: 'a' }, { name: 'b' }], 2, async ({ name }: Item) => {
      if (name === 'b') throw new RangeError('no work');
    });
    expect(await failed.catch((error: unknown) => error)).to.be.instanceOf(RangeError);
  });

  it('begin nothing more after that', async () => {
    const begun: string[] = [];
    const ends: (() => void)[] = [];
    const failed = inLanes([{ name: 'a' }, { name: 'b' }, { name: 'c' }], 2, async ({ name }: Item) => {
      begun.push(name);
      if (name === 'a') throw new RangeError('no work');
      await new Promise<void>((end) => ends.push(end));
    });
    expect(await failed.catch((error: unknown) => error)).to.be.instanceOf(RangeError);
    ends[0]!();
    await new Promise((done) => setImmediate(done));
    expect(begun).to.deep.equal(['a', 'b']);
  });
});
