import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { NotariumError } from '../../core/errors.ts';
import { sendJson, sendText } from '../answer.ts';
import { docsPage } from '../docsPage.ts';
import type { EdgeContext } from '../HttpContext.ts';
import { isOperator, openMetrics, statusFor } from '../operatorOnly.ts';
import { edgeRoute, type Route, route } from '../Route.ts';
import { healthSchema } from '../schemas/service.ts';
import { docsPolicy } from '../securityHeaders.ts';

/** The answer of a process that can do its work. */
export const readyAnswer = {
  description: 'It can',
  content: { 'application/json': { schema: z.object({ status: z.literal('ready') }) } },
};

const html = { 'text/html': { schema: z.string() } };

/** Probes of a centre. */
export const serviceRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/readyz',
    access: 'public',
    unlimited: true,
    tag: 'service',
    summary: 'Whether the centre can do its work',
    description: 'Problems of private activities are told to a key of scope `admin` alone.',
    responses: { 200: readyAnswer },
    errors: ['not-ready'],
    async handle({ response, key }, { centre }) {
      const { ready, problems } = await statusFor(key, centre);
      if (!ready) throw new NotariumError('not-ready', problems[0]?.code, { data: { problems } });
      response.setHeader('cache-control', 'no-store');
      sendJson(response, 200, { status: 'ready' });
    },
  }),
];

/** Health, metrics and documentation: of every process alike. */
export const documentRoutes: readonly Route<EdgeContext>[] = [
  edgeRoute({
    method: 'get',
    path: '/healthz',
    access: 'public',
    unlimited: true,
    tag: 'service',
    summary: 'Whether the process answers',
    responses: { 200: { description: 'It does', content: { 'application/json': { schema: healthSchema } } } },
    errors: [],
    handle({ response }) {
      response.setHeader('cache-control', 'no-store');
      sendJson(response, 200, { status: 'ok' });
    },
  }),
  edgeRoute({
    method: 'get',
    path: '/metrics',
    access: 'read',
    unlimited: true,
    tag: 'service',
    summary: 'Metrics in the text format of Prometheus',
    description: 'Those of private activities are there for a key of scope `admin` alone.',
    responses: { 200: { description: 'The metrics', content: { 'text/plain': { schema: z.string() } } } },
    errors: [],
    async handle({ response, key }, { metrics }) {
      response.setHeader('cache-control', 'no-store');
      const text = await metrics.scrape();
      sendText(response, 200, metrics.registry.contentType, isOperator(key) ? text : openMetrics(text));
    },
  }),
  edgeRoute({
    method: 'get',
    path: '/openapi.json',
    access: 'public',
    tag: 'service',
    summary: 'This document',
    responses: {
      200: {
        description: 'OpenAPI 3.1',
        content: { 'application/json': { schema: z.looseObject({ openapi: z.string() }) } },
      },
    },
    errors: [],
    handle({ response }, { openApiText }) {
      response.setHeader('cache-control', 'public, max-age=60');
      response.setHeader('access-control-allow-origin', '*');
      sendText(response, 200, 'application/json; charset=utf-8', openApiText());
    },
  }),
  edgeRoute({
    method: 'get',
    path: '/docs',
    access: 'public',
    tag: 'service',
    summary: 'The API reference as a page',
    responses: { 200: { description: 'The page', content: html } },
    errors: [],
    handle({ response }) {
      response.setHeader('content-security-policy', docsPolicy);
      response.setHeader('cache-control', 'public, max-age=60');
      sendText(response, 200, 'text/html; charset=utf-8', docsPage);
    },
  }),
  edgeRoute({
    method: 'get',
    path: '/docs/rapidoc-min.js',
    access: 'public',
    tag: 'service',
    summary: 'The script of the reference page',
    responses: { 200: { description: 'RapiDoc', content: { 'text/javascript': { schema: z.string() } } } },
    errors: [],
    async handle({ response }, { limits }) {
      // A file is sent piece by piece, and each waits for the client.
      response.socket?.setTimeout(limits.slowClientMs);
      const file = fileURLToPath(import.meta.resolve('rapidoc'));
      // A folder above may begin with a dot: that is no secret of ours.
      const options = {
        dotfiles: 'allow',
        maxAge: 86_400_000,
        headers: { 'content-type': 'text/javascript; charset=utf-8' },
      } as const;
      await new Promise<void>((resolve, reject) =>
        response.sendFile(file, options, (error?: Error) =>
          error && !response.headersSent ? reject(error) : resolve(),
        ),
      );
    },
  }),
];
