import type { GovernanceParts } from '../governance/GovernanceParts.ts';
import type { ResourceProblems } from './ResourceProblems.ts';
import type { ResourceSettings } from './resourceSettings.ts';

/** What the verbs of this folder work with. */
export type ResourceParts = Pick<
  GovernanceParts,
  | 'network'
  | 'store'
  | 'chain'
  | 'signer'
  | 'crypto'
  | 'clock'
  | 'logger'
  | 'governance'
  | 'contents'
  | 'notices'
  | 'accept'
> & {
  readonly settingOf: ResourceSettings;
  readonly resourceProblems: ResourceProblems;
};
