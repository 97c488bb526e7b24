import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import fc from 'fast-check';
import { fromHex, hexDigits } from '../../../services/core/bytes.ts';
import {
  bulkSha256Name,
  emptyRoot,
  hashLeafDigests,
  hashNodes,
  leafHash,
  nodeHash,
  sha256,
  useBulkSha256,
} from '../../../services/core/sha256.ts';
import { sha256Chain } from '../../../services/core/sha256Chain.ts';
import vectors from '../../vectors/rfc6962.json' with { type: 'json' };
import { sha256Of } from './log/reference.ts';

const naiveNodes = (pairs: Uint8Array): Uint8Array =>
  Buffer.concat(
    Array.from({ length: pairs.length / 64 }, (_, at) => sha256Of([1], pairs.slice(64 * at, 64 * at + 64))),
  );
const naiveLeaves = (digests: Uint8Array): Uint8Array =>
  Buffer.concat(
    Array.from({ length: digests.length / 32 }, (_, at) => sha256Of([0], digests.slice(32 * at, 32 * at + 32))),
  );
const bytesOf = (unit: number): fc.Arbitrary<Uint8Array> =>
  fc.integer({ min: 0, max: 19 }).chain((count) => fc.uint8Array({ minLength: unit * count, maxLength: unit * count }));
const same = (a: Uint8Array, b: Uint8Array): boolean => hexDigits(a) === hexDigits(b);

describe('core/sha256', () => {
  afterEach(() => useBulkSha256('best'));

  it('hashes as the published vectors say', () => {
    expect(hexDigits(emptyRoot)).to.equal(vectors.emptyRoot);
    expect(hexDigits(leafHash(fromHex(vectors.leafInputs[0]!)))).to.equal(vectors.roots[0]);
    const [first, second] = vectors.leafInputs.map((input) => leafHash(fromHex(input)));
    expect(hexDigits(nodeHash(first!, second!))).to.equal(vectors.roots[1]);
    expect(hexDigits(sha256(new TextEncoder().encode('abc')))).to.equal(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
  });

  it('uses a hasher that is passed in', () => {
    const calls: number[] = [];
    const counting = (bytes: Uint8Array): Uint8Array => {
      calls.push(bytes.length);
      return sha256(bytes);
    };
    expect(same(leafHash(new Uint8Array(5), counting), leafHash(new Uint8Array(5)))).to.equal(true);
    nodeHash(new Uint8Array(32), new Uint8Array(32), counting);
    expect(calls).to.deep.equal([6, 65]);
  });

  it('has WebAssembly SIMD here, and falls back when told to', () => {
    expect(bulkSha256Name()).to.equal('wasm-simd');
    useBulkSha256('noble');
    expect(bulkSha256Name()).to.equal('noble');
  });

  for (const name of ['best', 'noble'] as const) {
    it(`hashes in bulk as one by one (${name})`, () => {
      useBulkSha256(name);
      fc.assert(fc.property(bytesOf(64), (pairs) => same(hashNodes(pairs), naiveNodes(pairs))));
      fc.assert(fc.property(bytesOf(32), (digests) => same(hashLeafDigests(digests), naiveLeaves(digests))));
    });

    it(`hashes every value of the last byte, and in place (${name})`, () => {
      useBulkSha256(name);
      const pairs = Uint8Array.from({ length: 64 * 256 }, (_, at) => (at % 64 === 63 ? at >> 6 : (at * 7) & 0xff));
      const want = naiveNodes(pairs);
      expect(same(hashNodes(pairs), want)).to.equal(true);
      expect(same(hashNodes(pairs, pairs.subarray(0, 32 * 256)), want)).to.equal(true);
      const digests = Uint8Array.from({ length: 32 * 256 }, (_, at) => (at % 32 === 31 ? at >> 5 : at & 0xff));
      const leaves = naiveLeaves(digests);
      expect(same(hashLeafDigests(digests, digests), leaves)).to.equal(true);
    });

    it(`refuses sizes that are no whole messages (${name})`, () => {
      useBulkSha256(name);
      expect(() => hashNodes(new Uint8Array(63))).to.throw(RangeError);
      expect(() => hashNodes(new Uint8Array(64), new Uint8Array(33))).to.throw(RangeError);
      expect(() => hashLeafDigests(new Uint8Array(31))).to.throw(RangeError);
    });
  }

  it('hashes across the borders of the module memory as the library does', () => {
    const pairs = new Uint8Array(64 * 8195);
    for (let at = 0; at < pairs.length; at++) pairs[at] = (at * 2654435761) >>> 24;
    const fast = [hashNodes(pairs), hashLeafDigests(pairs)];
    useBulkSha256('noble');
    const slow = [hashNodes(pairs), hashLeafDigests(pairs)];
    expect(fast.map((bytes) => hexDigits(sha256(bytes)))).to.deep.equal(slow.map((bytes) => hexDigits(sha256(bytes))));
  });

  it('has the WebAssembly that its generators make', () => {
    for (const name of ['simd', 'chain']) {
      const script = fileURLToPath(new URL(`../../../scripts/generate-sha256-${name}.ts`, import.meta.url));
      execFileSync(process.execPath, [script, '--check']);
    }
  });
});

describe('sha256Chain', () => {
  it('is what as many calls of the library give', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.integer({ min: 1, max: 9 }), (start, times) => {
        let want: Uint8Array = start;
        for (let done = 0; done < times; done++) want = sha256(want);
        expect(hexDigits(sha256Chain(start, times))).to.equal(hexDigits(want));
      }),
    );
  });

  it('takes a value that stands anywhere in its memory, and leaves it as it is', () => {
    const memory = Uint8Array.from({ length: 64 }, (_, at) => at);
    const value = memory.subarray(3, 35);
    expect(hexDigits(sha256Chain(value, 1))).to.equal(hexDigits(sha256(value)));
    expect(memory[3]).to.equal(3);
  });

  it('refuses what is no hash, and times that it could not count', () => {
    expect(() => sha256Chain(new Uint8Array(31), 1)).to.throw(RangeError);
    for (const times of [0, 1.5, 2 ** 31 + 1])
      expect(() => sha256Chain(new Uint8Array(32), times)).to.throw(RangeError);
  });
});
