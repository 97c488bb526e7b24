/** What a proposal is about, in the order of the contract's `Kind`; each has its rule and the only calls that it may make. */
export const proposalKinds = [
  'admission',
  'suspension',
  'removal',
  'authenticator',
  'parameter',
  'resource',
  'general',
] as const;

/** See {@link proposalKinds}. */
export type ProposalKind = (typeof proposalKinds)[number];

/** When votes are enough, in the order of the contract's `Aggregation`. */
export const aggregations = ['majority', 'two-thirds', 'unanimity', 'weighted'] as const;

/** See {@link aggregations}. */
export type Aggregation = (typeof aggregations)[number];

/** What a vote says, in the order of the contract's support values. */
export const supports = ['against', 'for', 'abstain'] as const;

/** See {@link supports}. */
export type Support = (typeof supports)[number];
