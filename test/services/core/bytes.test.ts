import { expect } from 'chai';
import fc from 'fast-check';
import {
  concat,
  fromBase64,
  fromHex,
  fromUtf8,
  hexDigits,
  isHex,
  sameBytes,
  toBase64,
  toHex,
  useTexts,
  utf8,
} from '../../../services/core/bytes.ts';

for (const by of ['best', 'portable'] as const)
  describe(`bytes, ${by}`, () => {
    before(() => useTexts(by));
    after(() => useTexts('best'));

    const anyBytes = fc.uint8Array({ maxLength: 200 });

    it('writes and reads hexadecimal as Buffer does', () => {
      fc.assert(
        fc.property(anyBytes, (bytes) => {
          const want = Buffer.from(bytes).toString('hex');
          expect(hexDigits(bytes)).to.equal(want);
          expect(toHex(bytes)).to.equal(`0x${want}`);
          expect(fromHex(want)).to.deep.equal(bytes);
          expect(fromHex(`0x${want.toUpperCase()}`)).to.deep.equal(bytes);
        }),
      );
    });

    it('refuses what is not hexadecimal', () => {
      for (const text of ['0', '0x0', 'abc', '0xg0', '0X00', ' 00', '00 ', '0x 0', 'é0', '٠0']) {
        expect(() => fromHex(text), text).to.throw(RangeError);
      }
    });

    it('knows lower-case hexadecimal of one size', () => {
      expect(isHex(`0x${'ab'.repeat(20)}`, 20)).to.equal(true);
      expect(isHex('0x', 0)).to.equal(true);
      for (const text of [`0x${'AB'.repeat(20)}`, 'ab'.repeat(21), `0x${'ab'.repeat(20)}\n`, `0x${'ab'.repeat(19)}a`]) {
        expect(isHex(text, 20), text).to.equal(false);
      }
      expect(isHex(12, 1)).to.equal(false);
      expect(isHex(['0x00'], 1)).to.equal(false);
    });

    it('writes and reads base64 as Buffer does', () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 20_000, size: 'max' }), (bytes) => {
          const want = Buffer.from(bytes).toString('base64');
          expect(toBase64(bytes)).to.equal(want);
          expect(sameBytes(fromBase64(want), bytes)).to.equal(true);
        }),
        { numRuns: 30 },
      );
    });

    it('takes one spelling of base64 only', () => {
      // `AB==` and `AA==` would decode to the same byte.
      for (const text of [
        'AB==',
        'AAB=',
        'AA',
        'AA=',
        'A',
        'AAAA=',
        ' AAAA',
        'AA AA',
        'AAAA\n',
        'A-_A',
        '====',
        'AA==AA==',
      ]) {
        expect(() => fromBase64(text), text).to.throw(RangeError);
      }
      fc.assert(
        fc.property(fc.string({ unit: fc.constantFrom(...'ABab01+/= -_\n'), maxLength: 12 }), (text) => {
          let bytes: Uint8Array;
          try {
            bytes = fromBase64(text);
          } catch (error) {
            expect(error).to.be.instanceOf(RangeError);
            return;
          }
          expect(toBase64(bytes)).to.equal(text);
        }),
      );
    });

    it('reads megabytes of base64', () => {
      const bytes = new Uint8Array(4 << 20).fill(0xa5);
      expect(sameBytes(fromBase64(toBase64(bytes)), bytes)).to.equal(true);
    });

    it('joins and compares', () => {
      fc.assert(
        fc.property(fc.array(anyBytes), (parts) => {
          expect(concat(...parts)).to.deep.equal(new Uint8Array(Buffer.concat(parts)));
        }),
      );
      fc.assert(
        fc.property(anyBytes, anyBytes, (a, b) => {
          expect(sameBytes(a, b)).to.equal(Buffer.compare(a, b) === 0);
          expect(sameBytes(a, a.slice())).to.equal(true);
        }),
      );
    });

    it('keeps every well-formed text through UTF-8, a byte order mark included', () => {
      fc.assert(
        fc.property(fc.string({ unit: 'binary' }), (text) => {
          expect(fromUtf8(utf8(text))).to.equal(text);
        }),
      );
      expect(fromUtf8(Uint8Array.of(0xef, 0xbb, 0xbf, 0x7b))).to.equal('\ufeff{');
    });

    it('refuses what is not UTF-8', () => {
      for (const bytes of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xe2, 0x82], [0xf4, 0x90, 0x80, 0x80]]) {
        expect(() => fromUtf8(Uint8Array.from(bytes)), bytes.join()).to.throw(TypeError);
      }
    });
  });
