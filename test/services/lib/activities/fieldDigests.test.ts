import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { recoverAddress } from 'ethers';
import fc from 'fast-check';
import { bodyBytes, bodySchema } from '../../../../services/core/activities/contents.ts';
import {
  type FieldBody,
  fieldsType,
  readFields,
  showFields,
  wholeBody,
} from '../../../../services/core/activities/fields.ts';
import { pointerOf, readPath } from '../../../../services/core/activities/pointer.ts';
import { canonicalText } from '../../../../services/core/canonicalJson.ts';
import { parseStrictJson } from '../../../../services/core/strictJson.ts';
import { packedBytes, packFields, sdJwtOf, signFields } from '../../../../services/lib/activities/fieldDigests.ts';
import { person, randomHash, signedFields } from '../../../support/activityKit.ts';
import { expectCode } from '../../../support/expectCode.ts';

const [buyer, seller] = [person(1), person(2)];
const purchase = {
  order: 'PO-1',
  buyer: { name: 'ACME', vat: 'AT123' },
  items: [
    { sku: 'a', price: 120, 'net/gross~': 'net' },
    { sku: 'b', price: 80 },
  ],
  paid: false,
  note: null,
  'dotted.name': 1,
};

const b64 = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const digestOf = (disclosure: string) => createHash('sha256').update(disclosure).digest('base64url');

const place = { head: randomHash(), attachments: randomHash() };

/** An SD-JWT as anybody can write it who has a key. */
async function forged(
  body: unknown,
  disclosures: string[],
  changes: { header?: object; claims?: object } = {},
): Promise<FieldBody> {
  const header = { alg: 'ES256K', typ: fieldsType, kid: buyer.address, ...changes.header };
  const signed = `${b64(header)}.${b64({ body, ...place, _sd_alg: 'sha-256', ...changes.claims })}`;
  const signature = await buyer.signer.sign(createHash('sha256').update(signed).digest());
  return { salt: randomHash(), sdJwt: `${signed}.${b64Bytes(signature.subarray(0, 64))}`, disclosures };
}
const b64Bytes = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url');

const shownBy = (body: FieldBody) => readFields(body).body;

/** Names and values of all disclosures; their salts and digests are random text, in which any short word stands now and then. */
const saidIn = ({ disclosures }: FieldBody): string =>
  disclosures
    .map((each) => JSON.parse(Buffer.from(each, 'base64url').toString()) as unknown[])
    .map(([, ...said]) => JSON.stringify(said, (key, value) => (['_sd', '...'].includes(key) ? undefined : value)))
    .join('\n');

describe('a body in fields', () => {
  let whole: FieldBody;
  before(async () => {
    whole = await signedFields(purchase, buyer.signer);
  });

  it('is read whole by members, and by nobody in another name', async () => {
    expect(bodySchema.parse(whole)).to.deep.equal(whole);
    expect(wholeBody(whole, buyer.address)).to.deep.equal(purchase);
    expect(readFields(whole)).to.deep.include({ author: buyer.address, hidden: 0 });
    await expectCode('activity-fields-invalid', () => wholeBody(whole, seller.address));
    await expectCode('activity-fields-invalid', () => wholeBody(showFields(whole, ['order']), buyer.address));
    expect(wholeBody({ salt: randomHash(), body: 5 }, seller.address)).to.equal(5);
    const { place: of } = readFields(whole);
    expect(wholeBody(whole, buyer.address, { place: of })).to.deep.equal(purchase);
    for (const other of [{ head: randomHash() }, { attachments: randomHash() }])
      await expectCode('activity-fields-invalid', () =>
        wholeBody(whole, buyer.address, { place: { ...of, ...other } }),
      );
  });

  it('is an SD-JWT that the library and ethers read alike', async () => {
    const compact = (body: FieldBody) => `${[body.sdJwt, ...body.disclosures].join('~')}~`;
    const library = sdJwtOf();
    expect(await library.getClaims(compact(whole))).to.deep.equal({ body: purchase, ...readFields(whole).place });
    const some = showFields(whole, ['/items/1/price', 'buyer.name']);
    expect(await library.getClaims(compact(some))).to.deep.equal({ body: shownBy(some), ...readFields(whole).place });
    const [header, payload, signature] = whole.sdJwt.split('.') as [string, string, string];
    const digest = createHash('sha256').update(`${header}.${payload}`).digest();
    const rs = Buffer.from(signature, 'base64url').toString('hex');
    const signers = ['1b', '1c'].map((v) => recoverAddress(digest, `0x${rs}${v}`).toLowerCase());
    expect(signers).to.include(buyer.address);
    expect(JSON.parse(Buffer.from(header, 'base64url').toString())).to.deep.equal({
      alg: 'ES256K',
      typ: fieldsType,
      kid: buyer.address,
    });
  });

  it('shows the fields that were chosen, with what is in them, and nothing of the others', () => {
    const cases: [fields: string[], body: unknown][] = [
      [[], {}],
      [['order'], { order: 'PO-1' }],
      [['/buyer/name'], { buyer: { name: 'ACME' } }],
      [['buyer'], { buyer: purchase.buyer }],
      [['items.1.price'], { items: [{ price: 80 }] }],
      [['/items/0/net~1gross~0', '/note'], { items: [{ 'net/gross~': 'net' }], note: null }],
      [['/dotted.name', '/paid'], { 'dotted.name': 1, paid: false }],
      [[''], purchase],
    ];
    for (const [fields, body] of cases) {
      const some = showFields(whole, fields);
      expect(shownBy(some), `${fields}`).to.deep.equal(body);
      const text = saidIn(some);
      const hidden = ['PO-1', 'ACME', 'AT123', '120', 'net', 'dotted'].filter(
        (word) => !JSON.stringify(body).includes(word),
      );
      for (const word of hidden) expect(text, `${fields}`).not.to.contain(word);
    }
    expect(whole.sdJwt).to.satisfy(
      (text: string) => !Buffer.from(text.split('.')[1]!, 'base64url').toString().includes('order'),
    );
    expect(readFields(showFields(whole, ['order']))).to.deep.include({ shown: [['order']], hidden: 5 });
  });

  it('can be shown in parts of a part, and has no fields that are not there', async () => {
    const some = showFields(whole, ['items', 'order']);
    expect(shownBy(showFields(some, ['order']))).to.deep.equal({ order: 'PO-1' });
    for (const field of ['/nothing', 'items.2', '/items/length', '/dotted/name', '/order/0', '/~2', 'items/0']) {
      await expectCode('activity-field-unknown', () => showFields(whole, [field]));
    }
    await expectCode('activity-field-unknown', () => showFields(some, ['paid']));
  });

  it('can show each field that was named alone: what is beside it is hidden too, each as one', async () => {
    const named = await signedFields(purchase, buyer.signer, { fields: ['/buyer', 'items.0.price'] });
    expect(wholeBody(named, buyer.address)).to.deep.equal(purchase);
    expect(shownBy(showFields(named, []))).to.deep.equal({});
    expect(shownBy(showFields(named, ['buyer']))).to.deep.equal({ buyer: purchase.buyer });
    const price = showFields(named, ['items.0.price']);
    expect(shownBy(price)).to.deep.equal({ items: [{ price: 120 }] });
    const text = saidIn(price);
    for (const word of ['PO-1', 'ACME', 'net', 'sku', 'dotted', '80']) expect(text).not.to.contain(word);
    // What was not named is one field each: seven at the top, two items, three of the first item.
    expect(named.disclosures).to.have.length(6 + 2 + 3);
    expect(shownBy(showFields(named, ['/items/1/sku']))).to.deep.equal({ items: [purchase.items[1]] });
    const twice = await signedFields(purchase, buyer.signer, { fields: ['/buyer', 'buyer', '/buyer/name'] });
    expect(twice.disclosures).to.have.length(6 + 2);
    for (const fields of [['/buyers'], ['/buyer', '/buyer/names'], ['']])
      await expectCode('activity-field-unknown', signedFields(purchase, buyer.signer, { fields }));
  });

  it('has its size known before it is signed', async () => {
    for (const body of [purchase, [1, { a: 2 }]]) {
      const packed = await packFields(body);
      const place = { head: randomHash(), attachments: randomHash() };
      expect(packedBytes(packed, buyer.address)).to.equal(bodyBytes(await signFields(packed, place, buyer.signer)));
    }
  });

  it('comes back as it was, whatever it is', async () => {
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        fc.constantFrom(null, true, 0, -1.5, '', 'é😀~.'),
        tie('list'),
        tie('object'),
      ),
      list: fc.array(tie('any'), { maxLength: 4 }),
      object: fc.dictionary(
        fc.constantFrom('a', 'b.c', 'd/e', '0', 'constructor', 'length', 'toString', '~', '__proto__'),
        tie('any'),
        { maxKeys: 4 },
      ),
    }));
    await fc.assert(
      fc.asyncProperty(fc.oneof(value.list, value.object), async (made) => {
        const body = parseStrictJson(JSON.stringify(made));
        let fields: FieldBody;
        try {
          fields = await signedFields(body, buyer.signer);
        } catch (error) {
          // The library takes this name for the prototype.
          expect(error).to.have.property('code', 'activity-body-invalid');
          expect(JSON.stringify(made)).to.contain('__proto__');
          return;
        }
        expect(canonicalText(wholeBody(fields, buyer.address))).to.equal(canonicalText(body));
      }),
      { numRuns: 200 },
    );
  });

  it('is not made of what an SD-JWT cannot hold', async () => {
    const long = Array.from({ length: 4097 }, (_, index) => index);
    for (const body of [
      5,
      null,
      'text',
      { _sd: [] },
      { a: [{ '...': 'x' }] },
      { _sd_alg: 1 },
      { _sd_decoy: 1 },
      { '': 1 },
      long,
    ]) {
      await expectCode('activity-body-invalid', signedFields(body, buyer.signer));
    }
    // Named alone, a field of the list would be shown with thousands of others.
    await expectCode('activity-body-invalid', signedFields(long, buyer.signer, { fields: ['/4096'] }));
    const within = { price: 5, rows: long };
    expect(wholeBody(await signedFields(within, buyer.signer, { fields: ['price'] }), buyer.address)).to.deep.equal(
      within,
    );
  });

  it('is refused with any character changed', async () => {
    const some = showFields(whole, ['buyer.name', '/paid']);
    const parts = [some.sdJwt, ...some.disclosures];
    for (const [index, part] of parts.entries()) {
      for (let at = 0; at < part.length; at += index === 0 ? 7 : 1) {
        const changed = parts.with(index, part.slice(0, at) + (part[at] === 'A' ? 'B' : 'A') + part.slice(at + 1));
        const [sdJwt, ...disclosures] = changed as [string, ...string[]];
        await expectCode('activity-fields-invalid', () => readFields({ salt: some.salt, sdJwt, disclosures }));
      }
    }
    // The last character of a signature has bits that stand for nothing.
    const twin = some.sdJwt.replace(/.$/, (last) => String.fromCharCode(last.charCodeAt(0) + 1));
    await expectCode('activity-fields-invalid', () => readFields({ ...some, sdJwt: twin }));
  });

  it('is refused where a disclosure belongs nowhere, is there twice, or makes a second property', async () => {
    const refused = (body: FieldBody) => expectCode('activity-fields-invalid', () => readFields(body));
    const property = b64(['salt-salt-salt-salt-', 'a', 1]);
    const other = b64(['pepper-pepper-pepper', 'a', 2]);
    const item = b64(['salt-salt-salt-salt-', 1]);
    expect(shownBy(await forged({ _sd: [digestOf(property)] }, [property]))).to.deep.equal({ a: 1 });
    await refused(await forged({ _sd: [digestOf(property)] }, [property, other]));
    await refused(await forged({ _sd: [digestOf(property)] }, [property, property]));
    await refused(await forged({ _sd: [digestOf(property), digestOf(property)] }, [property]));
    await refused(await forged({ _sd: [digestOf(property)], b: { _sd: [digestOf(property)] } }, []));
    await refused(await forged({ _sd: [digestOf(property), digestOf(other)] }, [property, other]));
    await refused(await forged({ a: 2, _sd: [digestOf(property)] }, [property]));
    await refused(await forged({ _sd: [digestOf(item)] }, [item]));
    await refused(await forged([{ '...': digestOf(property) }], [property]));
    await refused(await forged([{ '...': digestOf(item), more: 1 }], [item]));
    await refused(await forged({ '...': digestOf(item) }, [item]));
    for (const _sd of ['text', {}, null, [1], [null]]) await refused(await forged({ _sd }, []));
    for (const name of ['_sd', '...', '_sd_alg']) {
      const evil = b64(['salt-salt-salt-salt-', name, []]);
      await refused(await forged({ _sd: [digestOf(evil)] }, [evil]));
    }
    for (const content of [[], ['s'], ['s', 'a', 1, 2], [1, 'a', 1], ['s', 1, 1], {}, 'text']) {
      const evil = b64(content);
      await refused(await forged({ _sd: [digestOf(evil)] }, [evil]));
    }
    const doubled = b64('["salt","a",{"x":1,"x":2}]');
    await refused(await forged({ _sd: [digestOf(doubled)] }, [doubled]));
  });

  it('is refused with another algorithm, type, signer or claim, and nested too deep', async () => {
    const refused = (body: FieldBody) => expectCode('activity-fields-invalid', () => readFields(body));
    await refused(await forged({}, [], { header: { alg: 'none' } }));
    await refused(await forged({}, [], { header: { typ: 'JWT' } }));
    await refused(await forged({}, [], { header: { kid: seller.address } }));
    await refused(await forged({}, [], { header: { jwk: {} } }));
    await refused(await forged({}, [], { claims: { _sd_alg: 'sha-1' } }));
    await refused(await forged({}, [], { claims: { exp: 1 } }));
    await refused(await forged({}, [], { claims: { head: undefined } }));
    await refused(await forged({}, [], { claims: { attachments: 'none' } }));
    for (const sdJwt of ['', 'a.b', 'a.b.c', '..', `${whole.sdJwt}.x`]) await refused({ ...whole, sdJwt });
    const disclosures: string[] = [];
    let inner: unknown = 1;
    for (let level = 0; level < 500; level++) {
      const disclosure = b64(['salt-salt-salt-salt-', 'a', inner]);
      disclosures.push(disclosure);
      inner = { _sd: [digestOf(disclosure)] };
    }
    await refused(await forged(inner, disclosures));
  });

  it('names its fields by JSON Pointers and by dotted paths', () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { minLength: 1 }), (path) => {
        expect(readPath(pointerOf(path))).to.deep.equal(path);
      }),
    );
    expect(readPath('items.0.price')).to.deep.equal(['items', '0', 'price']);
    expect(readPath('')).to.deep.equal([]);
  });
});
