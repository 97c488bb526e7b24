import type { Bench } from './support/Bench.ts';
import { linesPerBatch, requestsAtOnce } from './support/CentreBench.ts';
import { median, type Row } from './support/Row.ts';
import { processors } from './support/runThread.ts';

const runs = 3;
const recordsOfRun = 40_000;

/**
 * Signed records in NDJSON batches, each durable and answered, while blocks are sealed beside: by a signed acceptance, as by
 * default, and by its id alone.
 */
export async function batch(bench: Bench): Promise<Row[]> {
  const { intake, recover } = await bench.limits();
  const centre = await bench.centre();
  await centre.growTo(Math.max(centre.size, 10_000));
  const rates: number[] = [];
  const briefRates: number[] = [];
  // In turn, so that what else the machine does meets both.
  for (let run = 0; run < runs; run++) {
    for (const acceptances of [true, false]) {
      const { records, seconds } = await centre.feed(await centre.sign(recordsOfRun), { acceptances });
      (acceptances ? rates : briefRates).push(records / seconds);
    }
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
    {
      figure: 'records in NDJSON batches, Prefer: return=minimal',
      value: median(briefRates),
      unit: '/s',
      target: { atLeast: 15_000 },
      beside: { name: '/s signatures checked, nothing else', value: recover * processors },
      note: 'the same; the promise is stored with each record, and signed when somebody asks for it',
    },
  ];
}
