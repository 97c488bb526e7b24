import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** What the HTTP side counts. */
export type HttpMetrics = {
  readonly registry: Registry;
  /** All metrics as text, after a look at what is served: its gauges stand where the last look left them. */
  scrape(): Promise<string>;
  /** One answered request; `route` is the template, never the path itself. */
  request(method: string, route: string, status: number, seconds: number): void;
  batchLine(status: string, count: number): void;
  readonly eventClients: Gauge;
};

/** Makes the metrics, in the given registry or in one of their own, together with those of the process. */
export function createHttpMetrics(
  isReady: () => Promise<boolean>,
  underWay: () => number,
  given?: Registry,
): HttpMetrics {
  const registry = given ?? new Registry();
  if (!registry.getSingleMetric('process_cpu_user_seconds_total')) collectDefaultMetrics({ register: registry });
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
  const ready = new Gauge({
    name: 'notarium_ready',
    help: '1 when no problem is reported that keeps the process from its work',
    registers,
  });
  // A label look-up hashes all labels; children are few and kept.
  const children = new Map<string, { observe(value: number): void }>();
  return {
    registry,
    eventClients,
    async scrape() {
      ready.set((await isReady().catch(() => false)) ? 1 : 0);
      return await registry.metrics();
    },
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
