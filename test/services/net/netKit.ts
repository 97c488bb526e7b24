import { randomBytes } from 'node:crypto';
import { Registry } from 'prom-client';
import type { Address } from '../../../services/core/bytes.ts';
import type { Clock } from '../../../services/lib/clock.ts';
import type { Logger } from '../../../services/lib/logger.ts';
import type { Directory, Net, NetLimits } from '../../../services/net/Net.ts';
import { createNetMetrics } from '../../../services/net/netMetrics.ts';
import { openNet } from '../../../services/net/openNet.ts';
import { until } from '../../support/until.ts';

export const network = 'eip155:31337:0x00000000000000000000000000000000000000aa';

export type LogLine = { readonly level: string; readonly message: string; readonly data: Record<string, unknown> };

/** A {@link Net} over a real socket, with what it logs and counts. */
export type TestNet = Net & {
  readonly key: Uint8Array;
  readonly log: readonly LogLine[];
  /** Value of a metric with these labels, 0 where it was never counted. */
  metric(name: string, labels?: Record<string, string>): Promise<number>;
};

const open: Net[] = [];

/** Closes all that the tests have opened. */
export async function closeNets(): Promise<void> {
  await Promise.all(open.splice(0).map((net) => net.close()));
}

export async function testNet(
  options: { key?: Uint8Array; network?: string; listen?: string[]; limits?: Partial<NetLimits>; clock?: Clock } = {},
): Promise<TestNet> {
  const { key = randomBytes(32), ...rest } = options;
  const registry = new Registry();
  const log: LogLine[] = [];
  const say = (level: string) => (data: object, message: string) => {
    log.push({ level, message, data: data as Record<string, unknown> });
  };
  const logger: Logger = { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') };
  const metrics = createNetMetrics(registry);
  const net = await openNet({ network, ...rest, privateKey: key, logger, metrics });
  open.push(net);
  return Object.assign(net, {
    key,
    log,
    metric: async (name: string, labels: Record<string, string> = {}) => {
      const { values } = (await registry.getSingleMetric(`notarium_net_${name}`)!.get()) as {
        values: { value: number; labels: Record<string, string> }[];
      };
      return (
        values.find((each) => Object.entries(labels).every(([label, value]) => each.labels[label] === value))?.value ??
        0
      );
    },
  });
}

export function directoryOf(...nets: readonly Net[]): Directory {
  return new Map(nets.map((net) => [net.address, net.multiaddrs]));
}

export function isConnected(net: Net, peer: Address): boolean {
  return net.peers().some(({ address, isConnected: yes }) => address === peer && yes);
}

/** Lets all of them know each other, and waits until they are connected. */
export async function connect(...nets: readonly Net[]): Promise<void> {
  for (const net of nets) net.setDirectory(directoryOf(...nets));
  await until('everybody connected', () =>
    nets.every((net) => nets.every((peer) => peer === net || isConnected(net, peer.address))),
  );
}

/** Nets that are connected. */
export async function connectedNets(count: number, limits: Partial<NetLimits> = {}): Promise<TestNet[]> {
  const nets = await Promise.all(Array.from({ length: count }, () => testNet({ limits })));
  await connect(...nets);
  return nets;
}

/** Two of them. */
export async function connectedPair(limits: Partial<NetLimits> = {}): Promise<readonly [TestNet, TestNet]> {
  const [a, b] = await connectedNets(2, limits);
  return [a!, b!];
}

/** Frames of an answer. */
export async function collect(frames: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const all: Uint8Array[] = [];
  for await (const frame of frames) all.push(frame);
  return all;
}

/** A promise and what resolves it. */
export function gateOf<T = void>(): { readonly promise: Promise<T>; readonly open: (value: T) => void } {
  const { promise, resolve } = Promise.withResolvers<T>();
  return { promise, open: resolve };
}

/** Time that only the test moves. */
export function handClock(): Clock & { advance(ms: number): void } {
  let nowMs = 1_000_000;
  let waiting: { readonly atMs: number; readonly wake: () => void }[] = [];
  return {
    nowMs: () => nowMs,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve();
        signal?.addEventListener('abort', () => resolve());
        waiting.push({ atMs: nowMs + ms, wake: resolve });
      }),
    advance(ms) {
      nowMs += ms;
      const due = waiting.filter(({ atMs }) => atMs <= nowMs);
      waiting = waiting.filter(({ atMs }) => atMs > nowMs);
      for (const { wake } of due) wake();
    },
  };
}
