import { expect } from 'chai';
import fc from 'fast-check';
import { type Line, LineSplitter } from '../../../../services/http/batch/LineSplitter.ts';

/** Lines of a text that comes in pieces of the given sizes, over and over. */
function split(bytes: Buffer, sizes: readonly number[], maxLineBytes = 1000): Line[] {
  const splitter = new LineSplitter(maxLineBytes);
  const lines: Line[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length]!;
    lines.push(...splitter.push(bytes.subarray(at, at + size)));
    at += size;
  }
  return [...lines, ...splitter.end()];
}

describe('http/batch/LineSplitter', () => {
  const text = fc
    .array(fc.oneof(fc.constantFrom('', ' ', '\r', '{}', 'ä', '😀'), fc.string()), { maxLength: 30 })
    .map((lines) => lines.join('\n'));
  const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 });

  it('gives the lines that are not blank with their numbers, however the bytes come', () => {
    fc.assert(
      fc.property(text, sizes, (whole, pieces) => {
        const wanted = whole
          .toWellFormed()
          .split('\n')
          .map((line, index) => ({ number: index + 1, text: line }))
          .filter((line) => line.text.trim() !== '');
        const found = split(Buffer.from(whole.toWellFormed()), pieces);
        expect(found.map(({ number, text: line }) => ({ number, text: line }))).to.deep.equal(wanted);
      }),
    );
  });

  it('passes over lines beyond the bound, and bytes that are no UTF-8, and nothing else', () => {
    const long = Buffer.from('x'.repeat(5000));
    const bad = Buffer.from([0x7b, 0xff, 0x7d]);
    const bytes = Buffer.concat([Buffer.from('a\n'), long, Buffer.from('\nb\n'), bad, Buffer.from('\nc')]);
    for (const size of [1, 2, 7, 1000, 100_000]) {
      const lines = split(bytes, [size]);
      expect(lines.map(({ number, text: line, error }) => [number, line ?? error?.code])).to.deep.equal([
        [1, 'a'],
        [2, 'record-too-large'],
        [3, 'b'],
        [4, 'text-not-utf8'],
        [5, 'c'],
      ]);
    }
  });

  it('takes a line of exactly the bound', () => {
    const lines = split(Buffer.from(`${'ä'.repeat(500)}\n${'ä'.repeat(500)}x\n`), [64]);
    expect(lines.map(({ error }) => error?.code)).to.deep.equal([undefined, 'record-too-large']);
  });
});
