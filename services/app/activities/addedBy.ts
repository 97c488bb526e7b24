import type { Activity } from '../../core/activities/activity.ts';
import { type Member, memberOf } from '../../core/activities/members.ts';
import type { HeadOf } from '../../core/activities/message.ts';

/** Whom a change of the members has added; nobody where it is not known who was there before. */
export function addedBy({ epochs }: Pick<Activity, 'epochs'>, { membership }: HeadOf<'members'>): Member[] {
  const before = epochs.get(membership.previous)?.membership;
  return before ? membership.members.filter(({ address }) => !memberOf(before, address)) : [];
}
