import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { toHex } from '../services/core/bytes.ts';
import type { Bench } from './support/Bench.ts';
import { centres, periodSeconds } from './support/ConsortiumBench.ts';
import type { Row } from './support/Row.ts';

const recordsPerSecond = 50;
const seconds = 30;
/** Longest that a receipt is waited for. */
const waitSeconds = 60;

/** From the acceptance of a record to its receipt, at a load far below the limit. */
export async function latency(bench: Bench): Promise<Row[]> {
  const four = await bench.consortium();
  await four.settled();
  const signed = await four.sign(recordsPerSecond * seconds);
  const texts = await Promise.all(signed.files.map((file) => readFile(file, 'utf8')));
  const lines = texts.flatMap((text) => text.trimEnd().split('\n'));
  const startMs = performance.now();
  const waits = lines.map(async (line, at) => {
    await sleep(Math.max(0, startMs + (1000 * at) / recordsPerSecond - performance.now()));
    return await acceptedToReceipt(four.urls[at % centres]!, line, toHex(signed.ids.subarray(32 * at, 32 * at + 32)));
  });
  const sorted = (await Promise.all(waits)).sort((a, b) => a - b);
  await four.taken(signed, sorted.length);
  await four.settled();
  const row = (figure: string, share: number, periods: number): Row => ({
    figure: `acceptance to anchored receipt, ${figure}`,
    value: sorted[Math.floor(share * sorted.length)]!,
    unit: 's',
    target: { atMost: periods * periodSeconds },
    beside: { name: 's period', value: periodSeconds },
  });
  return [
    row('median', 0.5, 2),
    {
      ...row('99 %', 0.99, 3),
      note: `${recordsPerSecond} records/s for ${seconds} s, one a request, to ${centres} centres in turn; from the answer with the acceptance to the receipt from the same centre, which the client has asked for with "wait"; longest ${sorted.at(-1)!.toFixed(2)} s`,
    },
  ];
}

async function acceptedToReceipt(url: string, line: string, id: string): Promise<number> {
  const headers = { 'content-type': 'application/json' };
  const posted = await fetch(`${url}/v1/records`, { method: 'POST', headers, body: line });
  await posted.arrayBuffer();
  if (posted.status !== 201) throw new Error(`a record was answered with ${posted.status}`);
  const acceptedMs = performance.now();
  const answer = await fetch(`${url}/v1/records/${id}/receipt?wait=${waitSeconds}`);
  await answer.arrayBuffer();
  if (answer.status !== 200) throw new Error(`a receipt was answered with ${answer.status}`);
  return (performance.now() - acceptedMs) / 1000;
}
