import { z } from 'zod';
import { type Activity, membersOf } from '../../core/activities/activity.ts';
import { leaversOf } from '../../core/activities/decided.ts';
import { memberOf, memberRoles } from '../../core/activities/members.ts';
import { activityKinds, activityRequests } from '../../core/activities/message.ts';
import type { Address } from '../../core/bytes.ts';
import { addressSchema, hashSchema, uintSchema } from '../../core/schemas.ts';

/** Most versions that nothing has replaced in what a list shows of an activity. */
export const mostHeads = 256;

const listedSchema = z.strictObject({
  kind: z.enum(activityKinds),
  request: z.enum(activityRequests),
  role: z.enum(memberRoles).optional(),
  initiator: addressSchema,
  memberCount: uintSchema,
  epoch: uintSchema,
  heads: z.array(hashSchema).max(mostHeads),
});

/** What its messages say of an activity in a list. */
export type Listed = Readonly<z.infer<typeof listedSchema>>;

/** See {@link Listed}. @param own This node. */
export function listedOf(activity: Activity, own: Address): Listed {
  const membership = membersOf(activity);
  const role = leaversOf(activity).has(own) ? undefined : memberOf(membership, own)?.role;
  return {
    ...{ kind: activity.terms.kind, request: activity.terms.request },
    ...(role === undefined ? {} : { role }),
    ...{ initiator: activity.origin.initiator, memberCount: membership.members.length },
    ...{ epoch: membership.epoch, heads: activity.heads.slice(0, mostHeads) },
  };
}

/** As it is kept beside the activity, so that a list need not read that. */
export function listedText(listed: Listed): string {
  return JSON.stringify({ v: 1, ...listed });
}

/** undefined for what another version of this program has kept. */
export function readListed(text: string): Listed | undefined {
  const { v, ...listed } = JSON.parse(text) as { v: unknown };
  if (v !== 1) return undefined;
  return listedSchema.parse(listed);
}
