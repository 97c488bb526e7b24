import { expect } from 'chai';
import { type CryptoKey, flattenedDecrypt, GeneralEncrypt, importJWK } from 'jose';
import { checkEnvelope, sealOfEnvelope } from '../../../../services/core/activities/envelope.ts';
import { parcelBytes } from '../../../../services/core/activities/parcel.ts';
import { type Sealed, sealDigest, sealedSchema } from '../../../../services/core/activities/sealed.ts';
import { startActivity } from '../../../../services/core/activities/takeMessage.ts';
import { fromHex, type Hash } from '../../../../services/core/bytes.ts';
import { jwkOf } from '../../../../services/lib/activities/jwe.ts';
import { openingKey, Sealer, unseal } from '../../../../services/lib/activities/seal.ts';
import { begin, type Person, person, randomHash } from '../../../support/activityKit.ts';
import { expectCode } from '../../../support/expectCode.ts';

const [buyer, seller, carrier, stranger] = [person(1), person(2), person(3), person(4)];

const algorithm = 'ECDH-ES+A256KW';
const publicJwk = ({ key }: Person) => jwkOf(fromHex(key));

describe('a sealed message', () => {
  const sealer = new Sealer();
  const sealedStart = async () => {
    const message = await begin([buyer, seller, carrier]);
    const epoch = startActivity(message).epochs.get(message.head.group)!;
    return { message, epoch, sealed: await sealer.seal(message, epoch.secret, epoch.membership.members) };
  };

  it('is opened by each member, and by nobody else', async () => {
    const { message, epoch, sealed } = await sealedStart();
    for (const one of [buyer, seller, carrier]) {
      const keys = [openingKey(stranger.secret), openingKey(one.secret)];
      expect(unseal(sealed, keys)).to.deep.equal(parcelBytes(message));
    }
    await expectCode('activity-message-unreadable', () => unseal(sealed, [openingKey(stranger.secret)]));
    checkEnvelope({ sealed }, message, epoch);
    expect(sealedSchema.parse(JSON.parse(JSON.stringify(sealed)))).to.deep.equal(sealed);
    const text = JSON.stringify(sealed);
    for (const secret of [message.head.activity, buyer.address, seller.address])
      expect(text).to.not.contain(secret.slice(2));
  });

  it('is a JWE that another library opens, sealed to many or to one', async () => {
    const { message, epoch, sealed } = await sealedStart();
    const alone = await sealer.seal(message, epoch.secret, [seller]);
    expect(alone.recipients[0]!.header.epk).to.equal(undefined);
    const d = Buffer.from(seller.secret).toString('base64url');
    const key = await importJWK({ ...publicJwk(seller), d }, algorithm);
    for (const { recipients, ...rest } of [sealed, alone]) {
      const own = recipients.find(({ header }) => header.kid === seller.key)!;
      const { plaintext } = await flattenedDecrypt({ ...rest, ...own }, key, {
        keyManagementAlgorithms: [algorithm],
        contentEncryptionAlgorithms: ['A256GCM'],
      });
      expect(Buffer.from(plaintext).equals(parcelBytes(message))).to.equal(true);
    }
  });

  it('opens what another library has sealed, to many or to one, and nothing but this format', async () => {
    const { message } = await sealedStart();
    const sealWith = async (people: readonly Person[], header: object) => {
      const jwe = new GeneralEncrypt(parcelBytes(message)).setProtectedHeader({ enc: 'A256GCM', ...header });
      for (const one of people) {
        const key = (await importJWK(publicJwk(one), algorithm)) as CryptoKey;
        jwe.addRecipient(key).setUnprotectedHeader({ alg: algorithm, kid: one.key });
      }
      return (await jwe.encrypt()) as Sealed;
    };
    for (const people of [[buyer, seller, carrier], [seller]])
      expect(unseal(await sealWith(people, {}), [openingKey(seller.secret)])).to.deep.equal(parcelBytes(message));
    for (const header of [{ enc: 'A128GCM' }, { enc: 'A256CBC-HS512' }, { zip: 'DEF' }]) {
      const sealed = await sealWith([seller], header);
      await expectCode('activity-message-unreadable', () => unseal(sealed, [openingKey(seller.secret)]));
    }
  });

  it('goes to nobody whose key is none', async () => {
    const { message, epoch } = await sealedStart();
    // Of small order: what is agreed on with it is the same for everybody.
    for (const digits of ['00', '01'])
      await expectCode(
        'party-unfit',
        sealer.seal(message, epoch.secret, [{ key: `0x${digits.padEnd(64, '0')}` as Hash }]),
      );
  });

  it('does not open with anything changed', async () => {
    const { sealed } = await sealedStart();
    const keys = [openingKey(seller.secret)];
    const flipped = (text: string) => (text[9] === 'A' ? 'B' : 'A');
    const change = (text: string) => text.slice(0, 9) + flipped(text) + text.slice(10);
    const changed: Sealed[] = (['protected', 'iv', 'ciphertext', 'tag'] as const).map((name) => ({
      ...sealed,
      [name]: change(sealed[name]),
    }));
    changed.push({
      ...sealed,
      recipients: sealed.recipients.map((one) => ({ ...one, encrypted_key: change(one.encrypted_key) })),
    });
    for (const other of changed) await expectCode('activity-message-unreadable', () => unseal(other, keys));
    const digest = sealDigest(sealOfEnvelope({ sealed }));
    for (const other of changed.slice(0, 4)) expect(sealDigest(sealOfEnvelope({ sealed: other }))).to.not.equal(digest);
  });

  it('belongs to its message, epoch and group, and to all of the members', async () => {
    const { message, epoch, sealed } = await sealedStart();
    const other = await sealedStart();
    const invalid = async (envelope: Parameters<typeof checkEnvelope>[0], at = epoch) =>
      await expectCode('activity-message-invalid', () => checkEnvelope(envelope, message, at));
    await invalid({ sealed: other.sealed });
    await invalid({ sealed }, { ...epoch, secret: randomHash() });
    await invalid({ sealed: { ...sealed, recipients: sealed.recipients.slice(1) } });
    await invalid({ sealed: { ...sealed, recipients: [...sealed.recipients, other.sealed.recipients[0]!] } });
    const toStranger = await sealer.seal(message, epoch.secret, [stranger, ...epoch.membership.members]);
    await invalid({ sealed: toStranger });
    const later = { ...message, head: { ...message.head, epoch: 1 } };
    await invalid({ sealed: await sealer.seal(later, epoch.secret, epoch.membership.members) });
  });

  it('goes as a copy to who has come later, with the seal that the log has', async () => {
    const { message, epoch, sealed } = await sealedStart();
    const copy = { sealed: await sealer.seal(message, epoch.secret, [stranger]), original: sealOfEnvelope({ sealed }) };
    checkEnvelope(copy, message, epoch);
    expect(sealOfEnvelope(copy)).to.deep.equal(sealOfEnvelope({ sealed }));
    expect(unseal(copy.sealed, [openingKey(stranger.secret)])).to.deep.equal(parcelBytes(message));
    const other = await sealedStart();
    const lie = { ...copy, original: sealOfEnvelope({ sealed: other.sealed }) };
    await expectCode('activity-message-invalid', () => checkEnvelope(lie, message, epoch));
  });

  it('shows two messages of one group as two of different groups', async () => {
    const { message, epoch } = await sealedStart();
    const again = { ...message, id: randomHash() };
    const [one, two] = [message, again].map((each) => sealer.seal(each, epoch.secret, epoch.membership.members));
    const groups = [await one!, await two!].map(
      ({ protected: text }) => (JSON.parse(Buffer.from(text, 'base64url').toString()) as { grp: string }).grp,
    );
    expect(groups[0]).to.not.equal(groups[1]);
  });
});
