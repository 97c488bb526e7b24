import type { Address, Hash } from '../bytes.ts';
import type { Activity, Version } from './activity.ts';

/** Two messages of one sender of which only one may be: it has told different members different things. Both are signed by it. */
export type Fork = {
  readonly type: 'start' | 'members';
  readonly sender: Address;
  /** Ids of the messages. */
  readonly messages: readonly Hash[];
};

/** The messages with which an activity has begun: more than one of a dishonest initiator. */
export function startsOf({ versions }: Pick<Activity, 'versions'>): Version[] {
  // Of what came before it, who was added without that knows versions alone that build on others.
  return [...versions.values()].filter(({ builds }) => builds.length === 0);
}

/** What members have said in two ways. */
export function forksOf(activity: Activity): Fork[] {
  const starts = startsOf(activity);
  const forks: Fork[] = [];
  if (starts.length > 1)
    forks.push({ type: 'start', sender: starts[0]!.sender, messages: starts.map(({ id }) => id).toSorted() });
  const changes = new Map<string, Fork & { readonly messages: Hash[] }>();
  for (const { membership, sender, by } of activity.epochs.values()) {
    if (membership.epoch === 0) continue;
    const place = `${membership.previous} ${sender}`;
    const fork = changes.get(place) ?? { type: 'members', sender, messages: [] };
    fork.messages.push(by);
    changes.set(place, fork);
  }
  const doubled = [...changes.values()].filter(({ messages }) => messages.length > 1);
  return [...forks, ...doubled.map((fork) => ({ ...fork, messages: fork.messages.toSorted() }))];
}

// Asked for each message of an answer.
const forked = new WeakMap<Activity['versions'], boolean>();

/** Whether its initiator has begun it twice: nothing that is said in it has one meaning for all. All versions are gone through once. */
export function isForked({ versions }: Pick<Activity, 'versions'>): boolean {
  const known = forked.get(versions);
  if (known !== undefined) return known;
  const isSo = startsOf({ versions }).length > 1;
  forked.set(versions, isSo);
  return isSo;
}
