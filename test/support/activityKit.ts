import { randomBytes } from 'node:crypto';
import { type Activity, membersOf, nextNumber, recipientsOf } from '../../services/core/activities/activity.ts';
import { activityId, signOrigin } from '../../services/core/activities/activityId.ts';
import { type Agreement, signTrust } from '../../services/core/activities/certificate.ts';
import { attachmentsDigest, type Body, disclosuresDigest } from '../../services/core/activities/contents.ts';
import { changedMembers, leaversOf } from '../../services/core/activities/decided.ts';
import type { FieldBody, FieldsPlace, PackedFields } from '../../services/core/activities/fields.ts';
import {
  type Member,
  type MemberRole,
  type Membership,
  noHash,
  sortedMembers,
} from '../../services/core/activities/members.ts';
import type {
  ActivityTerms,
  Head,
  HeadOf,
  HeadType,
  MemberChange,
  TrustSignatures,
} from '../../services/core/activities/message.ts';
import { groupDigest } from '../../services/core/activities/opening.ts';
import { headDigest, type Message, type Parcel, shownHead, signParcel } from '../../services/core/activities/parcel.ts';
import { type Address, type Hash, toHex } from '../../services/core/bytes.ts';
import { type Network, networkName } from '../../services/core/eip712.ts';
import type { Signer } from '../../services/core/signature.ts';
import { packFields, signFields } from '../../services/lib/activities/fieldDigests.ts';
import { curveKey } from '../../services/lib/curveKey.ts';
import { localSigner } from '../../services/lib/localSigner.ts';
import { loadCrypto } from '../../services/lib/nativeCrypto.ts';

export const activityNetwork: Network = { chainId: 31337, contract: `0x${'ab'.repeat(20)}` as Address };

export const randomHash = (): Hash => toHex(randomBytes(32));

const crypto = await loadCrypto();

/** An X25519 public key of nobody in particular. */
export const randomKey = (): Hash => curveKey('x25519', randomBytes(32)).publicKey;

/** A node that takes part, with both of its keys. */
export type Person = {
  readonly signer: Signer;
  readonly address: Address;
  readonly secret: Uint8Array;
  readonly key: Hash;
};

/** A node with keys of its own, the same each time for a number. */
export function person(number: number): Person {
  const signer = localSigner(new Uint8Array(32).fill(number), crypto);
  const secret = new Uint8Array(32).fill(100 + number);
  return { signer, address: signer.address, secret, key: curveKey('x25519', secret).publicKey };
}

export const memberFor = ({ address, key }: Person, role: MemberRole): Member => ({ address, role, key });

export const plainTerms: ActivityTerms = {
  kind: 'industrial',
  request: 'both',
  rules: { history: true, approval: 'majority' },
};

type Wanted<T extends HeadType> = Omit<HeadOf<T>, 'v' | 'network' | 'time' | 'salt' | 'sender' | 'type'>;

/** A signed message of a type. */
export async function say<T extends HeadType>(
  by: Person,
  type: T,
  head: Wanted<T>,
  body: unknown = null,
  changes: { head?: object; parcel?: Partial<Parcel>; signer?: Signer } = {},
): Promise<Message> {
  const whole = {
    ...{ v: 1, network: networkName(activityNetwork), time: '2026-11-22T05:00:00.000Z', salt: randomHash() },
    ...{ sender: by.address, type },
    ...head,
    ...changes.head,
  } as unknown as Head;
  const parcel = {
    head: whole,
    body: { salt: randomHash(), body } as Body,
    attachments: { salt: randomHash(), list: [] },
    ...changes.parcel,
  };
  return await signParcel(activityNetwork, parcel, changes.signer ?? by.signer, crypto);
}

/** A body in fields, signed as that of a message of which nothing else is known. */
export async function signedFields(
  body: unknown,
  signer: Signer,
  options: Parameters<typeof packFields>[1] & { readonly place?: FieldsPlace } = {},
): Promise<FieldBody> {
  const { place = { head: randomHash(), attachments: randomHash() } } = options;
  return await signFields(await packFields(body, options), place, signer);
}

/** A parcel whose body is in fields, signed for it. */
export async function withFields(parcel: Omit<Parcel, 'signature' | 'body'>, packed: PackedFields, signer: Signer) {
  const head = { ...parcel.head, fields: disclosuresDigest(packed)! };
  const place = { head: headDigest(shownHead(head)), attachments: attachmentsDigest(parcel.attachments) };
  return { ...parcel, head, body: await signFields(packed, place, signer) };
}

/** The first message of an activity among these, the first of whom begins it. */
export async function begin(
  [initiator, ...others]: readonly Person[],
  options: {
    regulators?: readonly Person[];
    terms?: ActivityTerms;
    changes?: Partial<HeadOf<'start'>>;
    secret?: Hash;
  } = {},
): Promise<Message> {
  const { regulators = [], terms = plainTerms, changes, secret = randomHash() } = options;
  const members = sortedMembers([
    memberFor(initiator!, 'initiator'),
    ...others.map((one) => memberFor(one, 'receiver')),
    ...regulators.map((one) => memberFor(one, 'regulator')),
  ]);
  const membership: Membership = { epoch: 0, previous: noHash, members };
  const origin = await signOrigin(activityNetwork, randomHash(), initiator!.signer, crypto);
  const activity = activityId(networkName(activityNetwork), origin);
  const group = groupDigest({ activity, sender: initiator!.address, terms, membership, secret, ...changes });
  return await say(
    initiator!,
    'start',
    { activity, epoch: 0, group, terms, membership, secret, origin },
    { step: 'start' },
    { head: changes ?? {} },
  );
}

const place = ({ id, group, epochs }: Activity) => ({
  activity: id,
  group,
  epoch: epochs.get(group)!.membership.epoch,
});

/** A next version, on the heads that the activity has, or on those given. */
export async function update(
  activity: Activity,
  by: Person,
  builds: readonly Hash[] = activity.heads,
): Promise<Message> {
  const number = nextNumber(builds.map((id) => activity.versions.get(id)?.number ?? 0));
  return await say(by, 'update', { ...place(activity), builds: [...builds], number }, { by: by.address, number });
}

export async function noteOn(activity: Activity, by: Person, on: Hash): Promise<Message> {
  return await say(by, 'note', { ...place(activity), on }, 'seen');
}

export async function countersign(activity: Activity, by: Person, on: Hash): Promise<Message> {
  return await say(by, 'countersignature', {
    ...place(activity),
    on,
    signature: await signTrust(activityNetwork, agreementOn(activity, on), by.signer),
  });
}

export async function certify(activity: Activity, by: Person, on: Hash, signatures: TrustSignatures): Promise<Message> {
  const { members } = agreementOn(activity, on);
  return await say(by, 'certificate', { ...place(activity), on, members: [...members], signatures });
}

/** What members sign who agree to a version. */
export function agreementOn(activity: Activity, on: Hash): Agreement {
  return { message: on, members: recipientsOf(activity, activity.versions.get(on)!) };
}

export async function propose(activity: Activity, by: Person, change: MemberChange): Promise<Message> {
  return await say(by, 'proposal', { ...place(activity), change });
}

export async function vote(activity: Activity, by: Person, on: Hash, approve = true): Promise<Message> {
  return await say(by, 'vote', { ...place(activity), on, approve });
}

/** Who sends it is to be let go. */
export async function leave(activity: Activity, by: Person): Promise<Message> {
  return await say(by, 'leave', place(activity));
}

/** The next epoch, without those who have left. */
export async function letGo(activity: Activity, by: Person): Promise<Message> {
  const leavers = leaversOf(activity);
  const staying = membersOf(activity).members.filter(({ address }) => !leavers.has(address));
  return await changeMembers(activity, by, staying, { left: [...leavers.values()] });
}

/** The next epoch. */
export async function changeMembers(
  activity: Activity,
  by: Person,
  change: MemberChange | readonly Member[],
  more: Partial<HeadOf<'members'>> = {},
  origin = activity.origin,
): Promise<Message> {
  const before = activity.epochs.get(activity.group)!.membership;
  const members = Array.isArray(change)
    ? sortedMembers(change as readonly Member[])
    : changedMembers(before.members, change as MemberChange);
  const membership: Membership = { epoch: before.epoch + 1, previous: activity.group, members };
  const opening = { terms: activity.terms, membership, secret: randomHash(), heads: [...activity.heads], ...more };
  const group = groupDigest({ activity: activity.id, sender: by.address, ...opening });
  return await say(by, 'members', { activity: activity.id, epoch: membership.epoch, group, origin, ...opening });
}
