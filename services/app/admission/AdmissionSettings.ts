/** What an operator may set of an authenticator. */
export type AdmissionSettings = {
  /** How long an attestation serves. */
  readonly attestationSeconds: number;
  /** Wait after the first failed attempt; it doubles with each further one of a day, up to the longest. */
  readonly firstWaitMs: number;
  readonly longestWaitMs: number;
  /** Failed attempts of a candidate, or from a network, in a day; after them it has to wait until one is a day old. */
  readonly attemptsPerDay: number;
  /** Database of autonomous systems, in the layout of GeoLite2-ASN. */
  readonly asnDatabase?: string;
};

/** See {@link AdmissionSettings}. */
export const defaultAdmissionSettings: AdmissionSettings = {
  attestationSeconds: 14 * 86_400,
  firstWaitMs: 30_000,
  longestWaitMs: 86_400_000,
  attemptsPerDay: 10,
};
