import { type Address, concat, fromHex, type Hash, toHex, utf8 } from '../bytes.ts';
import { type Crypto, portableCrypto } from '../crypto.ts';
import type { Activity } from './activity.ts';
import { memberOf } from './members.ts';

const prefix = utf8('notarium-activity-messages/1\n');

/**
 * Which messages two members both have to have, by id: of epochs from that with which the later one of both has come in; where there is no
 * history for those who join, of epochs of both. What somebody said who has left since is among them: nobody takes it from itself any more,
 * but whoever has it from before gives it to the others.
 * @param since Epoch with which the other one has come in.
 */
export function sharedMessages(activity: Activity, members: readonly [Address, Address], since: number): Hash[] {
  const { epochs, taken, terms } = activity;
  const from = Math.max(activity.since, since);
  const shared: Hash[] = [];
  for (const [id, { group }] of taken) {
    const membership = epochs.get(group)?.membership;
    if (!membership || membership.epoch < from) continue;
    if (terms.rules.history || members.every((member) => memberOf(membership, member))) shared.push(id);
  }
  return shared.toSorted();
}

/** One digest of those: members for whom it is the same lack nothing of each other. */
export function messagesDigest(ids: readonly Hash[], sha256: Crypto['sha256'] = portableCrypto.sha256): Hash {
  return toHex(sha256(concat(prefix, ...ids.map(fromHex))));
}
