import type { Address, Hash, Hex } from '../bytes.ts';
import type { Origin } from './activityId.ts';
import type { Membership } from './members.ts';
import { type ActivityTerms, type MemberChange, maxNumber } from './message.ts';

/** A version of what an activity is about. */
export type Version = {
  readonly id: Hash;
  readonly number: number;
  /** Those whose place it takes; none for the first. */
  readonly builds: readonly Hash[];
  readonly sender: Address;
  /** Digest of the membership to which it went. */
  readonly group: Hash;
};

/**
 * By what right an epoch was opened, the strongest first: the initiator changes the members as it likes; enough voters have approved a
 * proposal; those who have left are let go; a member has a new key.
 */
export type OpeningRight = 'initiator' | 'proposal' | 'leave' | 'key';

/** The members in one epoch, and the message that has made them so. */
export type OpenedEpoch = {
  readonly membership: Membership;
  readonly terms: ActivityTerms;
  readonly secret: Hash;
  /** Of several that open the same one, the message with the lowest id. */
  readonly by: Hash;
  readonly sender: Address;
  readonly right: OpeningRight;
  /** The proposal that was carried out by it. */
  readonly proposal?: Hash;
  /** Versions that were heads to whoever opened it. */
  readonly heads: readonly Hash[];
};

/** A message with a certificate, and how many signatures that has. */
export type MadeCertificate = { readonly message: Hash; readonly signatures: number };

/** Who has sent a message, and to which membership. */
export type Placed = { readonly sender: Address; readonly group: Hash };

/** A change of members that is put to the vote. */
export type Proposal = {
  readonly change: MemberChange;
  readonly sender: Address;
  readonly group: Hash;
  /** All that were cast, by message: what a member has approved once it cannot take back. */
  readonly votes: ReadonlyMap<Hash, Placed & { readonly approve: boolean }>;
  /** Who has approved. */
  readonly approving: ReadonlySet<Address>;
};

/**
 * An activity as one member has it: what its messages make of it. Members that have the same messages have the same, in whatever order
 * these came.
 */
export type Activity = {
  readonly id: Hash;
  readonly origin: Origin;
  readonly terms: ActivityTerms;
  /** By digest. */
  readonly epochs: ReadonlyMap<Hash, OpenedEpoch>;
  /** Digest of the newest membership. */
  readonly group: Hash;
  /** Epoch with which this member has come in; what was before it may be unknown to it. */
  readonly since: number;
  /** With whom this member was in the group, as far as it knew, when it came in anew without them: they may not know of that. */
  readonly leftBehind: readonly Address[];
  readonly versions: ReadonlyMap<Hash, Version>;
  /** Versions whose place nothing has taken: more than one are in conflict. */
  readonly heads: readonly Hash[];
  /** What was noted on versions, by id of the note. */
  readonly notes: ReadonlyMap<Hash, { readonly on: Hash; readonly sender: Address }>;
  /** By version, then by member. */
  readonly countersignatures: ReadonlyMap<Hash, ReadonlyMap<Address, Hex>>;
  /** By version, then by who has made it: one of each, so that nobody takes that of another one away. */
  readonly certificates: ReadonlyMap<Hash, ReadonlyMap<Address, MadeCertificate>>;
  readonly proposals: ReadonlyMap<Hash, Proposal>;
  /** Those that enough have approved of the members to whom they were put: what is decided is looked for among these alone. */
  readonly approved: ReadonlyMap<Hash, true>;
  /** By message: who wants to leave, and in which epoch it has said so. */
  readonly leaves: ReadonlyMap<Hash, Placed>;
  /** What devices have signed, by digest: the message with the lowest id that says it. */
  readonly statements: ReadonlyMap<Hash, Hash>;
  /** All messages that were taken, by id. */
  readonly taken: ReadonlyMap<Hash, Placed>;
};

/** The newest members. */
export function membersOf(activity: Activity): Membership {
  return activity.epochs.get(activity.group)!.membership;
}

/** Addresses of the members before the last change, where it is known. */
export function membersBefore({ epochs, group }: Pick<Activity, 'epochs' | 'group'>): Address[] {
  const before = epochs.get(epochs.get(group)!.membership.previous);
  return before?.membership.members.map(({ address }) => address) ?? [];
}

/** Whom a version went to, by address. */
export function recipientsOf({ epochs }: Pick<Activity, 'epochs'>, { group }: Pick<Version, 'group'>): Address[] {
  return epochs.get(group)?.membership.members.map(({ address }) => address) ?? [];
}

/** Whose signatures the certificate of a version needs: of whom it went to, those who are in the group at that time still. */
export function trustees(activity: Activity, version: Version, group: Hash): Address[] {
  const still = activity.epochs.get(group)!.membership.members.map(({ address }) => address);
  return recipientsOf(activity, version).filter((address) => still.includes(address));
}

/** Messages with the certificates of a version: those with more signatures first, then those with a lower id. */
export function certificatesOn({ certificates }: Pick<Activity, 'certificates'>, version: Hash): Hash[] {
  return [...(certificates.get(version)?.values() ?? [])].toSorted(byStrength).map(({ message }) => message);
}

/** Which of two certificates of one version comes first. */
export function byStrength(a: MadeCertificate, b: MadeCertificate): number {
  return b.signatures - a.signatures || (a.message < b.message ? -1 : 1);
}

/** Members whose countersignature the certificate of a version still needs; none where nobody is asked. */
export function unsignedOf(activity: Activity, version: Version): Address[] {
  if (!wantsTrust(activity)) return [];
  const signed = activity.countersignatures.get(version.id);
  return trustees(activity, version, activity.group).filter((member) => !signed?.has(member));
}

/** Of a version that builds on those with these numbers: who has said too great a one keeps nobody from bringing it together with others. */
export function nextNumber(numbers: readonly number[]): number {
  return Math.min(maxNumber, 1 + Math.max(1, ...numbers));
}

/** Whether members are asked to countersign. */
export function wantsTrust({ terms }: Pick<Activity, 'terms'>): boolean {
  return terms.request !== 'information';
}
