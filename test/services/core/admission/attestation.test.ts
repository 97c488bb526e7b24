import { expect } from 'chai';
import { Signature, TypedDataEncoder, Wallet } from 'ethers';
import fc from 'fast-check';
import {
  applicationNameOf,
  attestationDigest,
  entryHashOf,
  packAttestations,
} from '../../../../services/core/admission/attestation.ts';
import { type Address, fromHex, type Hash, toHex } from '../../../../services/core/bytes.ts';
import { loadCrypto } from '../../../../services/lib/nativeCrypto.ts';
import {
  applicationName,
  applicationOf,
  attestationDigest as typedDigest,
} from '../../../contracts/support/admissionKit.ts';
import { expectCode } from '../../../support/expectCode.ts';

const bytesOf = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const hash = bytesOf(32).map((bytes) => toHex(bytes) as Hash);
const address = bytesOf(20).map((bytes) => toHex(bytes) as Address);
const text = fc.string({ unit: 'grapheme', maxLength: 40 });
const entries = fc.record({ name: text, endpoint: text, encryptionKey: hash, noteKey: hash });
const applications = fc.record({
  manifestHash: hash,
  profileDigest: hash,
  score: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  expiry: fc.maxSafeNat().map((value) => value % 2 ** 48),
  nonce: fc.maxSafeNat().map((value) => value % 2 ** 48),
});
const verifiers = fc.record({ chainId: fc.integer({ min: 1 }), contract: address });
const { keccak256 } = await loadCrypto();

describe('attestations', () => {
  it('are signed and called as EIP-712 has it', () => {
    fc.assert(
      fc.property(verifiers, address, entries, applications, (verifier, candidate, entry, fields) => {
        const domain = {
          name: 'Notarium',
          version: '1',
          chainId: BigInt(verifier.chainId),
          verifyingContract: verifier.contract,
        };
        const whole = { account: candidate, ...entry };
        const application = applicationOf(whole, {
          ...fields,
          score: BigInt(fields.score),
          expiry: BigInt(fields.expiry),
          nonce: BigInt(fields.nonce),
        });
        for (const keccak of [undefined, keccak256]) {
          expect(entryHashOf(entry, keccak)).to.equal(application.entryHash);
          expect(toHex(attestationDigest(verifier, candidate, entry, fields, keccak))).to.equal(
            typedDigest(domain, whole, application),
          );
          expect(applicationNameOf(candidate, entry, fields, keccak)).to.equal(applicationName(whole, application));
        }
      }),
    );
  });

  it('are packed in ascending order of who signed, 64 bytes each', async () => {
    const digest = TypedDataEncoder.hashDomain({ name: 'any' });
    const wallets = [...'123456789'].map((digit) => new Wallet(`0x${digit.repeat(64)}`));
    const attestations = wallets.map(({ address: signer, signingKey }) => ({
      address: signer.toLowerCase() as Address,
      signature: fromHex(signingKey.sign(digest).serialized),
    }));
    const sorted = [...wallets].sort((a, b) => (BigInt(a.address) < BigInt(b.address) ? -1 : 1));
    const want = sorted.map(({ signingKey }) => signingKey.sign(digest).compactSerialized.slice(2)).join('');
    expect(toHex(packAttestations(attestations))).to.equal(`0x${want}`);
    const short = attestations.map(({ signature, ...rest }) => ({
      ...rest,
      signature: fromHex(Signature.from(toHex(signature)).compactSerialized),
    }));
    expect(toHex(packAttestations(short))).to.equal(`0x${want}`);
    expect(packAttestations([])).to.have.length(0);
    await expectCode('signature-malformed', () => packAttestations([{ ...short[0]!, signature: new Uint8Array(63) }]));
  });
});
