import { x25519 } from '@noble/curves/ed25519.js';
import { expect } from 'chai';
import { parcelBytes, readParcel } from '../../../../services/core/activities/parcel.ts';
import { isSealingKey } from '../../../../services/core/activities/sealingKey.ts';
import { fromHex, type Hash, toHex } from '../../../../services/core/bytes.ts';
import { activityNetwork, begin, person, randomKey } from '../../../support/activityKit.ts';
import { expectCode } from '../../../support/expectCode.ts';

const p = 2n ** 255n - 19n;
const orders = [
  0n,
  1n,
  325606250916557431795983626356110631294008115727848805560023387167927233504n,
  39382357235489614581723060781553021112529911719440698176882885853963445705823n,
  p - 1n,
  p,
  p + 1n,
];
const keyOf = (u: bigint): Hash => toHex(fromHex(u.toString(16).padStart(64, '0')).toReversed());

describe('a key of a member', () => {
  it('is none to which nothing can be sealed: those of low order, in each of their forms', () => {
    for (const u of orders)
      for (const form of [u, u + 2n ** 255n]) {
        const key = keyOf(form);
        expect(isSealingKey(key), key).to.equal(false);
        // By the library that seals they are none, either.
        expect(() => x25519.getSharedSecret(new Uint8Array(32).fill(7), fromHex(key))).to.throw();
      }
  });

  it('is any other one', () => {
    for (let run = 0; run < 200; run++) expect(isSealingKey(randomKey())).to.equal(true);
    for (const u of [2n, 9n, p - 2n, p + 9n]) {
      expect(isSealingKey(keyOf(u))).to.equal(true);
      expect(x25519.getSharedSecret(new Uint8Array(32).fill(7), fromHex(keyOf(u)))).to.have.length(32);
    }
  });

  it('is looked at before anything else is made of a message', async () => {
    const [one, other] = [person(1), { ...person(2), key: keyOf(1n) }];
    const first = await begin([one, other]);
    await expectCode('activity-message-invalid', () => readParcel(activityNetwork, parcelBytes(first)));
    expect(readParcel(activityNetwork, parcelBytes(await begin([one, person(2)]))).head.type).to.equal('start');
  });
});
