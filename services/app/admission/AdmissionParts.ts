import type { GovernanceParts } from '../governance/GovernanceParts.ts';
import type { AdmissionSettings } from './AdmissionSettings.ts';
import type { Locator } from './openLocator.ts';

/** What the verbs of admission work with. */
export type AdmissionParts = GovernanceParts & {
  readonly admissionSettings: AdmissionSettings;
  /** A counter that only grows: no clock, which may be set in the midst of a measurement. */
  readonly monotonicMs: () => number;
};

/** What an authenticator works with besides. */
export type AuthenticatorParts = AdmissionParts & { readonly locate: Locator };
