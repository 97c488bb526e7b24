import { expect } from 'chai';
import fc from 'fast-check';
import { checkLines, type LineCheck } from '../../../services/app/checkLines.ts';
import { checkAcceptance } from '../../../services/core/acceptance.ts';
import { type Address, type Hash, toHex } from '../../../services/core/bytes.ts';
import { networkName } from '../../../services/core/eip712.ts';
import { leafHash } from '../../../services/core/sha256.ts';
import { publicKeyAddress } from '../../../services/core/signature.ts';
import { loadCrypto, type NativeCrypto } from '../../../services/lib/nativeCrypto.ts';
import { fileDigest, network, recordOf, submitter } from '../core/receiptKit.ts';

const key = new Uint8Array(32).fill(7);
const nowMs = Date.parse('2026-11-21T02:00:00.000Z');

describe('checkLines', () => {
  let crypto: NativeCrypto;
  let check: LineCheck;
  const promise = { acceptedAt: nowMs / 1000, includeBySlot: 99 };
  const line = async (...of: Parameters<typeof recordOf>): Promise<string> =>
    Buffer.from((await recordOf(...of)).entry).toString();
  const codes = (lines: readonly string[]): string[] => checkLines(lines, check).failed.map(({ code }) => code);

  before(async () => {
    crypto = await loadCrypto();
    check = { network, crypto, sign: (digest) => crypto.sign(digest, key), nowMs, promise };
  });

  it('gives all that the store needs, and a signed promise', async () => {
    const record = await recordOf(1, {
      expires: '2026-11-21T02:00:00.001Z',
      holder: `0x${'0a'.repeat(20)}` as Address,
      supersedes: `0x${'cd'.repeat(32)}` as Hash,
    });
    const { checked, failed } = checkLines([Buffer.from(record.entry).toString()], check);
    expect(failed).to.deep.equal([]);
    const [{ acceptance, ...rest }] = checked as [(typeof checked)[0]];
    expect(rest).to.deep.equal({
      index: 0,
      id: record.idBytes,
      entry: record.entry,
      leafHash: leafHash(record.entry),
      digest: fileDigest(1),
      subject: 'urn:file:1',
      submitter: new Uint8Array(Buffer.from(submitter.address.slice(2), 'hex')),
      holder: new Uint8Array(20).fill(0x0a),
      expiresMs: nowMs + 1,
      supersedes: new Uint8Array(32).fill(0xcd),
    });
    const centre = publicKeyAddress(crypto, crypto.publicKey(key));
    checkAcceptance(network, { recordId: record.id, ...promise, centre, signature: toHex(acceptance!) });
  });

  it('leaves out what a record has not, and the promise where there is no key', async () => {
    const { checked } = checkLines([await line(2)], { ...check, sign: undefined });
    expect(checked[0]!.acceptance).to.equal(undefined);
    expect(checked[0]!.expiresMs).to.equal(null);
    expect(checked[0]!.supersedes).to.equal(null);
    expect(checked[0]!.holder).to.deep.equal(checked[0]!.submitter);
  });

  it('names what is wrong with a line', async () => {
    const whole = await line(3);
    const elsewhere = networkName({ ...network, chainId: 1 });
    expect(
      codes([
        await line(3, { network: elsewhere }),
        await line(3, { expires: '2026-11-21T02:00:00.000Z' }),
        whole.replace('urn:file:3', 'urn:file:4'),
        whole.replace('"v":1', '"v":1,"v":1'),
        whole.replace('sha-256:', 'sha-512:'),
        '',
        'null',
        'x'.repeat(40_000),
      ]),
    ).to.deep.equal([
      'record-network-mismatch',
      'record-expired',
      'signature-mismatch',
      'json-duplicate-key',
      'record-digest-invalid',
      'json-malformed',
      'record-invalid',
      'record-too-large',
    ]);
  });

  it('fails a bad line alone, among thousands', async () => {
    const good = await Promise.all([0, 1, 2].map((index) => line(index)));
    const lines = Array.from({ length: 3000 }, (_, index) => (index === 1234 ? '{"v":1' : good[index % 3]!));
    const { checked, failed } = checkLines(lines, check);
    expect(failed.map(({ index, code }) => [index, code])).to.deep.equal([[1234, 'json-malformed']]);
    expect(checked.map(({ index }) => index)).to.deep.equal(lines.map((_, index) => index).filter((i) => i !== 1234));
  });

  it('lets no text take the other lines with it', async () => {
    const whole = await line(5);
    const units = fc.constantFrom(...'"\\{}[]:,0123456789abcdefx.-+ \n\0\ud800');
    const mutants = fc
      .tuple(fc.nat(whole.length), fc.nat(4), units)
      .map(([at, size, unit]) => whole.slice(0, at) + unit + whole.slice(at + size));
    fc.assert(
      fc.property(fc.oneof(mutants, fc.json(), fc.string({ unit: 'binary' })), (text) => {
        const { checked, failed } = checkLines([whole, text, whole], check);
        expect(checked.map(({ index }) => index).filter((index) => index !== 1)).to.deep.equal([0, 2]);
        expect(checked.length + failed.length).to.equal(3);
        // What crosses threads must survive the copy.
        expect(structuredClone(failed)).to.deep.equal(failed);
      }),
      { numRuns: 300 },
    );
  });
});
