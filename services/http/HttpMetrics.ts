import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Centre } from '../app/Centre.ts';

/** What the HTTP side counts. */
export type HttpMetrics = {
  readonly registry: Registry;
  /** One answered request; `route` is the template, never the path itself. */
  request(method: string, route: string, status: number, seconds: number): void;
  batchLine(status: string, count: number): void;
  readonly eventClients: Gauge;
};

/** Makes the metrics, in the given registry or in one of their own together with those of the process. */
export function createHttpMetrics(centre: Centre, underWay: () => number, given?: Registry): HttpMetrics {
  const registry = given ?? new Registry();
  if (given === undefined) collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const duration = new Histogram({
    name: 'notarium_http_request_duration_seconds',
    help: 'Time from the request line to the end of the answer',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 30],
    registers,
  });
  const lines = new Counter({
    name: 'notarium_http_batch_lines_total',
    help: 'Lines of batches by what became of them',
    labelNames: ['status'],
    registers,
  });
  new Gauge({
    name: 'notarium_http_requests_under_way',
    help: 'Requests that are not answered yet',
    registers,
    collect() {
      this.set(underWay());
    },
  });
  const eventClients = new Gauge({ name: 'notarium_http_event_clients', help: 'Open event streams', registers });
  addCentreGauges(centre, registry);
  // A label look-up hashes all labels; children are few and kept.
  const children = new Map<string, { observe(value: number): void }>();
  return {
    registry,
    eventClients,
    request(method, route, status, seconds) {
      const name = `${method} ${status} ${route}`;
      let child = children.get(name);
      if (child === undefined) {
        child = duration.labels(method, route, String(status));
        children.set(name, child);
      }
      child.observe(seconds);
    },
    batchLine: (status, count) => lines.inc({ status }, count),
  };
}

function addCentreGauges(centre: Centre, registry: Registry): void {
  const gauge = (name: string, help: string): Gauge => new Gauge({ name, help, registers: [] });
  const ready = gauge('notarium_ready', '1 when the centre is ready');
  const poolRecords = gauge('notarium_pool_records', 'Accepted records that are not in a block yet');
  const poolBytes = gauge('notarium_pool_bytes', 'Size of the pool');
  const poolAge = gauge('notarium_pool_oldest_age_seconds', 'Age of the oldest record in the pool');
  const logSize = gauge('notarium_log_records', 'Records in the log');
  const height = gauge('notarium_block_height', 'Height of the newest block');
  const anchored = gauge('notarium_anchored_height', 'Height of the newest anchored block');
  const others = [poolRecords, poolBytes, poolAge, logSize, height, anchored];
  // One look at the centre fills all of them: the first one asked for does it.
  const first = new Gauge({
    name: 'notarium_problems',
    help: 'Problems that the centre reports now',
    registers: [registry],
    async collect() {
      const status = await centre.status();
      this.set(status.problems.length);
      ready.set(status.ready ? 1 : 0);
      poolRecords.set(status.pool.count);
      poolBytes.set(status.pool.bytes);
      poolAge.set(status.pool.oldestAgeSeconds ?? 0);
      logSize.set(status.log.size);
      height.set(status.height);
      anchored.set(status.anchoredHeight);
    },
  });
  void first;
  for (const other of [ready, ...others]) registry.registerMetric(other);
}
