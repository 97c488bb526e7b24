import type { Route } from '../Route.ts';
import { sendingErrors } from './asked.ts';
import { membersBody, proposeBody, voteBody } from './requests.ts';
import { sendingRoute } from './sendingRoute.ts';

const partyErrors = [...sendingErrors, 'party-unknown', 'party-ambiguous', 'party-unfit'] as const;

/** Who takes part in an activity, and how that changes. */
export const activityMemberRoutes: readonly Route[] = [
  sendingRoute({
    path: '/v1/activities/{id}/proposals',
    summary: 'Put a change of the members to the vote',
    description: 'It is carried out as soon as it is approved.',
    body: proposeBody,
    errors: partyErrors,
    send: (desk, by, id, change) => desk.propose(by, id, change),
  }),
  sendingRoute({
    path: '/v1/activities/{id}/votes',
    summary: 'Vote on a change of the members',
    body: voteBody,
    errors: [...sendingErrors, 'not-found', 'activity-message-known', 'activity-message-early', 'party-unfit'],
    send: (desk, by, id, vote) => desk.vote(by, id, vote),
  }),
  sendingRoute({
    path: '/v1/activities/{id}/members',
    summary: 'Change the members, or leave',
    description: 'A new epoch with new keys: who is removed reads nothing that comes after it.',
    body: membersBody,
    errors: [...partyErrors, 'activity-message-early'],
    send(desk, by, id, change) {
      if ('leave' in change) return desk.leave(by, id);
      if ('proposal' in change) return desk.changeMembers(by, id, change);
      const { add, remove } = change;
      const asked = { ...(add === undefined ? {} : { add }), ...(remove === undefined ? {} : { remove }) };
      return desk.changeMembers(by, id, asked);
    },
  }),
];
