import { Counter, Gauge, type Registry } from 'prom-client';

/** What the network counts; `name` is a topic or protocol as the application calls it. */
export type NetMetrics = ReturnType<typeof createNetMetrics>;

/** Registers the metrics of one {@link Net} in the registry. */
export function createNetMetrics(registry: Registry) {
  const registers = [registry];
  const flow = (name: string, help: string) =>
    new Counter({ name, help, labelNames: ['name', 'direction'] as const, registers });
  return {
    bytes: flow('notarium_net_bytes_total', 'Payload bytes by topic or protocol'),
    messages: flow('notarium_net_messages_total', 'Gossip messages and request frames by topic or protocol'),
    dropped: new Counter({
      name: 'notarium_net_gossip_dropped_total',
      help: 'Gossip messages dropped because too many of their peer wait',
      labelNames: ['name'] as const,
      registers,
    }),
    gossipHeldBack: new Counter({
      name: 'notarium_net_gossip_held_back_seconds_total',
      help: 'Seconds that peers had to wait because they sent more gossip messages than they may',
      registers,
    }),
    refused: new Counter({
      name: 'notarium_net_connections_refused_total',
      help: 'Connections refused or closed by reason',
      labelNames: ['reason'] as const,
      registers,
    }),
    blamed: new Counter({
      name: 'notarium_net_blamed_points_total',
      help: 'Points that peers were blamed with by reason',
      labelNames: ['reason'] as const,
      registers,
    }),
    cutOff: new Counter({
      name: 'notarium_net_cut_off_total',
      help: 'Peers cut off by reason',
      labelNames: ['reason'] as const,
      registers,
    }),
    connectedPeers: new Gauge({ name: 'notarium_net_connected_peers', help: 'Peers connected now', registers }),
  };
}
