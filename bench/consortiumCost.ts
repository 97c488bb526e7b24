import type { Bench } from './support/Bench.ts';
import { ConsortiumBench, centres } from './support/ConsortiumBench.ts';
import type { Row } from './support/Row.ts';

const smallSize = 10_000;
const windowRecords = 30_000;
const mebibyte = 2 ** 20;

/** What a record costs all of four centres together with a small log and with a large one; four of their own. */
export async function consortiumCost({ records }: Bench): Promise<Row[]> {
  const consortium = await ConsortiumBench.start();
  try {
    await consortium.growTo(smallSize);
    const small = await recordCost(consortium);
    await consortium.growTo(records - windowRecords);
    const large = await recordCost(consortium);
    const memory = await consortium.largestResident();
    const size = consortium.size.toLocaleString('en-US');
    return [
      {
        figure: `cost of a record with ${centres} centres at ${size} to that at ${smallSize.toLocaleString('en-US')}`,
        value: large / small,
        unit: 'x',
        target: { atMost: 1.3 },
        note: `${(1e6 * large).toFixed(0)} to ${(1e6 * small).toFixed(0)} processor microseconds of all centres, from the request until every centre has the record in its committed log, over ${windowRecords} records in batches; then ${(memory / mebibyte).toFixed(0)} MiB resident in the largest centre`,
      },
    ];
  } finally {
    await consortium.close();
  }
}

async function recordCost(consortium: ConsortiumBench): Promise<number> {
  const signed = await consortium.sign(windowRecords);
  await consortium.settled();
  const before = await consortium.cpuSeconds();
  await consortium.feed(signed);
  await consortium.settled();
  return ((await consortium.cpuSeconds()) - before) / windowRecords;
}
