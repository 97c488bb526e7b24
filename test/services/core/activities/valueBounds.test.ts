import { expect } from 'chai';
import fc from 'fast-check';
import type { Body } from '../../../../services/core/activities/contents.ts';
import { parseDisclosure } from '../../../../services/core/activities/disclosure.ts';
import { readFields } from '../../../../services/core/activities/fields.ts';
import { noHash } from '../../../../services/core/activities/members.ts';
import { parcelBytes, readParcel } from '../../../../services/core/activities/parcel.ts';
import {
  checkValues,
  countValues,
  maxDisclosureValues,
  maxParcelValues,
} from '../../../../services/core/activities/valueBounds.ts';
import { utf8 } from '../../../../services/core/bytes.ts';
import { activityNetwork, begin, person, randomHash } from '../../../support/activityKit.ts';
import { expectCode } from '../../../support/expectCode.ts';

const people = [person(1), person(2)] as const;

/** All values, one by one. */
function valuesIn(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 1;
  return Object.values(value).reduce<number>((sum, each) => sum + valuesIn(each), 1);
}

describe('the number of values in JSON of activities', () => {
  it('is counted as a parser counts them, however it is written', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 8 }), fc.constantFrom('', ' ', '\n', '\t\r'), (value, space) => {
        const text = JSON.stringify(value, null, space);
        const count = valuesIn(JSON.parse(text));
        expect(countValues(text, Number.MAX_SAFE_INTEGER)).to.equal(count);
        checkValues(text, count);
      }),
      { numRuns: 500 },
    );
    for (const text of ['"[,{\\"],["', '"\\\\"', '["\\\\",","]', '{"a,b":"c"}', '[ ]', '[[ ],{ }]', '[[[[]]]]'])
      expect(countValues(text, 9)).to.equal(valuesIn(JSON.parse(text)));
  });

  it('ends at the first one that is too many, whatever comes after it', async () => {
    const most = 100;
    for (const text of ['[1,', '[[],', '{"a":[', '[', '{"":']) {
      const long = text.repeat(1_000);
      await expectCode('activity-body-invalid', () => checkValues(long, most));
      // Nothing is read beyond them: an end that is no JSON says nothing.
      await expectCode('activity-body-invalid', () => checkValues(`${long}"`, most));
    }
    const exact = `[${Array(most - 1)
      .fill('1')
      .join(',')}]`;
    checkValues(exact, most);
    await expectCode('activity-body-invalid', () => checkValues(exact, most - 1));
    expect(() => checkValues(`["${','.repeat(10_000)}"]`, most)).to.not.throw();
  });

  it('is bounded in messages and disclosures', async () => {
    const message = await begin(people);
    const whole = Buffer.from(parcelBytes(message)).toString();
    const withBody = (body: string) => utf8(whole.replace('{"step":"start"}', body));
    const many = `[${Array(maxParcelValues).fill('1').join(',')}]`;
    await expectCode('activity-body-invalid', () => readParcel(activityNetwork, withBody(many)));
    const fewer = `[${Array(maxParcelValues - 100)
      .fill('1')
      .join(',')}]`;
    // Of that number it is read, and then not signed.
    await expectCode('activity-message-invalid', () => readParcel(activityNetwork, withBody(fewer)));
    const disclosed = `{"body":[${Array(maxDisclosureValues).fill('1').join(',')}]}`;
    await expectCode('activity-body-invalid', () => parseDisclosure(disclosed));
  });

  it('is bounded in a body in fields, in all parts of it together', async () => {
    const part = (value: string) => Buffer.from(value).toString('base64url');
    const header = part(`{"alg":"ES256K","kid":"${people[0].address}","typ":"notarium-body+sd-jwt"}`);
    const payload = part(`{"_sd_alg":"sha-256","attachments":"${noHash}","body":{"_sd":[]},"head":"${noHash}"}`);
    const list = `[${Array(maxParcelValues / 2)
      .fill('1')
      .join(',')}]`;
    const body = (disclosures: readonly string[], claims = payload): Extract<Body, { sdJwt: string }> => ({
      ...{ salt: randomHash(), disclosures: [...disclosures] },
      sdJwt: `${header}.${claims}.${part('x'.repeat(64))}`,
    });
    const tooMany = part(`{"_sd_alg":"sha-256","attachments":"${noHash}","body":[${list},${list}],"head":"${noHash}"}`);
    await expectCode('activity-body-invalid', () => readFields(body([], tooMany)));
    await expectCode('activity-fields-invalid', () => readFields(body([])));
  });
});
