import type { Hash } from '../bytes.ts';
import type { Head } from './message.ts';

/** What a message names that comes before it, by itself: other messages, and the epoch that it is said in or follows. */
export type Bases = { readonly messages: readonly Hash[]; readonly groups: readonly Hash[] };

/** See {@link Bases}. */
export function basesOf(head: Head): Bases {
  switch (head.type) {
    case 'start':
      return { messages: [], groups: [] };
    case 'members': {
      const { heads, left = [], proposal, membership } = head;
      const reasons = proposal ? [proposal.id, ...proposal.votes] : left;
      return { messages: [...reasons, ...heads], groups: [membership.previous] };
    }
    case 'update':
      return { messages: head.builds, groups: [head.group] };
    case 'proposal':
    case 'leave':
      return { messages: [], groups: [head.group] };
    default:
      return { messages: [head.on], groups: [head.group] };
  }
}
