import { z } from 'zod';
import { credentialSchema } from '../../core/activities/credential.ts';
import type { Hash } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';
import { hashSchema } from '../../core/schemas.ts';
import { sendNothing } from '../answer.ts';
import { type Route, route } from '../Route.ts';
import { jsonBodyErrors } from '../readBody.ts';
import { activitiesOf, bodyOf, callerOf, json, privately, sendPrivately } from './asked.ts';
import { credentialDoc, credentialListDoc } from './docs.ts';

const newDevice = credentialSchema
  .pick({ device: true, name: true, notBefore: true, expires: true })
  .partial({ notBefore: true })
  .meta({ id: 'NewDevice', description: 'Times are Unix seconds, both included; from now on by default' });

/** Devices that speak through this node without one of their own. */
export const deviceRoutes: readonly Route[] = [
  route({
    ...privately,
    method: 'post',
    path: '/v1/devices',
    access: 'submit',
    summary: 'Let a device speak through this node, for a time',
    requestBody: { required: true, content: json(newDevice) },
    responses: {
      201: { description: 'Its credential', content: json(credentialDoc) },
    },
    errors: [
      ...jsonBodyErrors,
      'activity-body-invalid',
      'activities-missing',
      'activity-store-corrupt',
      'storage-full',
    ],
    async handle(call, context) {
      const by = callerOf(call);
      const desk = activitiesOf(context);
      const { notBefore = Math.floor(Date.now() / 1000), ...asked } = await bodyOf(call.request, context, newDevice);
      sendPrivately(call.response, 201, await desk.issueCredential(by, { ...asked, notBefore }));
    },
  }),
  route({
    ...privately,
    method: 'get',
    path: '/v1/devices',
    access: 'read',
    summary: 'Credentials of devices that the caller has issued, with those that were taken back',
    responses: { 200: { description: 'All', content: json(credentialListDoc) } },
    errors: ['activities-missing', 'activity-store-corrupt'],
    async handle(call, context) {
      sendPrivately(call.response, 200, { items: await activitiesOf(context).credentials(callerOf(call)) });
    },
  }),
  route<{ readonly id: Hash }>({
    ...privately,
    method: 'delete',
    path: '/v1/devices/{id}',
    access: 'submit',
    params: z.strictObject({ id: hashSchema }),
    summary: 'Take the credential of a device back',
    description: 'Nothing that it signs is sent from then on; what was sent before holds.',
    responses: { 204: { description: 'It does not hold any more' } },
    errors: ['activities-missing', 'activity-store-corrupt', 'not-found'],
    async handle(call, context) {
      const { id } = call.params;
      if (!(await activitiesOf(context).revokeCredential(callerOf(call), id))) {
        throw new NotariumError('not-found', 'no such credential, or it was taken back', { data: { id } });
      }
      sendNothing(call.response);
    },
  }),
];
