import { z } from 'zod';
import { type Address, type Hash, toHex } from '../bytes.ts';
import { canonicalBytes } from '../canonicalJson.ts';
import { type Crypto, portableCrypto } from '../crypto.ts';
import { addressSchema, hashSchema, uintSchema } from '../schemas.ts';

/** What a member is: who began it, whom it is with, and who looks on. */
export const memberRoles = ['initiator', 'receiver', 'regulator'] as const;

/** See {@link memberRoles}. */
export type MemberRole = (typeof memberRoles)[number];

/** Most members of a group. */
export const maxMembers = 64;

/** A node of a group, with the key for which messages to it are sealed. */
export const memberSchema = z.strictObject({
  address: addressSchema,
  role: z.enum(memberRoles),
  /** X25519 public key, as the registry had it when the epoch began. */
  key: hashSchema,
});

/** See {@link memberSchema}. */
export type Member = z.infer<typeof memberSchema>;

/** The members of a group in one epoch. Each epoch names the one before it, so that all members see the same changes in one order. */
export const membershipSchema = z
  .strictObject({
    epoch: uintSchema,
    /** Digest of the membership before; zero for the first. */
    previous: hashSchema,
    /** By address. */
    members: z.array(memberSchema).min(1).max(maxMembers),
  })
  .refine(
    ({ members }) => members.every((member, index) => index === 0 || members[index - 1]!.address < member.address),
    'the members are not in the order of their addresses, or one is there twice',
  )
  .refine(({ members }) => members.filter(({ role }) => role === 'initiator').length <= 1, 'more than one initiator');

/** See {@link membershipSchema}. */
export type Membership = z.infer<typeof membershipSchema>;

/** What stands where there is no membership or message before. */
export const noHash = `0x${'0'.repeat(64)}` as Hash;

/**
 * What every message of an epoch names: SHA-256 over the activity, its members and the secret of the epoch. Who changes the recipients
 * changes it, and two who make the same change at the same time make two epochs.
 */
export function groupDigest(
  { activity, membership, secret }: { readonly activity: Hash; readonly membership: Membership; readonly secret: Hash },
  sha256: Crypto['sha256'] = portableCrypto.sha256,
): Hash {
  return toHex(sha256(canonicalBytes({ activity, ...membership, secret })));
}

/** The member with this address. */
export function memberOf({ members }: Membership, address: Address): Member | undefined {
  return members.find((member) => member.address === address);
}

/** Members in the order of a membership. */
export function sortedMembers(members: readonly Member[]): Member[] {
  return members.toSorted((a, b) => (a.address < b.address ? -1 : 1));
}
