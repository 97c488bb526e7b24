import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Prometheus metrics of a centre; units are in the names. */
export type CentreMetrics = ReturnType<typeof createMetrics>;

/** Registers the metrics of one centre in a registry of its own. */
export function createMetrics() {
  const registers = [new Registry()];
  const registry = registers[0]!;
  return {
    registry,
    accepted: new Counter({ name: 'notarium_records_accepted_total', help: 'Records accepted', registers }),
    refused: new Counter({ name: 'notarium_records_refused_total', help: 'Accepted records refused later', registers }),
    poolRecords: new Gauge({ name: 'notarium_pool_records', help: 'Records waiting for a block', registers }),
    poolBytes: new Gauge({ name: 'notarium_pool_bytes', help: 'Bytes of the records waiting', registers }),
    poolAgeSeconds: new Gauge({ name: 'notarium_pool_oldest_age_seconds', help: 'Age of the oldest one', registers }),
    logSize: new Gauge({ name: 'notarium_log_size', help: 'Records in the committed log', registers }),
    height: new Gauge({ name: 'notarium_block_height', help: 'Height of the newest committed block', registers }),
    sealSeconds: new Histogram({
      name: 'notarium_seal_seconds',
      help: 'From the cut of the pool to the signed header',
      buckets: [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5],
      registers,
    }),
    anchorSeconds: new Histogram({
      name: 'notarium_anchor_seconds',
      help: 'From the sealed block to its anchor in a chain block',
      buckets: [0.05, 0.25, 1, 2, 5, 15, 60, 300],
      registers,
    }),
    commitSeconds: new Histogram({
      name: 'notarium_commit_seconds',
      help: 'Writing a block into the log',
      buckets: [0.01, 0.05, 0.25, 0.5, 1, 2, 5, 15],
      registers,
    }),
    votes: new Counter({ name: 'notarium_votes_total', help: 'Block hashes signed', registers }),
    votesRefused: new Counter({
      name: 'notarium_votes_refused_total',
      help: 'Votes refused to a publisher',
      registers,
    }),
    equivocations: new Counter({ name: 'notarium_equivocations_total', help: 'Equivocations reported', registers }),
    importSeconds: new Histogram({
      name: 'notarium_import_seconds',
      help: 'Taking a block of another centre into the log',
      buckets: [0.01, 0.05, 0.25, 0.5, 1, 2, 5, 15],
      registers,
    }),
    lag: new Gauge({
      name: 'notarium_sync_lag_blocks',
      help: 'Anchored blocks that are not in the log yet',
      registers,
    }),
    rollBacks: new Counter({
      name: 'notarium_log_rollbacks_total',
      help: 'Times that the log was taken back to what the chain has',
      registers,
    }),
    voids: new Counter({ name: 'notarium_blocks_void_total', help: 'Blocks not anchored in time', registers }),
    replacements: new Counter({
      name: 'notarium_anchor_replacements_total',
      help: 'Stuck transactions replaced',
      registers,
    }),
    webhookSent: new Counter({ name: 'notarium_webhook_sent_total', help: 'Events the webhook has taken', registers }),
    webhookFailed: new Counter({
      name: 'notarium_webhook_failed_total',
      help: 'Tries in which the webhook did not take an event',
      registers,
    }),
    centresBelowMinimum: new Gauge({
      name: 'notarium_centres_below_minimum',
      help: 'Centres that no longer meet the minimum, or are to be authenticated again, as this authenticator knows',
      registers,
    }),
    anchorGas: new Gauge({
      name: 'notarium_anchor_gas',
      help: 'Gas used by the newest anchor of this centre',
      registers,
    }),
  };
}
