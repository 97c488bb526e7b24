import { NotariumError } from '../../core/errors.ts';
import type { EdgeContext } from '../HttpContext.ts';
import { edgeRoute, type Route } from '../Route.ts';
import { readyAnswer } from '../routes/service.ts';
import { deskOf, sendFresh } from './deskOf.ts';

/** The probe of a verifier that stands alone. */
export const verifierServiceRoutes: readonly Route<EdgeContext>[] = [
  edgeRoute({
    method: 'get',
    path: '/readyz',
    access: 'public',
    unlimited: true,
    tag: 'service',
    summary: 'Whether the verifier can do its work',
    responses: { 200: readyAnswer },
    errors: ['not-ready'],
    async handle({ response }, context) {
      const problems = await deskOf(context).problems();
      if (problems[0]) throw new NotariumError('not-ready', problems[0].code, { data: { problems } });
      sendFresh(response, { status: 'ready' });
    },
  }),
];
