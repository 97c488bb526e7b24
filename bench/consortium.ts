import type { Bench } from './support/Bench.ts';
import { CentreBench, linesPerBatch, requestsAtOnce } from './support/CentreBench.ts';
import { type ConsortiumBench, centres, periodSeconds } from './support/ConsortiumBench.ts';
import type { Row } from './support/Row.ts';

const records = 40_000;
// For connections and the compiler.
const warmUpRecords = 5_000;

/** Until the last record is in the last log, and what the processors did for it. */
type Measured = { readonly perSecond: number; readonly cpuMicroseconds: number };

/** Records that four centres on this machine replicate and seal, beside what one centre does there alone. */
export async function consortium(bench: Bench): Promise<Row[]> {
  const alone = await oneCentre();
  const together = await measure(await bench.consortium());
  const figure = `records replicated and sealed by ${centres} centres`;
  return [
    {
      figure,
      value: together.perSecond,
      unit: '/s',
      beside: { name: '/s one centre alone', value: alone.perSecond },
      note: `${records} records in batches of ${linesPerBatch}, ${requestsAtOnce} at a time, to one centre after the other, period ${periodSeconds} s; from the first byte until every centre has all of them in its log with one root; all centres, client and chain share this machine's processors: ${together.cpuMicroseconds.toFixed(0)} processor microseconds of all centres a record, ${alone.cpuMicroseconds.toFixed(0)} of one centre alone, which has as many intake threads as there are processors (the others have one each)`,
    },
    {
      figure: 'the same, to one centre alone',
      value: together.perSecond / alone.perSecond,
      unit: 'x',
      target: { atLeast: 1 / 3 },
    },
  ];
}

/** A centre of its own with an empty log, like the four: same client, same batches, same period. */
async function oneCentre(): Promise<Measured> {
  const centre = await CentreBench.start();
  try {
    return await measure({
      sign: (count) => centre.sign(count),
      feed: (signed) => centre.feed(signed),
      settled: () => centre.drained(),
      cpuSeconds: () => centre.cpuSeconds(),
    });
  } finally {
    await centre.close();
  }
}

async function measure(centre: Pick<ConsortiumBench, 'sign' | 'feed' | 'settled' | 'cpuSeconds'>): Promise<Measured> {
  await centre.feed(await centre.sign(warmUpRecords));
  await centre.settled();
  const signed = await centre.sign(records);
  const cpuBefore = await centre.cpuSeconds();
  const { seconds } = await centre.feed(signed);
  const fedMs = performance.now();
  await centre.settled();
  const settledSeconds = (performance.now() - fedMs) / 1000;
  const cpuSeconds = (await centre.cpuSeconds()) - cpuBefore;
  return { perSecond: records / (seconds + settledSeconds), cpuMicroseconds: (1e6 * cpuSeconds) / records };
}
