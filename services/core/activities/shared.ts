import { type Address, concat, fromHex, type Hash, toHex, utf8 } from '../bytes.ts';
import { type Crypto, portableCrypto } from '../crypto.ts';
import type { Activity } from './activity.ts';
import { chainOf } from './heads.ts';
import { memberOf } from './members.ts';

const prefix = utf8('notarium-activity-messages/1\n');

/**
 * Which messages two members both have to have, by id: of epochs from that with which the later one of both has come in; of senders that are
 * members since; where there is no history for those who join, of epochs of both. What somebody said last who left counts only where it is
 * built on, so it is not asked for.
 * @param since Epoch with which the other one has come in.
 */
export function sharedMessages(activity: Activity, members: readonly [Address, Address], since: number): Hash[] {
  const { epochs, taken, terms } = activity;
  const from = Math.max(activity.since, since);
  const stayed = stayedSince(activity);
  const shared: Hash[] = [];
  for (const [id, { sender, group }] of taken) {
    const membership = epochs.get(group)?.membership;
    if (!membership || membership.epoch < from) continue;
    const memberSince = stayed.get(sender);
    if (memberSince === undefined || membership.epoch < memberSince) continue;
    if (terms.rules.history || members.every((member) => memberOf(membership, member))) shared.push(id);
  }
  return shared.toSorted();
}

/** One digest of those: members for whom it is the same lack nothing of each other. */
export function messagesDigest(ids: readonly Hash[], sha256: Crypto['sha256'] = portableCrypto.sha256): Hash {
  return toHex(sha256(concat(prefix, ...ids.map(fromHex))));
}

/** By member of the newest epoch: the first one since which it has been in all. */
function stayedSince(activity: Activity): Map<Address, number> {
  const since = new Map<Address, number>();
  const chain = chainOf(activity).toReversed();
  for (const { address } of chain[0]!.membership.members) {
    const out = chain.find(({ membership }) => !memberOf(membership, address));
    since.set(address, out ? out.membership.epoch + 1 : 0);
  }
  return since;
}
