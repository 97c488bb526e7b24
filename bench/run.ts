import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { ensureBuilt } from '../scripts/support/ensureBuilt.ts';
import { activities } from './activities.ts';
import { batch } from './batch.ts';
import { catchUp } from './catchUp.ts';
import { channels } from './channels.ts';
import { consortium } from './consortium.ts';
import { consortiumCost } from './consortiumCost.ts';
import { cost, costAtFirst } from './cost.ts';
import { evidence } from './evidence.ts';
import { latency } from './latency.ts';
import { memory } from './memory.ts';
import { receipts } from './receipts.ts';
import { root } from './root.ts';
import { seal } from './seal.ts';
import { single } from './single.ts';
import { Bench } from './support/Bench.ts';
import { machine } from './support/machine.ts';
import { isMet, type Row } from './support/Row.ts';
import { table } from './support/table.ts';
import { verify } from './verify.ts';

/** One figure; `first` runs before all others, while the log is still small. */
type Figure = {
  readonly name: string;
  readonly first?: (bench: Bench) => Promise<Row[]>;
  readonly run: (bench: Bench) => Promise<Row[]>;
};

// In this order the one centre grows from a small log to a large one, and after it the four do.
const figures: readonly Figure[] = [
  { name: 'root', run: root },
  { name: 'evidence', run: evidence },
  { name: 'channels', run: channels },
  { name: 'activities', run: activities },
  { name: 'batch', run: batch },
  { name: 'single', run: single },
  { name: 'seal', run: seal },
  { name: 'cost', first: costAtFirst, run: cost },
  { name: 'memory', run: memory },
  { name: 'receipts', run: receipts },
  { name: 'verify', run: verify },
  { name: 'consortium', run: consortium },
  { name: 'latency', run: latency },
  { name: 'catch-up', run: catchUp },
  { name: 'consortium-cost', run: consortiumCost },
];

const usage = `usage: npm run bench -- [NAME …] [--records COUNT] [--stream GIB] [--json FILE]
  names: ${figures.map(({ name }) => name).join(', ')}; all when none is given
  --records  size of the large log, 1,000,000 by default
  --stream   size of the content whose way through a channel is watched, 1 GiB by default; it needs as much room on the disk
  --json     writes the result, which is printed as a table and as JSON, into a file too, as JSON
`;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      records: { type: 'string', default: '1000000' },
      stream: { type: 'string', default: '1' },
      json: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  const records = Number(values.records);
  const streamBytes = 2 ** 30 * Number(values.stream);
  const unknown = positionals.find((name) => !figures.some((figure) => figure.name === name));
  const isGood = Number.isSafeInteger(records) && records >= 100_000 && streamBytes >= 2 ** 20;
  if (values.help || unknown !== undefined || !isGood) {
    process.stderr.write(unknown === undefined ? usage : `no figure is called ${unknown}\n${usage}`);
    process.exitCode = values.help ? 0 : 2;
    return;
  }
  // A fresh clone has no contracts yet.
  ensureBuilt((line) => process.stderr.write(`${line}\n`));
  const chosen = figures.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  const startMs = performance.now();
  const about = machine();
  const bench = new Bench({ records, streamBytes: Math.floor(streamBytes) });
  const rows: Row[] = [];
  try {
    for (const { name, first } of chosen) {
      if (first) await measured(`${name}, small log`, () => first(bench), rows);
    }
    for (const { name, run } of chosen) await measured(name, () => run(bench), rows);
  } finally {
    await bench.close();
  }
  const seconds = Math.round((performance.now() - startMs) / 1000);
  const result = { machine: about, seconds, rows: rows.map((row) => ({ ...row, met: isMet(row) ?? null })) };
  const { cpu, cores, memoryGb, node, platform, loadBefore } = about;
  const head = `${cpu}, ${cores} cores, ${memoryGb} GB, node ${node}, ${platform}, load before: ${loadBefore}`;
  const json = JSON.stringify(result, undefined, 2);
  process.stdout.write(`\n${head}\n\n${table(rows)}\n\n${json}\n\n${seconds} s\n`);
  if (values.json !== undefined) await writeFile(values.json, `${json}\n`);
}

async function measured(name: string, run: () => Promise<Row[]>, rows: Row[]): Promise<void> {
  process.stderr.write(`${name} …\n`);
  const startMs = performance.now();
  const found = await run();
  // Shown at once: what comes after it may still fail.
  for (const { figure, value, unit } of found) process.stderr.write(`  ${figure}: ${value.toPrecision(4)} ${unit}\n`);
  process.stderr.write(`  ${Math.round((performance.now() - startMs) / 1000)} s\n`);
  rows.push(...found);
}

await main();
