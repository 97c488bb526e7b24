import type { Bench } from './support/Bench.ts';
import type { CentreBench } from './support/CentreBench.ts';
import { median, type Row } from './support/Row.ts';

const smallSize = 10_000;
const windowRecords = 50_000;
const receiptsOfRun = 10_000;
const receiptRuns = 3;
const connections = 64;

/** What the centre spends on a record and on a receipt, in processor seconds. */
type Spent = NonNullable<Bench['small']>;

/** First half of the figure: the small log. Runs before anything else has made the log grow. */
export async function costAtFirst(bench: Bench): Promise<Row[]> {
  const centre = await bench.centre();
  await centre.growTo(smallSize);
  const receiptCpuSeconds = await receiptCost(centre);
  bench.small = { recordCpuSeconds: await recordCost(centre), receiptCpuSeconds };
  return [];
}

/** Cost of a record and of a receipt with the large log, compared with the small one. */
export async function cost(bench: Bench): Promise<Row[]> {
  const small = bench.small!;
  const centre = await bench.centre();
  await centre.growTo(bench.records - windowRecords);
  const large: Spent = { recordCpuSeconds: await recordCost(centre), receiptCpuSeconds: await receiptCost(centre) };
  const size = centre.size.toLocaleString('en-US');
  const row = (what: string, of: keyof Spent, note: string): Row => ({
    figure: `cost of a ${what} at ${size} to that at ${smallSize.toLocaleString('en-US')}`,
    value: large[of] / small[of],
    unit: 'x',
    target: { atMost: 1.3 },
    note: `${(1e6 * large[of]).toFixed(0)} to ${(1e6 * small[of]).toFixed(0)} processor microseconds of the centre, ${note}`,
  });
  return [
    row(
      'record',
      'recordCpuSeconds',
      `from the request to the committed log, over ${windowRecords} records in batches`,
    ),
    row('receipt', 'receiptCpuSeconds', `random records over HTTP, median of ${receiptRuns} runs of ${receiptsOfRun}`),
  ];
}

/** Everything until the last record is in the committed log: intake, sealing, tiles, indexes. */
async function recordCost(centre: CentreBench): Promise<number> {
  const signed = await centre.sign(windowRecords);
  await centre.drained();
  const before = await centre.cpuSeconds();
  await centre.feed(signed);
  await centre.drained();
  return ((await centre.cpuSeconds()) - before) / windowRecords;
}

async function receiptCost(centre: CentreBench): Promise<number> {
  const costs: number[] = [];
  for (let run = 0; run <= receiptRuns; run++) {
    const ids = centre.randomIds(receiptsOfRun);
    const before = await centre.cpuSeconds();
    const { good } = await centre.sockets({ connections, status: 200, ids });
    if (good !== receiptsOfRun) throw new Error(`${good} of ${receiptsOfRun} receipts came`);
    costs.push(((await centre.cpuSeconds()) - before) / receiptsOfRun);
  }
  // The first run is for caches and compiler.
  return median(costs.slice(1));
}
