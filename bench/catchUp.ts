import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bench } from './support/Bench.ts';
import type { Row } from './support/Row.ts';

const fewest = 100_000;
/** All that an operator has to keep to set up the same centre anew. */
const kept = new Set(['keystore', 'password']);

/** A centre whose data folder is lost takes the whole log from the others. */
export async function catchUp(bench: Bench): Promise<Row[]> {
  const four = await bench.consortium();
  await four.growTo(fewest);
  const member = four.consortium.members.at(-1)!;
  await member.stop();
  const lost = (await readdir(member.dataDir)).filter((name) => !kept.has(name));
  await Promise.all(lost.map((name) => rm(join(member.dataDir, name), { recursive: true })));
  const startMs = Date.now();
  const { stderr } = await member.start();
  await four.settled();
  const imports = importsIn(stderr());
  const records = imports.reduce((sum, { count }) => sum + count, 0);
  if (records !== four.size) throw new Error(`${records} of ${four.size} records were imported`);
  const firstMs = imports[0]!.time - 1000 * imports[0]!.seconds;
  const lastMs = imports.at(-1)!.time;
  return [
    {
      figure: 'records caught up by a centre that lacked all',
      value: (1000 * records) / (lastMs - firstMs),
      unit: '/s',
      target: { atLeast: 20_000 },
      beside: { name: '/s since its process was started', value: (1000 * records) / (lastMs - startMs) },
      note: `${records} records in ${imports.reduce((sum, { blocks }) => sum + blocks, 0)} blocks, taken ${imports.length} times, from ${new Set(imports.map(({ source }) => source)).size} sources; by the centre's log, from the beginning of its first import until the last one is in its log, with the same root as the others; the other centres, which have nothing else to do, share the processors`,
    },
  ];
}

type Imported = {
  readonly time: number;
  readonly blocks: number;
  readonly count: number;
  readonly seconds: number;
  readonly source: string;
};

/** What a centre logs whenever it has taken blocks of others. */
function importsIn(log: string): Imported[] {
  return log
    .split('\n')
    .filter((line) => line.includes('"blocks imported"'))
    .map((line) => {
      const { time, ...rest } = JSON.parse(line) as Omit<Imported, 'time'> & { time: string | number };
      return { ...rest, time: new Date(time).getTime() };
    });
}
