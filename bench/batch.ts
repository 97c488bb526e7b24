import type { Bench } from './support/Bench.ts';
import { linesPerBatch, requestsAtOnce } from './support/CentreBench.ts';
import { median, type Row } from './support/Row.ts';

const runs = 3;
const recordsOfRun = 40_000;

/** Signed records in NDJSON batches, each durable and answered by a signed acceptance, while blocks are sealed beside. */
export async function batch(bench: Bench): Promise<Row[]> {
  const { intake } = await bench.limits();
  const centre = await bench.centre();
  await centre.growTo(Math.max(centre.size, 10_000));
  const rates: number[] = [];
  for (let run = 0; run < runs; run++) {
    const { records, seconds } = await centre.feed(await centre.sign(recordsOfRun));
    rates.push(records / seconds);
  }
  await centre.drained();
  return [
    {
      figure: 'records in NDJSON batches',
      value: median(rates),
      unit: '/s',
      target: { atLeast: 15_000 },
      beside: { name: '/s signatures alone', value: intake },
      note: `median of ${runs} runs of ${recordsOfRun} records, ${requestsAtOnce} batches of ${linesPerBatch} at a time; client, centre, chain and sealing share the processors; "signatures alone" is one recovered and one made for each record on all processors, with nothing else`,
    },
  ];
}
