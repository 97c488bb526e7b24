import { cpus, loadavg, totalmem } from 'node:os';

/** What the figures were measured on. A load far above 0 before the start means that they are too low. */
export function machine() {
  const [cpu] = cpus();
  return {
    cpu: cpu?.model ?? 'unknown',
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    loadBefore: Number(loadavg()[0]!.toFixed(2)),
  };
}
