import { expect } from 'chai';
import fc from 'fast-check';
import { grown } from '../../../../services/core/activities/grown.ts';

describe('core/activities/grown', () => {
  it('is the map that a copy would be, whichever of its ancestors it grows from', () => {
    const step = fc.record({ from: fc.nat(), key: fc.integer({ min: 0, max: 12 }), value: fc.integer() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const maps: ReadonlyMap<number, number>[] = [new Map([[0, 0]])];
        const copies = [new Map([[0, 0]])];
        for (const { from, key, value } of steps) {
          const at = from % maps.length;
          maps.push(grown(maps[at]!, key, value));
          copies.push(new Map(copies[at]).set(key, value));
        }
        for (const [index, map] of maps.entries()) {
          const copy = copies[index]!;
          expect([...map]).to.deep.equal([...copy]);
          expect([...map.keys()]).to.deep.equal([...copy.keys()]);
          expect([...map.values()]).to.deep.equal([...copy.values()]);
          expect(map.size).to.equal(copy.size);
          for (let key = 0; key <= 12; key++)
            expect([map.has(key), map.get(key)]).to.deep.equal([copy.has(key), copy.get(key)]);
          const seen: [number, number][] = [];
          map.forEach((value, key) => {
            seen.push([key, value]);
          });
          expect(seen).to.deep.equal([...copy]);
          expect(map).to.deep.equal(new Map(copy));
        }
      }),
    );
  });

  it('is that with hundreds of entries, too, and with other values', () => {
    const step = fc.record({ from: fc.nat(), isLast: fc.boolean(), key: fc.integer({ min: 0, max: 520 }) });
    fc.assert(
      fc.property(fc.integer({ min: 254, max: 514 }), fc.array(step, { maxLength: 30 }), (size, steps) => {
        const first = Array.from({ length: size }, (_, key) => [key, key] as const);
        const maps: ReadonlyMap<number, number>[] = [new Map(first)];
        const copies = [new Map(first)];
        for (const [value, { from, isLast, key }] of steps.entries()) {
          const at = isLast ? maps.length - 1 : from % maps.length;
          maps.push(grown(maps[at]!, key, -value));
          copies.push(new Map(copies[at]).set(key, -value));
        }
        for (const [index, map] of maps.entries()) {
          expect([...map]).to.deep.equal([...copies[index]!]);
          expect(map.size).to.equal(copies[index]!.size);
        }
      }),
    );
  });

  it('differs from one with other entries, and is changed by nobody', () => {
    const one = grown(new Map([['a', 1]]), 'b', 2);
    expect(one).not.to.deep.equal(new Map([['a', 1]]));
    expect(one).not.to.deep.equal(grown(new Map([['a', 1]]), 'b', 3));
    const map = one as Map<string, number>;
    for (const change of [() => map.set('c', 3), () => map.delete('a'), () => map.clear()])
      expect(change).to.throw(TypeError);
    expect([...one]).to.deep.equal([
      ['a', 1],
      ['b', 2],
    ]);
  });
});
