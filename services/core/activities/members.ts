import { z } from 'zod';
import type { Address, Hash } from '../bytes.ts';
import { addressSchema, hashSchema, uintSchema } from '../schemas.ts';
import { sealingKeySchema } from './sealingKey.ts';

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
  key: sealingKeySchema,
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

/** The member with this address. */
export function memberOf({ members }: Membership, address: Address): Member | undefined {
  return members.find((member) => member.address === address);
}

/** Members in the order of a membership. */
export function sortedMembers(members: readonly Member[]): Member[] {
  return members.toSorted((a, b) => (a.address < b.address ? -1 : 1));
}
