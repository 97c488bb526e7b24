import type { Bench } from './support/Bench.ts';
import { metricOf, peakResidentBytes } from './support/metrics.ts';
import type { Row } from './support/Row.ts';

const mb = 1e6;

/** Resident memory of the centre process once the large log is in it. */
export async function memory(bench: Bench): Promise<Row[]> {
  const centre = await bench.centre();
  await centre.growTo(bench.records);
  const value = (await metricOf(centre.url, 'process_resident_memory_bytes')) / mb;
  const peak = await peakResidentBytes(centre.net.centre.pid);
  return [
    {
      figure: `resident memory at ${centre.size.toLocaleString('en-US')} records`,
      value,
      unit: 'MB',
      target: { atMost: 600 },
      ...(peak === undefined ? {} : { beside: { name: 'MB at most, while filling', value: peak / mb } }),
      note: 'one process: HTTP, intake threads, database threads, sealing',
    },
  ];
}
