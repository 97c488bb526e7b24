import { Counter, Gauge, type Registry } from 'prom-client';
import type { HeadType } from '../../core/activities/message.ts';
import type { ErrorCode } from '../../core/errors.ts';

/** What the exchange of activities counts. No label names a member or an activity. */
export type ActivityMetrics = {
  sent(type: HeadType): void;
  taken(type: HeadType): void;
  /** What came and was refused, by the code that it was refused with. */
  refused(code: ErrorCode): void;
  /** What members have refused. */
  refusedByMember(): void;
  deliveryFailed(): void;
  waiting(now: { readonly queued: number; readonly oldestSeconds: number; readonly held: number }): void;
};

/** Registers the metrics of private activities. */
export function activityMetrics(registry: Registry): ActivityMetrics {
  const registers = [registry];
  const counter = <T extends string>(name: string, help: string, ...labelNames: T[]): Counter<T> =>
    new Counter({ name: `notarium_activity_${name}`, help, labelNames, registers });
  const gauge = (name: string, help: string): Gauge =>
    new Gauge({ name: `notarium_activity_${name}`, help, registers });
  const sent = counter('messages_sent_total', 'Messages of this node', 'type');
  const taken = counter('messages_taken_total', 'Messages of others that were taken', 'type');
  const refused = counter('messages_refused_total', 'What others have sent and was refused', 'code');
  const refusedByMember = counter('messages_refused_by_members_total', 'Messages of this node that a member refused');
  const failed = counter('delivery_failures_total', 'Tries in which a member could not be reached');
  const queued = gauge('deliveries_queued', 'Deliveries that wait for a member');
  const oldest = gauge('delivery_oldest_seconds', 'Age of the oldest one');
  const held = gauge('messages_held', 'Messages that came before what they build on');
  return {
    sent: (type) => sent.inc({ type }),
    taken: (type) => taken.inc({ type }),
    refused: (code) => refused.inc({ code }),
    refusedByMember: () => refusedByMember.inc(),
    deliveryFailed: () => failed.inc(),
    waiting(now) {
      queued.set(now.queued);
      oldest.set(now.oldestSeconds);
      held.set(now.held);
    },
  };
}
