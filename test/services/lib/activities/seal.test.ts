import { expect } from 'chai';
import { flattenedDecrypt, importJWK } from 'jose';
import { checkEnvelope } from '../../../../services/core/activities/envelope.ts';
import { parcelBytes } from '../../../../services/core/activities/parcel.ts';
import {
  type Sealed,
  sealDigest,
  sealedSchema,
  sealingOf,
  sealOf,
} from '../../../../services/core/activities/sealed.ts';
import { startActivity } from '../../../../services/core/activities/takeMessage.ts';
import { openingKey, Sealer, unseal } from '../../../../services/lib/activities/seal.ts';
import { begin, person, randomHash } from '../../../support/activityKit.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { withSpareBit } from '../../../support/hostilePeer.ts';

const [buyer, seller, carrier, stranger] = [person(1), person(2), person(3), person(4)];

describe('a sealed message', () => {
  const sealer = new Sealer();
  const sealedStart = async () => {
    const message = await begin([buyer, seller, carrier]);
    const epoch = startActivity(message).epochs.get(message.head.group)!;
    const { key } = sealingOf(epoch.secret, message.id, 0);
    return { message, epoch, key, sealed: sealer.seal(message, epoch.secret, epoch.membership.members) };
  };

  it('is opened by each member, and by nobody else', async () => {
    const { message, epoch, sealed, key } = await sealedStart();
    for (const one of [buyer, seller, carrier]) {
      const keys = [openingKey(stranger.secret), openingKey(one.secret)];
      expect(unseal(sealed, keys)).to.deep.equal({ bytes: parcelBytes(message), contentKey: key });
    }
    await expectCode('activity-message-unreadable', () => unseal(sealed, [openingKey(stranger.secret)]));
    checkEnvelope({ sealed }, message, epoch, key);
    expect(sealedSchema.parse(JSON.parse(JSON.stringify(sealed)))).to.deep.equal(sealed);
    const text = JSON.stringify(sealed);
    for (const secret of [message.head.activity, buyer.address, seller.address])
      expect(text).to.not.contain(secret.slice(2));
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
    const digest = sealDigest(sealOf(sealed));
    for (const other of changed.slice(0, 4)) expect(sealDigest(sealOf(other))).to.not.equal(digest);
  });

  it('is written in one way: of base64url the canonical one, and nothing shorter', async () => {
    const message = await begin([buyer, seller, carrier]);
    const secret = randomHash();
    // Of each remainder by three one.
    for (const name of ['a', 'ab', 'abc']) {
      const said = { ...message, attachments: { ...message.attachments, salt: name } } as never;
      const sealed = sealer.seal(said, secret, [buyer, seller]);
      const isTaken = (change: object) => sealedSchema.safeParse({ ...sealed, ...change }).success;
      expect(isTaken({})).to.equal(true);
      for (const part of ['protected', 'iv', 'ciphertext', 'tag'] as const) {
        const text = sealed[part];
        const others = [`${text.slice(0, text.length - (text.length % 4))}A`, `${text}=`];
        if (text.length % 4 > 1) others.push(withSpareBit(text));
        for (const other of others) expect(isTaken({ [part]: other }), `${part} ${other}`).to.equal(false);
      }
      const [{ header, encrypted_key }, second] = sealed.recipients as [Sealed['recipients'][0], object];
      const x = withSpareBit(header.epk.x);
      const recipients = [
        { header: { ...header, epk: { ...header.epk, x } }, encrypted_key },
        { header, encrypted_key: withSpareBit(encrypted_key) },
        { header, encrypted_key: encrypted_key.slice(0, -2) },
      ];
      for (const other of recipients) expect(isTaken({ recipients: [other, second] })).to.equal(false);
      for (const tag of [sealed.tag.slice(0, 16), '']) expect(isTaken({ tag })).to.equal(false);
    }
  });

  it('belongs to its message, epoch and group, and to all of the members', async () => {
    const { message, epoch, sealed, key } = await sealedStart();
    const other = await sealedStart();
    const invalid = async (envelope: Parameters<typeof checkEnvelope>[0], at = epoch) =>
      await expectCode('activity-message-invalid', () => checkEnvelope(envelope, message, at, key));
    await invalid({ sealed: other.sealed });
    await invalid({ sealed }, { ...epoch, secret: randomHash() });
    await invalid({ sealed: { ...sealed, recipients: sealed.recipients.slice(1) } });
    await invalid({ sealed: { ...sealed, recipients: [...sealed.recipients, other.sealed.recipients[0]!] } });
    const toStranger = sealer.seal(message, epoch.secret, [stranger, ...epoch.membership.members]);
    await invalid({ sealed: toStranger });
    // With another key the same seal could not be made again by its receivers.
    await expectCode('activity-message-invalid', () => checkEnvelope({ sealed }, message, epoch, new Uint8Array(32)));
    const later = { ...message, head: { ...message.head, epoch: 1 } };
    await invalid({ sealed: sealer.seal(later, epoch.secret, epoch.membership.members) });
  });

  it('goes as a copy to who has come later, with the seal and the ciphertext that the log has', async () => {
    const { message, epoch, sealed, key } = await sealedStart();
    const again = sealer.seal(message, epoch.secret, [stranger]);
    expect({ ...again, recipients: [] }).to.deep.equal({ ...sealed, recipients: [] });
    expect(unseal(again, [openingKey(stranger.secret)])).to.deep.equal({
      bytes: parcelBytes(message),
      contentKey: key,
    });
    checkEnvelope({ sealed: again, copy: true }, message, epoch, key);
    await expectCode('activity-message-invalid', () => checkEnvelope({ sealed: again }, message, epoch, key));
    await expectCode('activity-message-invalid', () => checkEnvelope({ sealed, copy: true }, message, epoch, key));
    const wrapped = sealer.wrapAgain(sealed, key, stranger.key);
    expect(unseal(wrapped, [openingKey(stranger.secret)]).bytes).to.deep.equal(parcelBytes(message));
    expect(sealOf(wrapped)).to.deep.equal(sealOf(sealed));
  });

  it('has one seal alone: another nonce, or another form of the same header, is refused', async () => {
    const { message, epoch, sealed, key } = await sealedStart();
    const header = JSON.parse(Buffer.from(sealed.protected, 'base64url').toString()) as object;
    const spaced = Buffer.from(JSON.stringify(header, null, 1)).toString('base64url');
    for (const other of [{ iv: Buffer.alloc(12).toString('base64url') }, { protected: spaced }]) {
      await expectCode('activity-message-invalid', () =>
        checkEnvelope({ sealed: { ...sealed, ...other } }, message, epoch, key),
      );
    }
  });

  it('is a JWE that others read, too', async () => {
    const { message, sealed } = await sealedStart();
    const { recipients, ...rest } = sealed;
    for (const one of [buyer, seller, carrier]) {
      const own = recipients.find(({ header }) => header.kid === one.key)!;
      const [d, x] = [one.secret, Buffer.from(one.key.slice(2), 'hex')].map((each) =>
        Buffer.from(each).toString('base64url'),
      );
      const key = await importJWK({ kty: 'OKP', crv: 'X25519', x: x!, d: d! }, 'ECDH-ES+A256KW');
      const { plaintext } = await flattenedDecrypt({ ...rest, ...own }, key);
      expect(plaintext).to.deep.equal(parcelBytes(message));
    }
  });

  it('shows two messages of one group as two of different groups', async () => {
    const { message, epoch } = await sealedStart();
    const again = { ...message, id: randomHash() };
    const [one, two] = [message, again].map((each) => sealer.seal(each, epoch.secret, epoch.membership.members));
    const groups = [one!, two!].map(
      ({ protected: text }) => (JSON.parse(Buffer.from(text, 'base64url').toString()) as { grp: string }).grp,
    );
    expect(groups[0]).to.not.equal(groups[1]);
  });
});
