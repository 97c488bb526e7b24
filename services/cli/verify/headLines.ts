import type { ShownHead } from '../../core/activities/message.ts';
import type { Hash } from '../../core/bytes.ts';

/** What the head of a message says, for people: to which activity it belongs, what it is about, and where it names them to whom it went. */
export function headLines(head: ShownHead): string[] {
  return [
    `  activity ${head.activity}`,
    ...('terms' in head ? [`  ${head.terms.kind}, asks for ${requestText(head.terms.request)}`] : []),
    ...('membership' in head
      ? head.membership.members.map(({ role, address }) => `  to ${role.padEnd(9)} ${address}`)
      : ['  to the members that the last change of them before it names']),
    ...aboutLines(head),
  ];
}

/** What is asked of the members, in words. */
export function requestText(request: 'information' | 'trust' | 'both'): string {
  return request === 'both' ? 'information and trust' : request;
}

function aboutLines(head: ShownHead): string[] {
  switch (head.type) {
    case 'update':
      return head.builds.map((id: Hash) => `  in the place of version ${id}`);
    case 'note':
    case 'countersignature':
    case 'certificate':
      return [`  on version ${head.on}`];
    case 'vote':
      return [`  ${head.approve ? 'for' : 'against'} proposal ${head.on}`];
    case 'proposal':
      return [
        'add' in head.change
          ? `  proposes to add ${head.change.add.address} as ${head.change.add.role}`
          : `  proposes to remove ${head.change.remove}`,
      ];
    default:
      return [];
  }
}
