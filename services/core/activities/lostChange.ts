import type { Address } from '../bytes.ts';
import type { Activity, OpenedEpoch } from './activity.ts';
import { type Member, memberOf } from './members.ts';
import { pathTo } from './pathTo.ts';

/** Who was to come and who was to go. */
export type LostChange = { readonly added: readonly Member[]; readonly removed: readonly Address[] };

/**
 * What the initiator has changed of the members in epochs that do not hold, as another change of its own has come before them: it was restored
 * from a backup. Whom it has added is lost where that one has never been in since, whom it has removed where that one has never been out;
 * nothing is that it has taken back itself.
 */
export function lostChange({ epochs, group }: Pick<Activity, 'epochs' | 'group'>, initiator: Address): LostChange {
  const path = pathTo(epochs, group);
  const holding = new Set(path);
  const lost = [...epochs].filter(
    ([, epoch]) => epoch.sender === initiator && epoch.right === 'initiator' && !holding.has(epoch),
  );
  const added = new Map<Address, Member>();
  const removed = new Set<Address>();
  for (const [id, epoch] of lost) {
    const { membership } = epoch;
    const before = epochs.get(membership.previous)?.membership;
    const fork = pathTo(epochs, id).findLast((each) => holding.has(each))?.membership.epoch;
    if (!before || fork === undefined) continue;
    const since = path.filter((each) => each.membership.epoch >= fork);
    const after = [...epochs].filter(([other]) => pathTo(epochs, other).includes(epoch)).map(([, each]) => each);
    for (const member of membership.members) {
      const { address } = member;
      if (!memberOf(before, address) && !isInAny(since, address) && isInAll(after, address)) added.set(address, member);
    }
    for (const { address } of before.members)
      if (!memberOf(membership, address) && isInAll(since, address) && !isInAny(after, address)) removed.add(address);
  }
  return { added: [...added.values()], removed: [...removed] };
}

function isInAll(epochs: readonly OpenedEpoch[], address: Address): boolean {
  return epochs.every(({ membership }) => memberOf(membership, address) !== undefined);
}

function isInAny(epochs: readonly OpenedEpoch[], address: Address): boolean {
  return epochs.some(({ membership }) => memberOf(membership, address) !== undefined);
}
