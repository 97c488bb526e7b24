import { expect } from 'chai';
import { TypedDataEncoder } from 'ethers';
import {
  type JoinRequest,
  joinRequestDigest,
  joinRequestSchema,
} from '../../../../services/core/admission/joinRequest.ts';
import { toHex, utf8 } from '../../../../services/core/bytes.ts';
import { canonicalText } from '../../../../services/core/canonicalJson.ts';
import { portableCrypto } from '../../../../services/core/crypto.ts';

const address = (digit: string): `0x${string}` => `0x${digit.repeat(40)}`;
const registry = { chainId: 31337, contract: address('c') };
const request: JoinRequest = {
  format: 'notarium-join/1',
  network: `eip155:31337:${address('a')}`,
  authenticator: address('1'),
  candidate: address('2'),
  purpose: 'join',
  entry: {
    name: 'Zentrum',
    endpoint: 'https://zentrum.example',
    encryptionKey: `0x${'3'.repeat(64)}` as const,
    noteKey: `0x${'4'.repeat(64)}` as const,
  },
  statement: 'We keep the northern archive.',
  reported: { software: 'notarium 0.1.0', cores: 2 },
  time: '2026-11-21T22:00:00.000Z',
};

describe('joinRequest', () => {
  it('is signed by EIP-712 over the hash of its canonical text', () => {
    const requestHash = toHex(portableCrypto.sha256(utf8(canonicalText(request))));
    const want = TypedDataEncoder.hash(
      { name: 'Notarium', version: '1', chainId: registry.chainId, verifyingContract: registry.contract },
      {
        JoinRequest: [
          { name: 'candidate', type: 'address' },
          { name: 'requestHash', type: 'bytes32' },
        ],
      },
      { candidate: request.candidate, requestHash },
    );
    expect(toHex(joinRequestDigest(registry, request))).to.equal(want);
  });

  it('is another one with any field changed', () => {
    const digest = toHex(joinRequestDigest(registry, request));
    const changes: Partial<JoinRequest>[] = [
      { authenticator: address('5') },
      { candidate: address('5') },
      { purpose: 'renewal' },
      { statement: '' },
      { time: '2026-11-21T22:00:00.001Z' },
      { entry: { ...request.entry, endpoint: 'https://other.example' } },
      { reported: { software: 'notarium 0.1.0', cores: 3 } },
    ];
    for (const change of changes) {
      expect(toHex(joinRequestDigest(registry, { ...request, ...change })), JSON.stringify(change)).not.to.equal(
        digest,
      );
    }
    expect(toHex(joinRequestDigest({ ...registry, chainId: 1 }, request))).not.to.equal(digest);
    expect(toHex(joinRequestDigest({ ...registry, contract: address('6') }, request))).not.to.equal(digest);
  });

  it('has this form and no other', () => {
    expect(joinRequestSchema.safeParse(request).success).to.equal(true);
    const wrong: Record<string, unknown>[] = [
      { ...request, format: 'notarium-join/2' },
      { ...request, candidate: 'me' },
      { ...request, purpose: 'visit' },
      { ...request, statement: 'x'.repeat(4_001) },
      { ...request, statement: '\ud800' },
      { ...request, time: '2026-11-21' },
      { ...request, entry: { ...request.entry, account: request.candidate } },
      { ...request, entry: { ...request.entry, name: 'ü'.repeat(33) } },
      { ...request, reported: { software: 'x', cores: -1 } },
      { ...request, reported: { software: 'x', hashesPerSecond: Number.POSITIVE_INFINITY } },
      { ...request, reported: { software: 'x', serialNumber: '1' } },
      { ...request, more: true },
    ];
    for (const value of wrong)
      expect(joinRequestSchema.safeParse(value).success, JSON.stringify(value)).to.equal(false);
  });
});
