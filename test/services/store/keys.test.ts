import { expect } from 'chai';
import fc from 'fast-check';
import { toHex } from '../../../services/core/bytes.ts';
import { canonicalBytes } from '../../../services/core/canonicalJson.ts';
import { parseEntry } from '../../../services/core/record.ts';
import { digestKey, idKey, idOfEntry, subjectKey } from '../../../services/store/keys.ts';
import { alice, row } from './storeKit.ts';

const name = fc.oneof(
  fc.constantFrom('signature', ',"signature":"', 'a'),
  fc.string({ unit: 'grapheme', maxLength: 12 }),
);
const meta = fc.dictionary(name, fc.oneof(name, fc.record({ signature: name, x: name })), {
  maxKeys: 4,
  noNullPrototype: true,
});

describe('store keys', () => {
  it('finds the id of an entry whatever its strings hold', () => {
    fc.assert(
      fc.property(
        meta,
        name.filter((text) => text.length > 0),
        fc.boolean(),
        (value, subject, heir) => {
          const { entry } = row('x', {
            meta: value,
            subject,
            ...(heir ? { supersedes: toHex(new Uint8Array(32)) } : {}),
            holder: alice,
          });
          expect(toHex(idOfEntry(entry))).to.equal(toHex(parseEntry(entry).idBytes));
        },
      ),
    );
  });

  it('finds the id of every length of signature', () => {
    const { entry, id } = row('y');
    const record = JSON.parse(new TextDecoder().decode(entry)) as object;
    const short = canonicalBytes({ ...record, signature: `0x${'22'.repeat(64)}` });
    expect(toHex(idOfEntry(short))).to.equal(toHex(id));
  });

  it('has keys of 52 bits', () => {
    const ones = new Uint8Array(32).fill(255);
    expect(idKey(ones)).to.equal(2 ** 52 - 1);
    expect(idKey(new Uint8Array(32))).to.equal(0);
    expect(digestKey(ones)).not.to.equal(idKey(ones));
    fc.assert(
      fc.property(fc.string(), (subject) => {
        expect(subjectKey(subject)).to.be.within(0, 2 ** 52 - 1);
      }),
    );
  });
});
