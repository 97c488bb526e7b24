import { readFile } from 'node:fs/promises';

/** Values of a centre's `/metrics` without labels, by name. */
export async function metricsOf(url: string): Promise<Map<string, number>> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return new Map([...text.matchAll(/^(\w+) ([0-9.e+-]+)$/gm)].map(([, name, value]) => [name!, Number(value)]));
}

/** A metric that must be there. */
export async function metricOf(url: string, name: string): Promise<number> {
  const value = (await metricsOf(url)).get(name);
  if (value === undefined) throw new Error(`the centre has no metric ${name}`);
  return value;
}

/** Processor time that centres have used, all of them together. */
export async function cpuSecondsOf(centres: readonly { readonly url: string }[]): Promise<number> {
  const parts = await Promise.all(centres.map(({ url }) => metricOf(url, 'process_cpu_seconds_total')));
  return parts.reduce((sum, part) => sum + part);
}

/** Largest resident memory that a process ever had, in bytes; undefined where the system does not tell. */
export async function peakResidentBytes(pid: number): Promise<number | undefined> {
  if (process.platform !== 'linux') return undefined;
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const match = /^VmHWM:\s+(\d+) kB$/m.exec(status);
  return match ? 1024 * Number(match[1]) : undefined;
}

/** Resident memory of a process now, in bytes; NaN where the system does not tell. */
export async function residentBytes(pid: number): Promise<number> {
  if (process.platform !== 'linux') return Number.NaN;
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return 1024 * Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]);
}
