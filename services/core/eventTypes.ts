/** What a centre's stream of events tells of. */
export const eventTypes = [
  'block.sealed',
  'block.anchored',
  'block.committed',
  'block.void',
  'record.refused',
  'alert',
  'proposal.created',
  'vote.cast',
  'proposal.decided',
  'proposal.canceled',
  'proposal.executed',
  'version.added',
  'version.reported',
  'version.state',
  'resource.applied',
  'resource.failed',
  'resource.drifted',
  'admission.below-minimum',
] as const;

/** See {@link eventTypes}. */
export type EventType = (typeof eventTypes)[number];
