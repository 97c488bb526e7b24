import type { Route } from './Route.ts';
import { admissionRoutes } from './routes/admission.ts';
import { batchRoutes } from './routes/batch.ts';
import { challengeRoutes } from './routes/challenge.ts';
import { eventRoutes } from './routes/events.ts';
import { keyRoutes } from './routes/keys.ts';
import { logRoutes } from './routes/log.ts';
import { networkRoutes } from './routes/network.ts';
import { proposalRoutes } from './routes/proposals.ts';
import { proposingRoutes } from './routes/proposing.ts';
import { recordRoutes } from './routes/records.ts';
import { resourceRoutes } from './routes/resources.ts';
import { serviceRoutes } from './routes/service.ts';
import { submitRoutes } from './routes/submit.ts';
import { verifyRoutes } from './routes/verify.ts';

/** Every route, the busiest first: Express tries them in this order. */
export const routes: readonly Route[] = [
  ...submitRoutes,
  ...batchRoutes,
  ...recordRoutes,
  ...verifyRoutes,
  ...logRoutes,
  ...resourceRoutes,
  ...networkRoutes,
  ...proposalRoutes,
  ...proposingRoutes,
  ...challengeRoutes,
  ...admissionRoutes,
  ...eventRoutes,
  ...keyRoutes,
  ...serviceRoutes,
];
