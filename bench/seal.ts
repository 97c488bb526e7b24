import { until } from '../test/support/until.ts';
import type { Bench } from './support/Bench.ts';
import { metricsOf } from './support/metrics.ts';
import type { Row } from './support/Row.ts';

const records = 100_000;

/** Sealing a block of 100,000 records: from the cut of the pool to the signed header, the vote on disk in between. */
export async function seal(bench: Bench): Promise<Row[]> {
  const centre = await bench.centre();
  await centre.drained();
  // A centre that publishes nothing lets the pool fill; the next one finds all of it waiting.
  await centre.restart('--no-publish');
  await centre.feed(await centre.sign(records));
  await centre.restart();
  await centre.drained();
  const metrics = await until('the block in the log', async () => {
    const found = await metricsOf(centre.url);
    return found.get('notarium_commit_seconds_count') === 1 && found;
  });
  const blocks = metrics.get('notarium_seal_seconds_count')!;
  if (blocks !== 1) throw new Error(`the records were sealed in ${blocks} blocks`);
  return [
    {
      figure: 'sealing a block of 100,000 records',
      value: 1000 * metrics.get('notarium_seal_seconds_sum')!,
      unit: 'ms',
      target: { atMost: 1000 },
      beside: { name: 'ms writing it into the log', value: 1000 * metrics.get('notarium_commit_seconds_sum')! },
      note: 'as the centre measures it (notarium_seal_seconds), right after its start; tiles and indexes are written later, when the block is anchored',
    },
  ];
}
