import { randomBytes } from 'node:crypto';
import { makeCertificate, signTrust, type TrustCertificate } from '../../../../services/core/activities/certificate.ts';
import {
  type Attachment,
  type Attachments,
  attachmentsDigest,
  type Body,
} from '../../../../services/core/activities/contents.ts';
import { deviceStatementDigest, signCredential } from '../../../../services/core/activities/credential.ts';
import { deviceBodyDigest, type PackedFields } from '../../../../services/core/activities/fields.ts';
import type { HeadOf } from '../../../../services/core/activities/message.ts';
import { type Message, type Parcel, signParcel } from '../../../../services/core/activities/parcel.ts';
import {
  activitySubject,
  readProtected,
  type Seal,
  sealDigest,
  sealOf,
} from '../../../../services/core/activities/sealed.ts';
import type { VerifyRecord } from '../../../../services/core/activities/verifyDisclosure.ts';
import { fromHex, type Hash, toHex } from '../../../../services/core/bytes.ts';
import { type Network, networkName } from '../../../../services/core/eip712.ts';
import type { Receipt } from '../../../../services/core/receipt.ts';
import { digestText } from '../../../../services/core/record.ts';
import { verifyReceipt } from '../../../../services/core/verifyReceipt.ts';
import { Sealer } from '../../../../services/lib/activities/seal.ts';
import { loadCrypto } from '../../../../services/lib/nativeCrypto.ts';
import { begin, type Person, person, randomHash, withFields } from '../../../support/activityKit.ts';
import { committee, fileDigest, network, receiptsOf, recordOf } from '../receiptKit.ts';

/** The fast one. */
export const crypto = await loadCrypto();

/** Buyer, seller and carrier of an activity. */
export const parties = [person(1), person(2), person(3)] as const;

/** A message that was sealed and notarised. */
export type Notarised = {
  readonly message: Message;
  readonly seal: Seal;
  readonly secret: Hash;
  readonly receipt: Receipt;
};

const attachment = (name: string): Attachment => ({
  ...{ name, mediaType: 'application/pdf', sizeBytes: 1000, sealedBytes: 1109, key: randomHash() },
  ...{ digest: randomHash(), sealedDigest: randomHash() },
});

/**
 * The first message of an activity, with two attachments, in a block with other records.
 * @param options.said What the device has signed; the body by default.
 */
export async function notarised(
  body: Body | PackedFields,
  {
    where = network,
    fieldsBy = parties[0],
    device,
    said = body,
  }: { where?: Network; fieldsBy?: Person; device?: Person; said?: Body | PackedFields } = {},
): Promise<Notarised> {
  const [by] = parties;
  const secret = randomHash();
  const drafted = await begin(parties, { secret });
  const attachments = { salt: randomHash(), list: [attachment('order.pdf'), attachment('plan of the hall.pdf')] };
  const head = { ...(drafted.head as HeadOf<'start'>), network: networkName(where) };
  const word = device && { device: await wordOf(device, { where, head, said, attachments }) };
  const beside = { head: { ...head, ...word }, attachments } as Omit<Parcel, 'signature' | 'body'>;
  const parcel = 'packed' in body ? await withFields(beside, body, fieldsBy.signer) : { ...beside, body };
  const message = await signParcel(where, parcel, by.signer);
  const sealed = await new Sealer().seal(message, secret, parties);
  const seal = sealOf(sealed);
  return { message, seal, secret, receipt: await receiptFor(sealDigest(seal), seal) };
}

/** What the first one's device says at the beginning of an activity. */
async function wordOf(
  { address, signer }: Person,
  said: { where: Network; head: HeadOf<'start'>; said: Body | PackedFields; attachments: Attachments },
): Promise<NonNullable<HeadOf<'start'>['device']>> {
  const { where, head, attachments } = said;
  const time = Math.floor(Date.parse(head.time) / 1000);
  const about = { id: randomHash(), device: address, name: 'Sensor 7', notBefore: time, expires: time };
  const credential = await signCredential(where, about, parties[0].signer);
  const digest = deviceStatementDigest(where, {
    ...{ credential: credential.id, activity: head.origin.salt, type: 'start', on: [], time },
    ...{ body: deviceBodyDigest(said.said), attachments: attachmentsDigest(attachments) },
  });
  return { credential, time, signature: toHex(await signer.sign(digest)) };
}

/** Receipt of a record with the digest; about a seal where one is given. */
export async function receiptFor(digest: Hash, seal?: Seal, changes: object = {}): Promise<Receipt> {
  const about = seal ? { kind: 'activity', subject: activitySubject(readProtected(seal.protected).grp) } : {};
  const record = await recordOf(1, { ...about, digest: digestText(fromHex(digest)), ...changes } as never);
  const others = await Promise.all([0, 2].map((index) => recordOf(index, { digest: digestText(fileDigest(index)) })));
  return (await receiptsOf([others[0]!, record, others[1]!]))[1]!;
}

/** Verifies a receipt offline, as one who knows the committee. */
export const verifyRecord: VerifyRecord = (contentDigest, receipt) =>
  verifyReceipt(receipt, { contentDigest, network, committees: [committee], crypto });

/** All parties' signatures over a version. */
export async function certificateOf(message: Hash = randomHash(), where: Network = network): Promise<TrustCertificate> {
  const members = parties.map(({ address }) => address).toSorted();
  const signed = parties.map(async ({ address, signer }) => ({
    member: address,
    signature: await signTrust(where, { message, members }, signer),
  }));
  const signatures = (await Promise.all(signed)).sort((a, b) => (a.member < b.member ? -1 : 1));
  return makeCertificate(where, { message, members }, { signatures, salt: randomHash() });
}

export const plainBody = (body: unknown): Body => ({ salt: `0x${randomBytes(32).toString('hex')}`, body }) as Body;
