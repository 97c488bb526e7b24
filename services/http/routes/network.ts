import { NotariumError } from '../../core/errors.ts';
import { sendJson } from '../answer.ts';
import { statusFor } from '../operatorOnly.ts';
import { type Route, route } from '../Route.ts';
import { networkSchema, peerSchema, statusSchema } from '../schemas/service.ts';

/** The consortium and this centre. */
export const networkRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/v1/network',
    access: 'read',
    tag: 'network',
    summary: 'Public facts of the network',
    description:
      'Contract, period, centres with their keys, and every committee so far: what an offline verifier keeps.',
    responses: { 200: { description: 'The network', content: { 'application/json': { schema: networkSchema } } } },
    errors: ['chain-unreachable', 'chain-answer-invalid'],
    async handle({ response }, { centre }) {
      sendJson(response, 200, await centre.network());
    },
  }),
  route({
    method: 'get',
    path: '/v1/peer',
    access: 'public',
    tag: 'network',
    summary: 'Where other centres reach this one',
    description: 'libp2p addresses. Who answers there must prove, by its key, to be the node of the registry.',
    responses: { 200: { description: 'The addresses', content: { 'application/json': { schema: peerSchema } } } },
    errors: ['not-found'],
    handle({ response }, { centre }) {
      const peer = centre.peer();
      if (!peer) throw new NotariumError('not-found', 'this centre is alone');
      response.setHeader('cache-control', 'no-store');
      sendJson(response, 200, peer);
    },
  }),
  route({
    method: 'get',
    path: '/v1/status',
    access: 'read',
    tag: 'network',
    summary: 'How this centre is doing',
    description: 'Problems of private activities are told to a key of scope `admin` alone.',
    responses: { 200: { description: 'The status', content: { 'application/json': { schema: statusSchema } } } },
    errors: ['not-ready'],
    async handle({ response, key }, { centre }) {
      response.setHeader('cache-control', 'no-store');
      sendJson(response, 200, await statusFor(key, centre));
    },
  }),
];
