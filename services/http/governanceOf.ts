import type { GovernanceDesk } from '../app/governance/GovernanceDesk.ts';
import { NotariumError } from '../core/errors.ts';
import type { HttpContext } from './HttpContext.ts';

/** Proposals and resource sets of the network. @throws NotariumError `governance-missing`. */
export function governanceOf({ centre }: Pick<HttpContext, 'centre'>): GovernanceDesk {
  if (!centre.governance) throw new NotariumError('governance-missing');
  return centre.governance;
}
