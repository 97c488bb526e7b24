import { expect } from 'chai';
import { computeAddress, Signature, SigningKey } from 'ethers';
import fc from 'fast-check';
import { fromHex, toHex } from '../../../services/core/bytes.ts';
import { portableCrypto } from '../../../services/core/crypto.ts';
import {
  compactSignature,
  fullSignature,
  parseSignature,
  publicKeyAddress,
  recoverAddress,
  signatureBytes,
} from '../../../services/core/signature.ts';
import { codeOf } from '../../support/codeOf.ts';
import { sha256Of } from './log/reference.ts';

const halfOrder = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n;
const word = (value: bigint): string => value.toString(16).padStart(64, '0');

describe('signature', () => {
  const signatures = fc
    .tuple(fc.uint8Array({ minLength: 1, maxLength: 8 }), fc.uint8Array({ minLength: 32, maxLength: 32 }))
    .map(([seed, digest]) => {
      const key = new SigningKey(sha256Of(seed));
      return { key, digest, signature: key.sign(digest) };
    });

  it('finds the address that ethers signed with, from both forms', () => {
    fc.assert(
      fc.property(signatures, ({ key, digest, signature }) => {
        const address = computeAddress(key.publicKey).toLowerCase();
        const full = signatureBytes(signature.serialized);
        const compact = signatureBytes(signature.compactSerialized);
        expect(publicKeyAddress(portableCrypto, fromHex(key.publicKey))).to.equal(address);
        expect(recoverAddress(portableCrypto, digest, full)).to.equal(address);
        expect(recoverAddress(portableCrypto, digest, compact)).to.equal(address);
        expect(parseSignature(full)).to.deep.equal(parseSignature(compact));
        expect(toHex(compactSignature(full))).to.equal(signature.compactSerialized);
        expect(toHex(fullSignature(compact))).to.equal(signature.serialized);
        expect(compactSignature(compact)).to.deep.equal(compact);
        expect(fullSignature(full)).to.deep.equal(full);
      }),
      { numRuns: 30 },
    );
  });

  it('reads the vectors of EIP-2098', () => {
    for (const [full, compact] of [
      [
        '0x68a020a209d3d56c46f38cc50a33f704f4a9a10a59377f8dd762ac66910e9b907e865ad05c4035ab5792787d4a0297a43617ae897930a6fe4d822b8faea520641b',
        '0x68a020a209d3d56c46f38cc50a33f704f4a9a10a59377f8dd762ac66910e9b907e865ad05c4035ab5792787d4a0297a43617ae897930a6fe4d822b8faea52064',
      ],
      [
        '0x9328da16089fcba9bececa81663203989f2df5fe1faa6291a45381c81bd17f76139c6d6b623b42da56557e5e734a43dc83345ddfadec52cbe24d0cc64f5507931c',
        '0x9328da16089fcba9bececa81663203989f2df5fe1faa6291a45381c81bd17f76939c6d6b623b42da56557e5e734a43dc83345ddfadec52cbe24d0cc64f550793',
      ],
    ] as const) {
      expect(Signature.from(compact).serialized).to.equal(full);
      expect(toHex(compactSignature(fromHex(full)))).to.equal(compact);
      expect(toHex(fullSignature(fromHex(compact)))).to.equal(full);
    }
  });

  it('draws the line at half of the order', () => {
    const r = word(1n);
    for (const v of ['1b', '1c']) {
      expect(codeOf(() => parseSignature(fromHex(r + word(halfOrder) + v)))).to.equal('none');
      expect(codeOf(() => parseSignature(fromHex(r + word(halfOrder + 1n) + v)))).to.equal('signature-malleable');
      expect(codeOf(() => parseSignature(fromHex(`${r}${'ff'.repeat(32)}${v}`)))).to.equal('signature-malleable');
    }
    for (const parity of [0n, 1n << 255n]) {
      expect(codeOf(() => parseSignature(fromHex(r + word(halfOrder + parity))))).to.equal('none');
      expect(codeOf(() => parseSignature(fromHex(r + word(halfOrder + 1n + parity))))).to.equal('signature-malleable');
    }
  });

  it('refuses every other size and v', () => {
    for (const size of [0, 1, 32, 63, 66, 128]) {
      expect(codeOf(() => parseSignature(new Uint8Array(size)))).to.equal('signature-malformed');
    }
    for (let v = 0; v < 256; v++) {
      const signature = fromHex(word(1n) + word(1n) + v.toString(16).padStart(2, '0'));
      expect(
        codeOf(() => parseSignature(signature)),
        `v ${v}`,
      ).to.equal(v === 27 || v === 28 ? 'none' : 'signature-malformed');
    }
    for (const text of [
      '',
      '0x',
      'ab'.repeat(65),
      `0x${'ab'.repeat(63)}`,
      `0x${'ab'.repeat(66)}`,
      `0x${'g'.repeat(130)}`,
    ]) {
      expect(
        codeOf(() => signatureBytes(text)),
        text,
      ).to.equal('signature-malformed');
    }
    expect(codeOf(() => signatureBytes(`0x${'a'.repeat(129)}`))).to.equal('signature-malformed');
  });

  it('finds nobody behind what no key can have signed', () => {
    const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
    const digest = sha256Of([1]);
    // r = 0, s = 0, r = order, r = 5 (not the abscissa of a point).
    for (const [r, s] of [
      [0n, 1n],
      [1n, 0n],
      [order, 1n],
      [5n, 1n],
    ] as const) {
      const signature = fromHex(`${word(r)}${word(s)}1b`);
      expect(
        codeOf(() => recoverAddress(portableCrypto, digest, signature)),
        `r ${r} s ${s}`,
      ).to.equal('signature-mismatch');
    }
  });

  it('does not change what it is given', () => {
    const key = new SigningKey(sha256Of([7]));
    const compact = fromHex(key.sign(sha256Of([8])).compactSerialized);
    const before = compact.slice();
    parseSignature(compact).rs.fill(0);
    fullSignature(compact);
    expect(compact).to.deep.equal(before);
  });
});
