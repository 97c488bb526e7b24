import { expect } from 'chai';
import { computeAddress, SigningKey, TypedDataEncoder } from 'ethers';
import fc from 'fast-check';
import { fromHex, toHex, utf8 } from '../../../services/core/bytes.ts';
import { canonicalText } from '../../../services/core/canonicalJson.ts';
import { networkName } from '../../../services/core/eip712.ts';
import {
  asRecord,
  asUnsignedRecord,
  type CheckedRecord,
  checkRecordNetwork,
  checkRecordSignature,
  digestBytes,
  digestText,
  holderOf,
  parseEntry,
  readRecord,
  recordDigest,
  recordIdBytes,
  signRecord,
} from '../../../services/core/record.ts';
import { compactSignature } from '../../../services/core/signature.ts';
import { codeOf } from '../../support/codeOf.ts';
import { expectCode } from '../../support/expectCode.ts';
import { isExactJson } from '../../support/isExactJson.ts';
import { sha256Of } from './log/reference.ts';
import { network, recordOf, submitter } from './receiptKit.ts';

// Written by hand; id, digest and signature come from node:crypto and ethers, not from code of ours.
const golden = {
  key: `0x${'46'.repeat(32)}`,
  submitter: '0x9d8a62f656a8d1615c1294fd71e9cfb3e4855a4f',
  id: '0x30ace4bb2877c11e77c2ccd36693932da571249bdc1340822eea7e56204393ba',
  digest: '0x4397bee43c627a167900e49c6166faac5a73e5e4f5cd34d69f917452c9d56e44',
  signature:
    '0x03b60a2c226ee4febf441feb5dfc52eee6132e2283fe1122d83ed140090915d345211bf9fac7407cd0b173af70a67419f2783922091ca231f58bc3eaff1e3f6b1b',
  entry:
    '{"digest":"sha-256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824","expires":"2026-11-22T01:30:00.000Z",' +
    '"holder":"0x0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a","kind":"evidence","meta":{"a":[1,true,null],"name":"déjà \\"vu\\""},' +
    '"network":"eip155:31337:0x5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f","signature":"0x03b60a2c226ee4febf441feb5dfc52eee6132e2283fe1122d83ed140090915d345211bf9fac7407cd0b173af70a67419f2783922091ca231f58bc3eaff1e3f6b1b",' +
    '"subject":"urn:example:€😀","submitter":"0x9d8a62f656a8d1615c1294fd71e9cfb3e4855a4f",' +
    '"supersedes":"0xcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd","time":"2026-11-21T01:30:00.000Z","v":1}',
};

const text = (checked: CheckedRecord): string => Buffer.from(checked.entry).toString();
const readCode = (value: unknown): string => codeOf(() => readRecord(JSON.stringify(value)));

describe('record', () => {
  let sample: CheckedRecord;
  /** The sample with other fields; undefined leaves one out. */
  const changed = (changes: Record<string, unknown>): Record<string, unknown> => ({ ...sample.record, ...changes });

  before(async () => {
    sample = await recordOf(1);
  });

  describe('golden vector', () => {
    it('is read to the same bytes, id and signer', () => {
      const checked = readRecord(golden.entry);
      expect(text(checked)).to.equal(golden.entry);
      expect(checked.id).to.equal(golden.id);
      expect(checked.id).to.equal(toHex(recordIdBytes(checked.record)));
      expect(toHex(recordDigest(network, checked.idBytes))).to.equal(golden.digest);
      expect(checked.record.submitter).to.equal(golden.submitter);
      expect(holderOf(checked.record)).to.equal(`0x${'0a'.repeat(20)}`);
      checkRecordSignature(checked.record, checked.idBytes);
      checkRecordNetwork(checked.record, network);
    });

    it('is what signing its fields gives', async () => {
      const key = new SigningKey(golden.key);
      const signer = {
        address: computeAddress(key.publicKey).toLowerCase() as `0x${string}`,
        sign: async (digest: Uint8Array) => fromHex(key.sign(digest).serialized),
      };
      const { signature: _, submitter: __, ...unsigned } = readRecord(golden.entry).record;
      const signed = await signRecord(unsigned, signer);
      expect(text(signed)).to.equal(golden.entry);
      expect(signed.id).to.equal(golden.id);
    });

    it('has the digest of an independent EIP-712', () => {
      const domain = { name: 'Notarium', version: '1', chainId: 31337, verifyingContract: network.contract };
      const types = { Record: [{ name: 'id', type: 'bytes32' }] };
      expect(TypedDataEncoder.hash(domain, types, { id: golden.id })).to.equal(golden.digest);
    });
  });

  it('refuses JSON of more than one reading', () => {
    const whole = text(sample);
    for (const [posted, code] of [
      [whole.replace('"v":1', '"v":1,"v":1'), 'json-duplicate-key'],
      [whole.replace('"v":1', '"v":1,"\\u0076":1'), 'json-duplicate-key'],
      [whole.replace('{', '{"meta":{"a":1,"a":1},'), 'json-duplicate-key'],
      [whole.replace('"v":1', '"v":1.0'), 'json-number-not-canonical'],
      [whole.replace('{', '{"meta":{"a":9007199254740993},'), 'json-number-not-canonical'],
      [whole.replace('{', '{"meta":{"a":9007199254740994},'), 'json-number-not-canonical'],
      [whole.replace('{', '{"meta":{"a":-0},'), 'json-number-not-canonical'],
      [whole.replace('{', '{"meta":{"a":1E400},'), 'json-number-not-canonical'],
      [whole.replace('{', '{"meta":{"a":"\\ud800"},'), 'json-lone-surrogate'],
      [whole.replace('{', '{"meta":{"\\udc00":1},'), 'json-lone-surrogate'],
      [whole.replace('{', '{"meta":{"a":"\ud800"},'), 'json-lone-surrogate'],
      [whole.replace('urn:file', 'urn:\\udfff'), 'json-lone-surrogate'],
      [`\ufeff${whole}`, 'json-malformed'],
      [`${whole}x`, 'json-malformed'],
      [whole.replace('"v":1', '"v":1,'), 'json-malformed'],
      ['', 'json-malformed'],
    ] as const) {
      expect(
        codeOf(() => readRecord(posted)),
        posted.slice(0, 60),
      ).to.equal(code);
    }
  });

  it('gives one id and one entry to all spellings of a record', () => {
    const whole = readRecord(golden.entry);
    const fields = Object.entries(whole.record);
    fc.assert(
      fc.property(
        fc.shuffledSubarray(fields, { minLength: fields.length }),
        fc.constantFrom(0, 1, '\t'),
        fc.boolean(),
        (order, space, isEscaped) => {
          const spelt = JSON.stringify(Object.fromEntries(order), null, space);
          const posted = isEscaped
            ? spelt.replace(/[^ -~\n\t]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
            : spelt;
          const checked = readRecord(posted);
          expect(checked.id).to.equal(golden.id);
          expect(text(checked)).to.equal(golden.entry);
        },
      ),
    );
  });

  it('writes every record of good form as RFC 8785 does, and hashes it without its signature', () => {
    const values = fc.jsonValue({ maxDepth: 3, stringUnit: 'grapheme' }).filter(isExactJson);
    const meta = fc.dictionary(fc.string({ unit: 'grapheme' }), values, { maxKeys: 4 });
    const records = fc
      .record(
        {
          subject: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
          meta,
          expires: fc.constant('2030-01-01T00:00:00.000Z'),
          holder: fc.constant(`0x${'01'.repeat(20)}`),
          supersedes: fc.constant(`0x${'02'.repeat(32)}`),
          kind: fc.constantFrom('aggregate', 'x-a.b-c'),
        },
        { requiredKeys: [] },
      )
      .map((changes) => JSON.parse(JSON.stringify(changed(changes))) as Record<string, unknown>);
    fc.assert(
      fc.property(records, (record) => {
        const { signature: _, ...unsigned } = record;
        const checked = readRecord(JSON.stringify(record));
        expect(text(checked)).to.equal(canonicalText(record));
        expect(checked.idBytes).to.deep.equal(sha256Of(Buffer.from(canonicalText(unsigned))));
        expect(checked.idBytes).to.deep.equal(recordIdBytes(checked.record));
        expect(parseEntry(checked.entry)).to.deep.equal(checked);
      }),
    );
  });

  it('never fails otherwise than by a code, and accepts of a changed text only what JSON.parse reads the same', () => {
    const source = golden.entry;
    const units = fc.oneof(
      fc.constantFrom(...'"\\{}[]:,0123456789abcdefu.eE-+ \n\0\ud800é'),
      fc.string({ maxLength: 2 }),
    );
    const mutants = fc
      .array(fc.tuple(fc.nat(source.length), fc.nat(3), units), { minLength: 1, maxLength: 3 })
      .map((edits) =>
        edits.reduce((mutant, [at, size, unit]) => mutant.slice(0, at) + unit + mutant.slice(at + size), source),
      );
    fc.assert(
      fc.property(mutants, (mutant) => {
        let checked: CheckedRecord | undefined;
        const code = codeOf(() => {
          checked = readRecord(mutant);
        });
        expect(code === 'none' || /^(record|json|signature)-/.test(code)).to.equal(true);
        if (!checked) return;
        expect(text(checked)).to.equal(canonicalText(JSON.parse(mutant)));
        const isCanonical = mutant === text(checked);
        expect(codeOf(() => parseEntry(Buffer.from(mutant)))).to.equal(isCanonical ? 'none' : 'record-not-canonical');
      }),
      { numRuns: 2000 },
    );
  });

  it('reads entries in their canonical bytes only', () => {
    const whole = text(sample);
    expect(parseEntry(sample.entry).id).to.equal(sample.id);
    for (const [entry, code] of [
      [utf8(` ${whole}`), 'record-not-canonical'],
      [utf8(`${whole}\n`), 'record-not-canonical'],
      [utf8(JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(whole)).reverse()))), 'record-not-canonical'],
      [utf8(whole.replace('urn:', '\\u0075rn:')), 'record-not-canonical'],
      [Uint8Array.of(0xef, 0xbb, 0xbf, ...sample.entry), 'json-malformed'],
      [Uint8Array.of(...sample.entry.subarray(0, 50), 0xff), 'text-not-utf8'],
      [sample.entry.subarray(0, -1), 'json-malformed'],
      [new Uint8Array(), 'json-malformed'],
    ] as const) {
      expect(
        codeOf(() => parseEntry(entry)),
        Buffer.from(entry).toString().slice(0, 40),
      ).to.equal(code);
    }
  });

  describe('signature', () => {
    const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
    const checkCode = (signature: Uint8Array): string =>
      codeOf(() => {
        const { record, idBytes } = readRecord(JSON.stringify(changed({ signature: toHex(signature) })));
        checkRecordSignature(record, idBytes);
      });
    const withByte = (at: number, byte: number): Uint8Array => {
      const bytes = fromHex(sample.record.signature);
      bytes[at] = byte;
      return bytes;
    };

    it('is refused with s in the upper half, which verifies too', () => {
      const bytes = fromHex(sample.record.signature);
      const s = BigInt(toHex(bytes.subarray(32, 64)));
      const high = bytes.slice();
      high.set(fromHex((order - s).toString(16).padStart(64, '0')), 32);
      high[64] = bytes[64] === 27 ? 28 : 27;
      expect(checkCode(high)).to.equal('signature-malleable');
    });

    it('is refused with any v but 27 and 28, of any other size, and as garbage', () => {
      for (const v of [0, 1, 2, 26, 29, 255])
        expect(checkCode(withByte(64, v)), `v ${v}`).to.equal('signature-malformed');
      for (const size of [0, 1, 63, 66, 130]) {
        expect(checkCode(new Uint8Array(size).fill(1)), `${size} bytes`).to.equal('signature-malformed');
      }
      expect(checkCode(new Uint8Array(64))).to.equal('signature-mismatch');
      expect(checkCode(Uint8Array.of(...new Uint8Array(64), 27))).to.equal('signature-mismatch');
      // r = 0; r beyond the field.
      expect(
        checkCode(Uint8Array.of(...new Uint8Array(32), ...fromHex(sample.record.signature).subarray(32))),
      ).to.equal('signature-mismatch');
      const beyond = Uint8Array.of(...new Uint8Array(32).fill(255), ...fromHex(sample.record.signature).subarray(32));
      expect(checkCode(beyond)).to.equal('signature-mismatch');
    });

    it('is refused when a bit of it or of the record changes', () => {
      const flip = fromHex(sample.record.signature)[64] === 27 ? 28 : 27;
      expect(checkCode(withByte(64, flip))).to.equal('signature-mismatch');
      expect(checkCode(withByte(0, fromHex(sample.record.signature)[0]! ^ 1))).to.equal('signature-mismatch');
      for (const changes of [
        { subject: 'urn:file:2' },
        { meta: {} },
        { holder: `0x${'01'.repeat(20)}` },
        { submitter: `0x${'01'.repeat(20)}` },
        { time: '2026-11-21T01:30:00.001Z' },
        { network: networkName({ ...network, chainId: 1 }) },
      ]) {
        const { record, idBytes } = readRecord(JSON.stringify(changed(changes)));
        expect(
          codeOf(() => checkRecordSignature(record, idBytes)),
          JSON.stringify(changes),
        ).to.equal('signature-mismatch');
      }
    });

    it('may be of 64 bytes: another entry with the same id, of which the log takes the first that comes', () => {
      // The id leaves the signature out, and a signer can make any number of signatures of one record anyway. So one id
      // may come in several entries; never twice means that the store admits an id once, whatever its entry.
      const compact = toHex(compactSignature(fromHex(sample.record.signature)));
      const twin = readRecord(JSON.stringify(changed({ signature: compact })));
      checkRecordSignature(twin.record, twin.idBytes);
      expect(twin.id).to.equal(sample.id);
      expect(text(twin)).to.not.equal(text(sample));
      // By the case of its digits nobody can make more of them.
      const upper = `0x${sample.record.signature.slice(2).toUpperCase()}`;
      expect(readCode(changed({ signature: upper }))).to.equal('signature-malformed');
    });
  });

  it('belongs to one network', () => {
    expect(codeOf(() => checkRecordNetwork(sample.record, network))).to.equal('none');
    for (const other of [
      { ...network, chainId: 1 },
      { ...network, contract: `0x${'60'.repeat(20)}` as const },
    ]) {
      expect(codeOf(() => checkRecordNetwork(sample.record, other))).to.equal('record-network-mismatch');
    }
  });

  describe('from objects', () => {
    const metaCode = (meta: unknown): string => codeOf(() => asUnsignedRecord({ ...unsigned(), meta }));
    const unsigned = () => {
      const { signature: _, ...rest } = sample.record;
      return rest;
    };

    it('signs nothing that JSON cannot say', () => {
      const cycle: Record<string, unknown> = {};
      cycle.self = cycle;
      for (const meta of [{ a: Number.NaN }, { a: Number.POSITIVE_INFINITY }, { a: 1n }, { a: '\ud800' }, cycle]) {
        expect(metaCode(meta)).to.equal('record-invalid');
      }
      expect(metaCode(new Date())).to.equal('record-invalid');
      expect(metaCode({ a: 2 ** 53 })).to.equal('json-number-not-canonical');
      expect(metaCode({ a: 'x'.repeat(4090) })).to.equal('record-meta-too-large');
      expect(metaCode({ a: 'x'.repeat(40_000) })).to.equal('record-too-large');
      expect(codeOf(() => asRecord(sample.record))).to.equal('none');
      expect(codeOf(() => asRecord(unsigned()))).to.equal('signature-malformed');
      expect(codeOf(() => asUnsignedRecord(sample.record))).to.equal('record-unknown-field');
    });

    it('gives back what a reader of the entry will see', async () => {
      const signed = await recordOf(1, { meta: { left: undefined, at: new Date(0), zero: -0, map: new Map() } });
      expect(signed.record.meta).to.deep.equal({ at: '1970-01-01T00:00:00.000Z', zero: 0, map: {} });
      expect(parseEntry(signed.entry)).to.deep.equal(signed);
    });

    it('names the signer as submitter', async () => {
      expect(sample.record.submitter).to.equal(submitter.address);
      await expectCode('record-digest-invalid', recordOf(1, { digest: 'sha-256:00' }));
      await expectCode('record-time-invalid', recordOf(1, { time: 'today' }));
    });
  });

  it('has digests of 32 bytes', () => {
    const bytes = sha256Of([1]);
    expect(digestBytes(digestText(bytes))).to.deep.equal(bytes);
  });
});
