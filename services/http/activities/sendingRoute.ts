import type { z } from 'zod';
import type { ActivityCaller, ActivityDesk, SentMessage } from '../../app/activities/ActivityDesk.ts';
import type { Hash } from '../../core/bytes.ts';
import { type Route, type RouteSpec, route } from '../Route.ts';
import {
  type ActivityParams,
  activitiesOf,
  activityParams,
  bodyOf,
  callerOf,
  json,
  privately,
  sendSent,
  sentAnswer,
} from './asked.ts';

type Sending<Body> = Pick<RouteSpec<ActivityParams, undefined>, 'path' | 'summary' | 'description' | 'errors'> & {
  readonly body: z.ZodType<Body>;
  readonly send: (desk: ActivityDesk, by: ActivityCaller, id: Hash, asked: Body) => Promise<SentMessage>;
};

/** A route by which something is said in an activity. */
export function sendingRoute<Body>({ body, send, ...described }: Sending<Body>): Route {
  return route<ActivityParams>({
    ...privately,
    method: 'post',
    access: 'submit',
    params: activityParams,
    ...described,
    requestBody: { required: true, content: json(body) },
    responses: sentAnswer,
    async handle(call, context) {
      const by = callerOf(call);
      const desk = activitiesOf(context);
      const asked = await bodyOf(call.request, context, body);
      sendSent(call.response, await send(desk, by, call.params.id, asked));
    },
  });
}
