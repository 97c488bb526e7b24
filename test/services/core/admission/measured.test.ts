import { expect } from 'chai';
import fc from 'fast-check';
import {
  contradictionOf,
  disagreementOf,
  type Measured,
  maxFactor,
  maxScore,
  minimumScore,
  mostFactor,
  preciseUpTo,
  scoreOf,
  shortfallOf,
} from '../../../../services/core/admission/measured.ts';
import type { AdmissionRules } from '../../../../services/core/governance/proposalContent.ts';

const rules: AdmissionRules = {
  manifestHash: `0x${'1'.repeat(64)}` as const,
  attestations: 1,
  reapplySeconds: 60,
  minScore: 100,
  renewSeconds: 0,
  minHashesPerSecond: 1_000_000,
  memoryMiB: 256,
  minMemoryPassesPerMinute: 30,
  minWrittenMiBPerSecond: 50,
  minReadMiBPerSecond: 100,
};
const atMinimum: Measured = {
  roundTripMs: 10,
  hashesPerSecond: 1_000_000,
  memoryPassesPerMinute: 30,
  writtenMiBPerSecond: 50,
  readMiBPerSecond: 100,
};

describe('measured', () => {
  it('takes what is exactly the minimum, and gives it the least score', () => {
    expect(shortfallOf(atMinimum, rules)).to.equal(undefined);
    expect(scoreOf(atMinimum, rules)).to.equal(minimumScore);
  });

  it('names the first figure that is below its minimum, or missing', () => {
    expect(shortfallOf({ ...atMinimum, memoryPassesPerMinute: 29.99 }, rules)).to.deep.equal({
      figure: 'memoryPassesPerMinute',
      have: 29.99,
      want: 30,
    });
    const { readMiBPerSecond: _, ...unread } = atMinimum;
    expect(shortfallOf(unread, rules)).to.deep.equal({ figure: 'readMiBPerSecond', have: 0, want: 100 });
    expect(shortfallOf(unread, { ...rules, minReadMiBPerSecond: 0 })).to.equal(undefined);
  });

  it('scores by the weakest figure of those that have a minimum', () => {
    const strong = { ...atMinimum, hashesPerSecond: 9e6, memoryPassesPerMinute: 300, writtenMiBPerSecond: 125 };
    expect(scoreOf({ ...strong, readMiBPerSecond: 199.9 }, rules)).to.equal(199);
    expect(scoreOf({ ...strong, readMiBPerSecond: 1 }, { ...rules, minReadMiBPerSecond: 0 })).to.equal(250);
    const none = { ...rules, minHashesPerSecond: 0, minMemoryPassesPerMinute: 0 };
    expect(scoreOf({ roundTripMs: 1 }, { ...none, minWrittenMiBPerSecond: 0, minReadMiBPerSecond: 0 })).to.equal(
      maxScore,
    );
  });

  it('a score of the least or more and no shortfall are the same', () => {
    const figure = fc.double({ min: 0, max: 1e9, noNaN: true });
    fc.assert(
      fc.property(figure, figure, figure, figure, (hashesPerSecond, memoryPassesPerMinute, written, read) => {
        const measured: Measured = {
          roundTripMs: 1,
          hashesPerSecond,
          memoryPassesPerMinute,
          writtenMiBPerSecond: written,
          readMiBPerSecond: read,
        };
        expect(scoreOf(measured, rules) >= minimumScore).to.equal(shortfallOf(measured, rules) === undefined);
      }),
    );
  });

  it('a node contradicts itself by figures that are too far apart, in either direction', () => {
    const { hashesPerSecond } = atMinimum;
    const said = (value: number) => contradictionOf({ software: 'x', hashesPerSecond: value }, atMinimum, rules);
    expect(said(maxFactor * hashesPerSecond!)).to.equal(undefined);
    expect(said(hashesPerSecond! / maxFactor)).to.equal(undefined);
    const want = { field: 'hashesPerSecond', reported: 4_000_001, measured: 1_000_000 };
    expect(said(maxFactor * hashesPerSecond! + 1)).to.deep.equal(want);
    expect(said(0)).to.deep.equal({ ...want, reported: 0 });
    // What was not measured cannot be contradicted.
    expect(contradictionOf({ software: 'x', hashesPerSecond: 1 }, { roundTripMs: 1 }, rules)).to.equal(undefined);
  });

  it('what is far above the minimum takes a moment only, and may be further apart', () => {
    const apart = (times: number, factor: number): boolean => {
      const hashesPerSecond = times * rules.minHashesPerSecond;
      const one = { ...atMinimum, hashesPerSecond };
      const other = { ...atMinimum, hashesPerSecond: factor * hashesPerSecond };
      const isApart = disagreementOf(one, other, rules) !== undefined;
      expect(disagreementOf(other, one, rules) !== undefined).to.equal(isApart);
      expect(contradictionOf({ software: 'x', ...other }, one, rules) !== undefined).to.equal(isApart);
      return isApart;
    };
    expect([apart(1, maxFactor), apart(1, maxFactor + 1)]).to.deep.equal([false, true]);
    expect([apart(preciseUpTo, maxFactor), apart(preciseUpTo, maxFactor + 1)]).to.deep.equal([false, true]);
    expect([apart(4, 4 * maxFactor), apart(4, 4 * maxFactor + 1)]).to.deep.equal([false, true]);
    for (const times of [10, 1000])
      expect([apart(times, mostFactor), apart(times, mostFactor + 1)]).to.deep.equal([false, true]);
  });

  it('a node contradicts itself by less memory than it has just held', () => {
    const memory = (memoryBytes: number) => contradictionOf({ software: 'x', memoryBytes }, atMinimum, rules);
    expect(memory(256 * 2 ** 20)).to.equal(undefined);
    expect(memory(256 * 2 ** 20 - 1)).to.include({ field: 'memoryBytes', measured: 256 * 2 ** 20 });
  });

  it('two measurements disagree where one is missing or they are too far apart', () => {
    expect(disagreementOf(atMinimum, { ...atMinimum, roundTripMs: 9_999 }, rules)).to.equal(undefined);
    expect(disagreementOf(atMinimum, { ...atMinimum, writtenMiBPerSecond: 201 }, rules)).to.equal(
      'writtenMiBPerSecond',
    );
    expect(disagreementOf({ ...atMinimum, writtenMiBPerSecond: 201 }, atMinimum, rules)).to.equal(
      'writtenMiBPerSecond',
    );
    const { readMiBPerSecond: _, ...unread } = atMinimum;
    expect(disagreementOf(atMinimum, unread, rules)).to.equal('readMiBPerSecond');
    expect(disagreementOf(unread, atMinimum, rules)).to.equal('readMiBPerSecond');
  });
});
