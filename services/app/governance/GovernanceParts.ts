import type { Governance } from '../../chain/Governance.ts';
import type { Centre } from '../Centre.ts';
import type { CentreParts } from '../CentreParts.ts';
import type { Contents } from './Contents.ts';

/** Tells what the chain said of proposals and resource sets, once it is confirmed and stored. */
export type Notices = {
  /**
   * Calls after each batch of notices is stored, and once when the watch starts; what it throws is logged, and does not
   * stop the watch. Call it before `start`.
   */
  onNotices(handler: () => Promise<void> | void): void;
};

/** What the verbs of governance and of resource sets work with; there only where the network has a governor. */
export type GovernanceParts = CentreParts & {
  readonly governance: Governance;
  readonly contents: Contents;
  readonly notices: Notices;
  /** Takes records of this centre's own, proposals and reports, as {@link Centre.accept} does. */
  readonly accept: Centre['accept'];
};
