import type { Bench } from './support/Bench.ts';
import { plainServerRate } from './support/plainServer.ts';
import { median, type Row } from './support/Row.ts';

const runs = 3;
const recordsOfRun = 15_000;
const connections = 64;

/** Signed records, one a request, over 64 keep-alive connections. */
export async function single(bench: Bench): Promise<Row[]> {
  const { intake } = await bench.limits();
  const centre = await bench.centre();
  // The first run is for the compiler.
  await centre.feedSingly(await centre.sign(recordsOfRun), connections);
  const rates: number[] = [];
  const p99Ms: number[] = [];
  for (let run = 0; run < runs; run++) {
    const { records, seconds, answer } = await centre.feedSingly(await centre.sign(recordsOfRun), connections);
    rates.push(records / seconds);
    p99Ms.push(answer.latenciesMs[Math.floor(0.99 * records)]!);
  }
  await centre.drained();
  const plain = await plainServerRate(await centre.sign(recordsOfRun), connections);
  // Both have to be done for each record by the same processors.
  const both = 1 / (1 / plain + 1 / intake);
  return [
    {
      figure: 'records in single posts',
      value: median(rates),
      unit: '/s',
      target: { atLeast: 6_000 },
      beside: { name: '/s signatures + bare HTTP', value: both },
      note: `median of ${runs} runs of ${recordsOfRun} records, ${connections} keep-alive connections, 99 % within ${median(p99Ms).toFixed(0)} ms; client of plain sockets (no autocannon); bare HTTP is node:http that reads the body and answers 201, ${Math.round(plain)} /s with the same client`,
    },
  ];
}
