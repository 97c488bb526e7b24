import { type Route, route } from '../Route.ts';
import {
  type ActivityParams,
  activitiesOf,
  activityParams,
  bodyOf,
  callerOf,
  json,
  privately,
  sendingErrors,
  sendSent,
  sentAnswer,
} from './asked.ts';
import { membersBody, proposeBody, voteBody } from './requests.ts';

const partyErrors = [...sendingErrors, 'party-unknown', 'party-unfit'] as const;

/** Who takes part in an activity, and how that changes. */
export const activityMemberRoutes: readonly Route[] = [
  route<ActivityParams>({
    ...privately,
    method: 'post',
    path: '/v1/activities/{id}/proposals',
    access: 'submit',
    params: activityParams,
    summary: 'Put a change of the members to the vote',
    description: 'It is carried out as soon as it is approved.',
    requestBody: { required: true, content: json(proposeBody) },
    responses: sentAnswer,
    errors: partyErrors,
    async handle(call, context) {
      const by = callerOf(call);
      const desk = activitiesOf(context);
      const change = await bodyOf(call.request, context, proposeBody);
      sendSent(call.response, await desk.propose(by, call.params.id, change));
    },
  }),
  route<ActivityParams>({
    ...privately,
    method: 'post',
    path: '/v1/activities/{id}/votes',
    access: 'submit',
    params: activityParams,
    summary: 'Vote on a change of the members',
    requestBody: { required: true, content: json(voteBody) },
    responses: sentAnswer,
    errors: [...sendingErrors, 'activity-message-early'],
    async handle(call, context) {
      const by = callerOf(call);
      const desk = activitiesOf(context);
      const vote = await bodyOf(call.request, context, voteBody);
      sendSent(call.response, await desk.vote(by, call.params.id, vote));
    },
  }),
  route<ActivityParams>({
    ...privately,
    method: 'post',
    path: '/v1/activities/{id}/members',
    access: 'submit',
    params: activityParams,
    summary: 'Change the members, or leave',
    description: 'A new epoch with new keys: who is removed reads nothing that comes after it.',
    requestBody: { required: true, content: json(membersBody) },
    responses: sentAnswer,
    errors: partyErrors,
    async handle(call, context) {
      const by = callerOf(call);
      const desk = activitiesOf(context);
      const { id } = call.params;
      const change = await bodyOf(call.request, context, membersBody);
      if ('leave' in change) sendSent(call.response, await desk.leave(by, id));
      else if ('proposal' in change) sendSent(call.response, await desk.changeMembers(by, id, change));
      else {
        const { add, remove } = change;
        const asked = { ...(add === undefined ? {} : { add }), ...(remove === undefined ? {} : { remove }) };
        sendSent(call.response, await desk.changeMembers(by, id, asked));
      }
    },
  }),
];
