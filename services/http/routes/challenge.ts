import { z } from 'zod';
import { challengerOf } from '../admissionOf.ts';
import { sendJson } from '../answer.ts';
import { type Route, route } from '../Route.ts';
import { jsonBodyErrors, readJsonText } from '../readBody.ts';
import { authenticatorDoc, joinRequestDoc, packetAnswerDoc, sessionAnswerDoc } from '../schemas/admission.ts';

/** Longest bodies, in bytes. */
const requestBytes = 32 * 1024;
const answerBytes = 128 * 1024;

const chainErrors = ['authenticator-missing', 'chain-unreachable', 'chain-answer-invalid'] as const;
// Candidates have no key: the outcomes of their sessions are stored all the same.
const storeErrors = ['storage-failed', 'storage-full', 'store-corrupt'] as const;

const sessionSchema = z.strictObject({
  session: z.string().regex(/^[A-Za-z0-9_-]{22,64}$/, 'not the name of a session'),
});

/** What a candidate asks an authenticator. None of it needs an API key, whatever the access policy is. */
export const challengeRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/v1/admission',
    access: 'public',
    tag: 'admission',
    summary: 'Whether this centre challenges candidates, and by which rules',
    responses: {
      200: { description: 'The authenticator', content: { 'application/json': { schema: authenticatorDoc } } },
    },
    errors: chainErrors,
    async handle({ response }, context) {
      response.setHeader('cache-control', 'no-store');
      sendJson(response, 200, await challengerOf(context).authenticator());
    },
  }),
  route({
    method: 'post',
    path: '/v1/admission/sessions',
    access: 'public',
    tag: 'admission',
    summary: 'Ask to be challenged',
    description:
      'Gives the first packet of a session. The candidate signs the request, which serves once, at this authenticator, for some minutes. A session that it has already ends, and counts as failed where work had been given out in it.',
    requestBody: { required: true, content: { 'application/json': { schema: joinRequestDoc } } },
    responses: { 201: { description: 'Begun', content: { 'application/json': { schema: sessionAnswerDoc } } } },
    errors: [
      ...jsonBodyErrors,
      ...chainErrors,
      ...storeErrors,
      'join-invalid',
      'application-refused',
      'application-early',
      'admission-closed',
      'admission-throttled',
      'admission-rules-unusable',
      'content-unavailable',
      'manifest-invalid',
    ],
    async handle({ request, response }, context) {
      const desk = challengerOf(context);
      const limits = { maxBytes: requestBytes, idleMs: context.limits.bodyIdleMs };
      const body = await readJsonText(request, limits);
      response.setHeader('cache-control', 'no-store');
      sendJson(response, 201, await desk.begin(body, request.ip));
    },
  }),
  route<z.infer<typeof sessionSchema>>({
    method: 'post',
    path: '/v1/admission/sessions/{session}/answers',
    access: 'public',
    params: sessionSchema,
    tag: 'admission',
    summary: 'Answer the packet of a session',
    description:
      'The time is taken from when the packet was sent to when the whole answer is here. An answer is taken once. Where the node has failed, the session is over; `data` says at which check, by which figure, and from when on it may try again.',
    requestBody: { required: true, content: { 'application/json': { schema: packetAnswerDoc } } },
    responses: {
      200: {
        description: 'The next packet, or the end',
        content: { 'application/json': { schema: sessionAnswerDoc } },
      },
    },
    errors: [
      ...jsonBodyErrors,
      ...chainErrors,
      ...storeErrors,
      'session-unknown',
      'manifest-unproven',
      'answer-late',
      'answer-incomplete',
      'answer-wrong',
      'candidate-too-slow',
      'profile-contradicts',
    ],
    async handle({ request, response, params }, context) {
      const desk = challengerOf(context);
      const limits = { maxBytes: answerBytes, idleMs: context.limits.bodyIdleMs };
      const body = await readJsonText(request, limits);
      response.setHeader('cache-control', 'no-store');
      sendJson(response, 200, await desk.answer(params.session, body));
    },
  }),
];
