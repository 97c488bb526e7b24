import { expect } from 'chai';
import { KnownTexts } from '../../../services/core/KnownTexts.ts';

describe('core/KnownTexts', () => {
  it('keeps the newest texts within its bound', () => {
    const known = new KnownTexts(10);
    for (const text of ['aaaa', 'bbbb', 'aaaa', 'cc']) known.add(text);
    expect(['aaaa', 'bbbb', 'cc'].map((text) => known.has(text))).to.deep.equal([true, true, true]);
    known.add('d');
    expect(['aaaa', 'bbbb', 'cc', 'd'].map((text) => known.has(text))).to.deep.equal([false, true, true, true]);
    known.add('e'.repeat(10));
    expect(['bbbb', 'cc', 'd', 'e'.repeat(10)].map((text) => known.has(text))).to.deep.equal([
      false,
      false,
      false,
      true,
    ]);
  });

  it('keeps nothing that is larger than its bound, and forgets nothing for it', () => {
    const known = new KnownTexts(3);
    known.add('abc');
    known.add('abcd');
    expect([known.has('abc'), known.has('abcd')]).to.deep.equal([true, false]);
  });
});
