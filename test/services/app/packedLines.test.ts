import { expect } from 'chai';
import fc from 'fast-check';
import { packLines, unpackLines } from '../../../services/app/packedLines.ts';

const bytes = (size: number) => fc.uint8Array({ minLength: size, maxLength: size });

const line = fc.record({
  index: fc.nat(),
  id: bytes(32),
  entry: fc.uint8Array({ minLength: 1, maxLength: 300 }),
  leafHash: bytes(32),
  digest: bytes(32),
  subject: fc.string({ minLength: 1, unit: 'grapheme' }),
  submitter: bytes(20),
  holder: bytes(20),
  expiresMs: fc.option(fc.maxSafeNat(), { nil: null }),
  supersedes: fc.option(bytes(32), { nil: null }),
  acceptance: fc.option(bytes(65), { nil: undefined }),
});

describe('packed lines', () => {
  it('come out of a thread as they went in', () => {
    const failed = [{ index: 3, code: 'record-expired' as const, detail: 'late', data: { want: 1 } }];
    fc.assert(
      fc.property(fc.array(line, { maxLength: 20 }), (checked) => {
        const back = unpackLines(structuredClone(packLines({ checked, failed })));
        expect(back).to.deep.equal({ checked, failed });
      }),
    );
  });
});
