import type { AdmissionDesk } from '../app/admission/AdmissionDesk.ts';
import { NotariumError } from '../core/errors.ts';
import type { HttpContext } from './HttpContext.ts';

/** Admission of new centres. @throws NotariumError `governance-missing`. */
export function admissionOf({ centre }: Pick<HttpContext, 'centre'>): AdmissionDesk {
  if (!centre.admission) throw new NotariumError('governance-missing');
  return centre.admission;
}

/** The same for candidates: where nobody can be an authenticator, this centre is none. @throws NotariumError `authenticator-missing`. */
export function challengerOf({ centre }: Pick<HttpContext, 'centre'>): AdmissionDesk {
  if (!centre.admission) throw new NotariumError('authenticator-missing');
  return centre.admission;
}
