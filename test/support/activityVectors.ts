import { createHash, createPublicKey } from 'node:crypto';
import { signAck } from '../../services/core/activities/ack.ts';
import { type Activity, recipientsOf } from '../../services/core/activities/activity.ts';
import { activityId, signOrigin } from '../../services/core/activities/activityId.ts';
import {
  certificateDigest,
  certificateSalt,
  makeCertificate,
  signTrust,
} from '../../services/core/activities/certificate.ts';
import { type Attachments, attachmentsDigest, type Body } from '../../services/core/activities/contents.ts';
import { deviceStatementDigest, signCredential } from '../../services/core/activities/credential.ts';
import { disclosureText, makeDisclosure } from '../../services/core/activities/disclosure.ts';
import { deviceBodyDigest, type PackedFields } from '../../services/core/activities/fields.ts';
import { type Membership, noHash, sortedMembers } from '../../services/core/activities/members.ts';
import type { ActivityTerms, Head } from '../../services/core/activities/message.ts';
import { groupDigest } from '../../services/core/activities/opening.ts';
import { commitmentsOf, type Message, parcelBytes, signParcel } from '../../services/core/activities/parcel.ts';
import {
  activitySubject,
  blindedGroup,
  type Sealed,
  sealDigest,
  sealingOf,
  sealOf,
} from '../../services/core/activities/sealed.ts';
import { messagesDigest, sharedMessages } from '../../services/core/activities/shared.ts';
import { startActivity, takeMessage } from '../../services/core/activities/takeMessage.ts';
import { concat, fromUtf8, type Hash, toHex } from '../../services/core/bytes.ts';
import { networkName } from '../../services/core/eip712.ts';
import { digestText } from '../../services/core/record.ts';
import { packFields } from '../../services/lib/activities/fieldDigests.ts';
import { openingKey, Sealer } from '../../services/lib/activities/seal.ts';
import { sealFile } from '../../services/lib/activities/sealedFile.ts';
import { memberFor, activityNetwork as network, type Person, person, withFields } from './activityKit.ts';

/** All that is random elsewhere: SHA-256 of a number, one after the other. */
class FixedRandom {
  #count = 0;

  readonly bytes = (sizeBytes: number): Uint8Array => {
    const parts: Uint8Array[] = [];
    for (let have = 0; have < sizeBytes; have += 32)
      parts.push(
        createHash('sha256')
          .update(`notarium activity vectors ${++this.#count}`)
          .digest(),
      );
    return concat(...parts).slice(0, sizeBytes);
  };

  hash(): Hash {
    return toHex(this.bytes(32));
  }
}

const time = '2026-11-22T05:00:00.000Z';
const deviceTime = 1_795_323_500;
const terms: ActivityTerms = {
  kind: 'person-thing',
  request: 'both',
  rules: { history: true, approval: 'majority' },
  schema: { type: 'object', required: ['order'], properties: { order: { type: 'string' } } },
};
const order = {
  order: 'A-17',
  price: { amount: 12.5, currency: 'EUR' },
  lines: [{ article: 'Käse – ½ kg', count: 2 }, { article: '𝄞 tuning fork', count: 1 }, []],
  '\u20ac': null,
  '\ud83d\ude00 name': true,
  '\ufb33': 1.5e-7,
};

/** What test/vectors/activities.json has: one activity from its beginning on, in which every type of message comes. */
export async function activityVectors() {
  const random = new FixedRandom();
  const [alice, bob, carol, device] = [person(1), person(2), person(3), person(4)] as const;
  const names = new Map<Person, string>([
    ...([
      [alice, 'initiator'],
      [bob, 'receiver'],
    ] as const),
    ...([
      [carol, 'regulator'],
      [device, 'device of the receiver'],
    ] as const),
  ]);
  const ephemeral: string[] = [];
  const sealer = new Sealer(() => {
    const secret = random.bytes(32);
    ephemeral.push(toHex(secret));
    const { key } = openingKey(secret);
    return { privateKey: key, publicKey: createPublicKey(key) };
  });
  const origin = await signOrigin(network, random.hash(), alice.signer);
  const id = activityId(networkName(network), origin);
  let activity: Activity | undefined;
  const messages: object[] = [];

  async function say(
    by: Person,
    head: object,
    contents: { body?: Body | PackedFields; attachments?: Attachments } = {},
  ): Promise<{ message: Message; sealed: Sealed }> {
    const { body = { salt: random.hash(), body: null }, attachments = { salt: random.hash(), list: [] } } = contents;
    const place = activity && {
      group: activity.group,
      epoch: activity.epochs.get(activity.group)!.membership.epoch,
    };
    const whole = {
      ...{ v: 1, network: networkName(network), activity: id, sender: by.address, time, salt: random.hash() },
      ...place,
      ...head,
    } as Head;
    const said = { head: whole, attachments };
    const parcel = 'packed' in body ? await withFields(said, body, by.signer) : { ...said, body };
    const message = await signParcel(network, parcel, by.signer);
    activity = activity ? takeMessage(network, activity, message) : startActivity(message);
    const { secret, membership } = activity.epochs.get(message.head.group)!;
    ephemeral.length = 0;
    const sealed = sealer.seal(message, secret, membership.members);
    const seal = sealOf(sealed);
    const digest = sealDigest(seal);
    messages.push({
      parcel: { ...parcel, signature: message.signature },
      canonical: fromUtf8(parcelBytes(message)),
      commitments: commitmentsOf(message),
      id: message.id,
      epochSecret: secret,
      blindedGroup: blindedGroup(secret, message.id),
      contentKey: toHex(sealingOf(secret, message.id, whole.epoch).key),
      ephemeralSecrets: [...ephemeral],
      sealed,
      seal,
      sealDigest: digest,
      record: {
        kind: 'activity',
        subject: activitySubject(blindedGroup(secret, message.id)),
        digest: digestText(Buffer.from(digest.slice(2), 'hex')),
      },
    });
    return { message, sealed };
  }

  const opens = (by: Person, membership: Membership, more: object = {}) => {
    const opening = { terms, membership, secret: random.hash(), ...more };
    const group = groupDigest({ activity: id, sender: by.address, ...opening });
    return { epoch: membership.epoch, group, ...opening, origin };
  };

  const plain = Buffer.concat([Buffer.alloc(65_536, 'notarium '), Buffer.from('the last piece')]);
  const file = sealFile([plain], random.bytes);
  const sealedFile = Buffer.concat(await Array.fromAsync(file.sealed));
  const attachments = {
    salt: random.hash(),
    list: [
      { name: 'plan.pdf', mediaType: 'application/pdf', ...file.summary() },
      { name: 'a second one', ...file.summary() },
    ],
  };
  const members = sortedMembers([
    memberFor(alice, 'initiator'),
    memberFor(bob, 'receiver'),
    memberFor(carol, 'regulator'),
  ]);
  const { message: first, sealed: firstSealed } = await say(
    alice,
    { type: 'start', ...opens(alice, { epoch: 0, previous: noHash, members }) },
    { body: { salt: random.hash(), body: order as never }, attachments },
  );

  const credential = await signCredential(
    network,
    { id: random.hash(), device: device.address, name: 'Terminal 7', notBefore: 1_795_000_000, expires: 1_800_000_000 },
    bob.signer,
  );
  const newSalt = () => Buffer.from(random.bytes(32)).toString('base64url');
  const packed = {
    ...(await packFields({ ...order, lines: ['x', 'y'] }, { newSalt })),
    salt: random.hash(),
  };
  const { message: second } = await say(
    bob,
    { type: 'update', builds: [first.id], number: 2 },
    { body: packed, attachments: { salt: random.hash(), list: [] } },
  );

  const ofDevice = {
    body: { salt: random.hash(), body: { temperature: 21.5 } },
    attachments: { salt: random.hash(), list: [] },
  };
  const { body, attachments: files } = commitmentsOf({ head: second.head, ...ofDevice });
  const statement = {
    ...{ credential: credential.id, activity: id, type: 'note' as const, on: [second.id], time: deviceTime },
    ...{ body, attachments: files },
  };
  const said = toHex(await device.signer.sign(deviceStatementDigest(network, statement)));
  await say(bob, { type: 'note', on: second.id, device: { credential, time: deviceTime, signature: said } }, ofDevice);
  await say(carol, { type: 'note', on: second.id }, { body: { salt: random.hash(), body: 'seen' } });
  const inFields = {
    body: { ...(await packFields({ kg: 12, gate: 'north' }, { newSalt })), salt: random.hash() },
    attachments: { salt: random.hash(), list: [] },
  };
  const ofFields = toHex(
    await device.signer.sign(
      deviceStatementDigest(network, {
        ...statement,
        body: deviceBodyDigest(inFields.body),
        attachments: attachmentsDigest(inFields.attachments),
      }),
    ),
  );
  const weighed = { credential, time: deviceTime, signature: ofFields };
  await say(bob, { type: 'note', on: second.id, device: weighed }, inFields);

  const to = recipientsOf(activity!, activity!.versions.get(second.id)!);
  const signatures = [];
  for (const one of [alice, bob, carol].toSorted((a, b) => (a.address < b.address ? -1 : 1))) {
    const signature = await signTrust(network, { message: second.id, members: to }, one.signer);
    await say(one, { type: 'countersignature', on: second.id, signature });
    signatures.push({ member: one.address, signature });
  }
  const { message: certified } = await say(bob, { type: 'certificate', on: second.id, members: [...to], signatures });
  const certificate = makeCertificate(
    network,
    { message: second.id, members: to },
    { signatures, salt: certificateSalt((first.head as { secret: Hash }).secret, certified.id) },
  );

  const { message: proposal } = await say(bob, { type: 'proposal', change: { remove: carol.address } });
  const votes: Hash[] = [];
  for (const one of [alice, bob])
    votes.push((await say(one, { type: 'vote', on: proposal.id, approve: true })).message.id);
  await say(bob, {
    type: 'members',
    ...opens(
      bob,
      { epoch: 1, previous: first.head.group, members: members.filter(({ address }) => address !== carol.address) },
      { heads: [second.id], proposal: { id: proposal.id, votes } },
    ),
  });
  const { message: leave } = await say(bob, { type: 'leave' });
  await say(alice, {
    type: 'members',
    ...opens(
      alice,
      { epoch: 2, previous: leave.head.group, members: members.filter(({ address }) => address === alice.address) },
      { heads: [second.id], left: [leave.id] },
    ),
  });

  ephemeral.length = 0;
  const firstKey = sealingOf((first.head as { secret: Hash }).secret, first.id, 0).key;
  const copy = { sealed: sealer.wrapAgain(firstSealed, firstKey, carol.key), copy: true };
  const shared = sharedMessages(activity!, [alice.address, bob.address], 0);
  const ack = (stage: 'delivered' | 'read') =>
    signAck(network, { seal: sealDigest(sealOf(firstSealed)), stage, time: deviceTime }, bob.signer);
  const disclosed = {
    'a body, and who says it': makeDisclosure(first, sealOf(firstSealed), { body: true, author: true }),
    'one field': makeDisclosure(second, sealOfMessage(messages, second.id), {
      body: ['price.amount'],
    }),
    'an attachment': makeDisclosure(first, sealOf(firstSealed), { attachments: [1] }),
  };
  return {
    comment:
      'Made by scripts/activity-vectors.ts from keys that everybody knows; checked by a second implementation in test/services/docs/activityVectors.test.ts, which goes by docs/protocol.md alone.',
    domain: {
      name: 'Notarium',
      version: '1',
      chainId: network.chainId,
      verifyingContract: network.contract,
    },
    people: [alice, bob, carol, device].map((one, at) => ({
      ...{ name: names.get(one), privateKey: `0x${`0${at + 1}`.repeat(32)}`, address: one.address },
      ...{ x25519Secret: toHex(one.secret), x25519Public: one.key },
    })),
    activity: id,
    bodyInFields: { ...order, lines: ['x', 'y'] },
    messages,
    copy: { of: first.id, ephemeralSecret: ephemeral[0], envelope: copy },
    acknowledgements: [await ack('delivered'), await ack('read')],
    comparison: { since: 0, ids: shared, digest: messagesDigest(shared) },
    certificate: { certificate, digest: certificateDigest(certificate) },
    attachment: {
      plain: 'the bytes of "notarium " again and again, 65,536 of them, then "the last piece"',
      plainDigest: toHex(createHash('sha256').update(plain).digest()),
      summary: file.summary(),
      // The first chunk is long: its beginning, and all after it.
      header: toHex(sealedFile.subarray(0, 50)),
      firstNonce: toHex(sealedFile.subarray(50, 62)),
      firstTag: toHex(sealedFile.subarray(62 + 65_536, 78 + 65_536)),
      rest: toHex(sealedFile.subarray(78 + 65_536)),
    },
    disclosures: Object.entries(disclosed).map(([what, disclosure]) => ({ what, text: disclosureText(disclosure) })),
  };
}

function sealOfMessage(messages: readonly object[], id: Hash) {
  const found = (messages as { id: Hash; sealed: Sealed }[]).find((message) => message.id === id)!;
  return sealOf(found.sealed);
}

/** The committed text. */
export const vectorsText = (vectors: unknown): string => `${JSON.stringify(vectors, null, 2)}\n`;
