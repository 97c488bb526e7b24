import { expect } from 'chai';
import fc from 'fast-check';
import { fromHex, toHex } from '../../../services/core/bytes.ts';
import { type Crypto, portableCrypto } from '../../../services/core/crypto.ts';
import { parseSignature, recoverAddress } from '../../../services/core/signature.ts';
import { localSigner } from '../../../services/lib/localSigner.ts';
import { loadCrypto } from '../../../services/lib/nativeCrypto.ts';

const order = BigInt('0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141');
const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
const privateKey = fc.bigInt({ min: 1n, max: order - 1n }).map(word);
const recovery = fc.constantFrom<(0 | 1)[]>(0, 1);

function word(value: bigint): Uint8Array {
  return fromHex(value.toString(16).padStart(64, '0'));
}

/** The public key, or that there is none. */
function recovered(crypto: Crypto, digest: Uint8Array, rs: Uint8Array, bit: 0 | 1): string {
  try {
    return toHex(crypto.recover(digest, rs, bit));
  } catch {
    return 'none';
  }
}

for (const curve of ['native', 'wasm'] as const) {
  describe(`loadCrypto, ${curve}`, () => {
    it('names what it loaded', async () => {
      expect((await loadCrypto({ curve })).name).to.equal(`secp256k1-${curve}`);
    });

    it('hashes as the portable one does, into arrays of its own', async () => {
      const crypto = await loadCrypto({ curve });
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
          for (const name of ['sha256', 'keccak256'] as const) {
            const digest = crypto[name](bytes);
            expect(digest.constructor).to.equal(Uint8Array);
            expect(digest).to.deep.equal(portableCrypto[name](bytes));
          }
        }),
      );
      const first = crypto.keccak256(Uint8Array.of(1));
      const copy = first.slice();
      crypto.keccak256(Uint8Array.of(2));
      expect(first).to.deep.equal(copy);
    });

    it('hashes more than one piece', async () => {
      const crypto = await loadCrypto({ curve });
      const bytes = new Uint8Array(3_000_001).fill(7);
      expect(crypto.keccak256(bytes)).to.deep.equal(portableCrypto.keccak256(bytes));
      expect(crypto.sha256(bytes)).to.deep.equal(portableCrypto.sha256(bytes));
    });

    it('signs so that every implementation finds the key, with s in the lower half', async () => {
      const crypto = await loadCrypto({ curve });
      const other = await loadCrypto({ curve: curve === 'native' ? 'wasm' : 'native' });
      fc.assert(
        fc.property(bytes32, privateKey, (digest, key) => {
          const signature = crypto.sign(digest, key);
          expect(signature).to.have.length(65);
          expect(signature).to.deep.equal(other.sign(digest, key));
          const { rs, recovery: bit } = parseSignature(signature);
          const publicKey = toHex(crypto.publicKey(key));
          for (const each of [crypto, portableCrypto]) expect(recovered(each, digest, rs, bit)).to.equal(publicKey);
        }),
        { numRuns: 40 },
      );
    });

    it('recovers what the portable one recovers: changed, high-s and random signatures', async () => {
      const crypto = await loadCrypto({ curve });
      const same = (digest: Uint8Array, rs: Uint8Array, bit: 0 | 1): void => {
        expect(recovered(crypto, digest, rs, bit)).to.equal(recovered(portableCrypto, digest, rs, bit));
      };
      fc.assert(
        fc.property(bytes32, privateKey, recovery, fc.nat(63), fc.integer({ min: 1, max: 255 }), (...args) => {
          const [digest, key, bit, at, flip] = args;
          const rs = crypto.sign(digest, key).slice(0, 64);
          same(digest, rs, bit);
          const highS = rs.slice();
          highS.set(word(order - BigInt(toHex(rs.slice(32)))), 32);
          same(digest, highS, bit);
          const changed = rs.slice();
          changed[at] = changed[at]! ^ flip;
          same(digest, changed, bit);
        }),
        { numRuns: 25 },
      );
      fc.assert(fc.property(bytes32, fc.uint8Array({ minLength: 64, maxLength: 64 }), recovery, same), { numRuns: 25 });
    });

    it('recovers nothing at the edges, as the portable one', async () => {
      const crypto = await loadCrypto({ curve });
      const digest = crypto.sha256(Uint8Array.of());
      const edges = [0n, 1n, order - 1n, order, order + 1n, 2n ** 256n - 1n].map(word);
      for (const r of edges) {
        for (const s of edges) {
          const rs = new Uint8Array([...r, ...s]);
          for (const bit of [0, 1] as const) {
            const want = recovered(portableCrypto, digest, rs, bit);
            expect(recovered(crypto, digest, rs, bit), toHex(rs)).to.equal(want);
          }
        }
      }
      for (const sizeBytes of [0, 63, 65])
        expect(recovered(crypto, digest, new Uint8Array(sizeBytes), 0)).to.equal('none');
      expect(recovered(crypto, digest.subarray(1), crypto.sign(digest, digest).slice(0, 64), 0)).to.equal('none');
    });

    it('takes no private key that is none', async () => {
      const crypto = await loadCrypto({ curve });
      const digest = new Uint8Array(32);
      for (const key of [word(0n), word(order), new Uint8Array(31), new Uint8Array(33).fill(1)]) {
        expect(() => crypto.sign(digest, key)).to.throw();
        expect(() => crypto.publicKey(key)).to.throw();
        expect(() => localSigner(key, crypto)).to.throw();
      }
    });
  });
}

describe('localSigner', () => {
  it('has the address of its key and keeps a copy of it', async () => {
    const crypto = await loadCrypto();
    // Well-known development key (Hardhat, anvil: account 0).
    const key = fromHex('ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80');
    const signer = localSigner(key, crypto);
    key.fill(0);
    expect(signer.address).to.equal('0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266');
    const digest = crypto.sha256(Uint8Array.of(5));
    expect(recoverAddress(portableCrypto, digest, await signer.sign(digest))).to.equal(signer.address);
  });
});
