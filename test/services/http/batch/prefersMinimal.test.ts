import { expect } from 'chai';
import { prefersMinimal } from '../../../../services/http/batch/prefersMinimal.ts';

describe('Prefer: return=minimal', () => {
  it('is understood in every spelling of RFC 7240, and nothing else is', () => {
    for (const header of [
      'return=minimal',
      'Return = Minimal',
      'return="minimal"',
      'respond-async, return=minimal',
      'wait=10,return=minimal; foo="bar"',
      ['respond-async', 'return=minimal'],
      'return=minimal, return=representation',
    ]) {
      expect(prefersMinimal(header), String(header)).to.equal(true);
    }
    for (const header of [
      undefined,
      '',
      'return',
      'return=',
      'return=representation',
      'return=representation, return=minimal',
      'noreturn=minimal',
      'return=minimal2',
      'return minimal',
    ]) {
      expect(prefersMinimal(header), String(header)).to.equal(false);
    }
  });
});
