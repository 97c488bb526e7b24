import { expect } from 'chai';
import { checkEnvelope, sealOfEnvelope } from '../../../../services/core/activities/envelope.ts';
import { parcelBytes } from '../../../../services/core/activities/parcel.ts';
import { type Sealed, sealDigest, sealedSchema } from '../../../../services/core/activities/sealed.ts';
import { startActivity } from '../../../../services/core/activities/takeMessage.ts';
import { openingKey, Sealer, unseal } from '../../../../services/lib/activities/seal.ts';
import { begin, person, randomHash } from '../../../support/activityKit.ts';
import { expectCode } from '../../../support/expectCode.ts';

const [buyer, seller, carrier, stranger] = [person(1), person(2), person(3), person(4)];

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
