import { activityRoutes } from './activities/activities.ts';
import { activityAttachmentRoutes } from './activities/attachments.ts';
import { deviceRoutes } from './activities/devices.ts';
import { activityMemberRoutes } from './activities/members.ts';
import { activityMessageRoutes } from './activities/messages.ts';
import { channelRoutes } from './channels/channels.ts';
import { evidenceRoutes } from './channels/evidence.ts';
import { exchangeRoutes } from './channels/exchange.ts';
import { verifierServiceRoutes } from './channels/service.ts';
import type { EdgeContext } from './HttpContext.ts';
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
import { documentRoutes, serviceRoutes } from './routes/service.ts';
import { submitRoutes } from './routes/submit.ts';
import { verifyRoutes } from './routes/verify.ts';

const verifying: readonly Route<EdgeContext>[] = [...exchangeRoutes, ...evidenceRoutes, ...channelRoutes];

/** Every route of a centre, the busiest first: Express tries them in this order. */
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
  ...activityRoutes,
  ...activityMessageRoutes,
  ...activityMemberRoutes,
  ...activityAttachmentRoutes,
  ...deviceRoutes,
  ...verifying,
  ...serviceRoutes,
  ...documentRoutes,
];

/** Every route of a verifier that stands alone. */
export const verifierRoutes: readonly Route<EdgeContext>[] = [
  ...verifying,
  ...verifierServiceRoutes,
  ...documentRoutes,
];
