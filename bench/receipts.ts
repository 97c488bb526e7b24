import type { Bench } from './support/Bench.ts';
import { median, type Row } from './support/Row.ts';

const runs = 3;
const receiptsOfRun = 20_000;
const connections = 64;

/** Receipts of random records of the large log: made in process, and fetched over HTTP. */
export async function receipts(bench: Bench): Promise<Row[]> {
  const centre = await bench.centre();
  await centre.growTo(bench.records);
  const rates: number[] = [];
  for (let run = 0; run < runs; run++) {
    const { good, seconds } = await centre.sockets({ connections, status: 200, ids: centre.randomIds(receiptsOfRun) });
    if (good !== receiptsOfRun) throw new Error(`${good} of ${receiptsOfRun} receipts came`);
    rates.push(good / seconds);
  }
  const { perSecond } = await bench.receipts();
  return [
    {
      figure: 'receipts made, in process',
      value: perSecond,
      unit: '/s',
      target: { atLeast: 10_000 },
      note: `random records of ${centre.size.toLocaleString('en-US')}, look-up in the index, entry, proof and block included; one process on the closed centre's data`,
    },
    {
      figure: 'receipts over HTTP',
      value: median(rates),
      unit: '/s',
      note: `median of ${runs} runs of ${receiptsOfRun}, ${connections} keep-alive connections, client included`,
    },
  ];
}
