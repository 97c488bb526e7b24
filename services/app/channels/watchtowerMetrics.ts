import { Counter, Registry } from 'prom-client';
import { type SettlementMetrics, settlementMetrics } from './settlementMetrics.ts';

/** What a watchtower counts. */
export type WatchtowerMetrics = {
  readonly registry: Registry;
  readonly settlement: SettlementMetrics;
  /** A state was kept. */
  handed(): void;
};

/** Registers the metrics of a watchtower in a registry of its own. */
export function watchtowerMetrics(): WatchtowerMetrics {
  const registry = new Registry();
  const handed = new Counter({
    name: 'notarium_watchtower_states_total',
    help: 'States of evidence channels that were handed in and kept',
    registers: [registry],
  });
  return { registry, settlement: settlementMetrics(registry), handed: () => handed.inc() };
}
