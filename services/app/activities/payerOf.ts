import type { Activity } from '../../core/activities/activity.ts';
import { memberOf } from '../../core/activities/members.ts';
import type { Head } from '../../core/activities/message.ts';
import { pathTo } from '../../core/activities/pathTo.ts';
import type { Address } from '../../core/bytes.ts';
import type { ActivityHost } from './ActivityHost.ts';

type Parts = Pick<ActivityHost, 'registry'>;

/** Whether the consortium has voted a node in, now or before: an application anybody can make. */
export function isNode({ registry }: Parts, address: Address): boolean {
  const status = registry.nodes().find((node) => node.address === address)?.status;
  return status !== undefined && status !== 'none' && status !== 'candidate';
}

/**
 * On whose account a message is as long as nobody has read its activity: its sender's. Of one that is no node, whoever has made it a member, for
 * these there may be as many of as somebody likes; so nobody pays for what another one says but for whom it has made up itself.
 * @param activity As it is with the message.
 * @param from Who has given it, where nobody else is known.
 */
export function payerOf(
  parts: Parts,
  { epochs }: Pick<Activity, 'epochs'>,
  { sender, group }: Pick<Head, 'sender' | 'group'>,
  from: Address,
): Address {
  const path = isNode(parts, sender) ? [] : pathTo(epochs, group);
  let who = sender;
  for (let before = path.length; !isNode(parts, who); ) {
    const came = path.findIndex(({ membership }) => memberOf(membership, who));
    if (came < 0 || came >= before) return from;
    who = path[came]!.sender;
    before = came;
  }
  return who;
}
