import { Counter, Gauge, type Registry } from 'prom-client';
import type { Duty } from './duties.ts';

/** What a settlement counts. */
export type SettlementMetrics = {
  done(type: Duty['type']): void;
  failed(type: Duty['type']): void;
  state(now: { readonly channels: number; readonly closing: number; readonly block: number }): void;
  safetyDelta(seconds: number): void;
};

/** Registers the metrics of the chain side of evidence channels. */
export function settlementMetrics(registry: Registry): SettlementMetrics {
  const registers = [registry];
  const duties = new Counter({
    name: 'notarium_channel_duties_total',
    help: 'What was done on chain for evidence channels, and how it ended',
    labelNames: ['type', 'outcome'],
    registers,
  });
  const gauge = (name: string, help: string): Gauge => new Gauge({ name, help, registers });
  const channels = gauge('notarium_channels_watched', 'Evidence channels that have not ended');
  const closing = gauge('notarium_channels_closing', 'Those of them that are closing');
  const block = gauge('notarium_channels_block', 'Newest chain block that was looked at');
  const delta = gauge('notarium_channels_safety_delta_seconds', 'How long before a deadline a transaction is sent');
  return {
    done: (type) => duties.inc({ type, outcome: 'done' }),
    failed: (type) => duties.inc({ type, outcome: 'failed' }),
    state(now) {
      channels.set(now.channels);
      closing.set(now.closing);
      block.set(now.block);
    },
    safetyDelta: (seconds) => delta.set(seconds),
  };
}
