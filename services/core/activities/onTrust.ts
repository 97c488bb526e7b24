import type { Address, Hash } from '../bytes.ts';
import { type Activity, membersOf } from './activity.ts';
import { memberOf } from './members.ts';
import { pathTo } from './pathTo.ts';

/** Something that is said of the time before this member came in. */
type Said = { readonly type: 'update' | 'members'; readonly sender: Address };

/** Whether this member was added without what was before, so that it cannot know all that others build on. */
export function knowsNoPast({ since, terms }: Pick<Activity, 'since' | 'terms'>): boolean {
  return since > 0 && !terms.rules.history;
}

/**
 * Whether who was added without what was before takes it on the word of its sender alone that there are these versions, which it does not
 * have: of those that a change of the members has named as seen, also where another change names them, or who has added it goes on from them.
 * Anything else it could be told by one member alone, and the others would never take it.
 */
export function isOnTrust(activity: Activity, { type, sender }: Said, unknown: readonly Hash[]): boolean {
  const isBase = type === 'members' || firstOf(activity).sender === sender;
  return isBase && unknown.every((id) => activity.epochs.values().some(({ heads }) => heads.includes(id)));
}

/**
 * Members that may know whether something of the time before is so, beside who says it: those that were there when this one came in, and
 * still are. Where there are none, nobody takes it for wrong.
 * @param own This member.
 */
export function mayVouch(activity: Activity, own: Address, sender: Address): Address[] {
  const now = membersOf(activity);
  return firstOf(activity)
    .membership.members.map(({ address }) => address)
    .filter((address) => address !== own && address !== sender && memberOf(now, address));
}

function firstOf({ epochs, group }: Activity) {
  return pathTo(epochs, group)[0]!;
}
