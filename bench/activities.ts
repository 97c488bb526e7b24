import { loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { testS3 } from '../test/support/s3.ts';
import { ActivityCentres } from './support/ActivityCentres.ts';
import type { ActivityAnswer, ActivityTask } from './support/activityClient.ts';
import type { FileRun, FileWay } from './support/activityFile.ts';
import { activityStoreRows } from './support/activityStoreRows.ts';
import type { Bench } from './support/Bench.ts';
import { cpuSecondsOf } from './support/metrics.ts';
import { median, type Row } from './support/Row.ts';
import { runChild } from './support/runChild.ts';

/** Of blocks; sixteen centres on one machine that seal every two seconds have no time for anything else. */
const periodSeconds = { many: 2, large: 10 };
const large = { members: 16, bodyBytes: 1_000_000, runs: 5 };
const many = { members: 4, bodyBytes: 2_000, count: 3_000, atOnce: 64 };
const warmUp = 2_000;
const idleWatchMs = 5_000;
/** After so much of a file everything that does not depend on its size is in memory. */
const settledBytes = 100e6;

/**
 * Private activities between real centre processes on one chain: real sockets, SQLite on this machine's disk, everything synced as in
 * production, and the record of each message sealed by all centres meanwhile.
 */
export async function activities(bench: Bench): Promise<Row[]> {
  const rows = await activityStoreRows();
  rows.push(
    ...(await withCentres(many.members, periodSeconds.many, async (centres) => [
      ...(await throughput(centres)),
      ...(await attached(centres, bench.streamBytes)),
    ])),
  );
  rows.push(...(await inBuckets(bench.streamBytes)));
  rows.push(...(await withCentres(large.members, periodSeconds.large, multicast)));
  return rows;
}

async function throughput(centres: ActivityCentres): Promise<Row[]> {
  const { members, bodyBytes, count, atOnce } = many;
  const rows: Row[] = [];
  for (const senders of [members, 1]) {
    const task = { places: centres.places, kind: 'many', bodyBytes, atOnce, senders } as const;
    // For connections and the compiler.
    await client({ ...task, count: warmUp });
    const load = loadavg()[0]!;
    const { seconds, sentSeconds, cpuSeconds, centresCpuSeconds = Number.NaN } = await client({ ...task, count });
    const from = senders === 1 ? 'one member' : `${senders} members in turn`;
    rows.push({
      figure: `activities to groups of ${members}, sent by ${from}`,
      value: count / seconds[0]!,
      unit: '/s',
      target: { atLeast: 200 },
      beside: { name: '/s taken by who sends', value: count / sentSeconds[0]! },
      note: `${count} activities with bodies of ${bodyBytes} bytes, ${atOnce} requests at a time; ${members} centre processes, client and chain on this machine's processors; until all members have signed that they have read and stored all; processor time for each: all centres together ${((1000 * centresCpuSeconds) / count).toFixed(2)} ms, client ${((1000 * cpuSeconds) / count).toFixed(2)} ms; load before ${load.toFixed(1)}`,
    });
  }
  return rows;
}

async function multicast(centres: ActivityCentres): Promise<Row[]> {
  const { members, bodyBytes, runs } = large;
  const load = loadavg()[0]!;
  const idleMs = await idle(centres);
  const task = { places: centres.places, kind: 'large', runs, bodyBytes } as const;
  const { seconds, sentSeconds, firstSeconds = Number.NaN, centresCpuSeconds = Number.NaN } = await client(task);
  return [
    {
      figure: `an activity of ${bodyBytes / 1e6} MB, at all ${members} members`,
      value: median(seconds),
      unit: 's',
      target: { atMost: 1 },
      beside: { name: 's in the best run', value: Math.min(...seconds) },
      note: `median of ${runs}: ${seconds.map((each) => each.toFixed(2)).join(', ')} s from the request on, ${sentSeconds.map((each) => each.toFixed(2)).join(', ')} s of these until it is answered; one before these, the first of all, took ${firstSeconds.toFixed(2)} s; ${members} centre processes on this machine's processors, until the sender has the signed acknowledgements of all ${members - 1} others; processor time for each: all centres together ${((1000 * centresCpuSeconds) / runs).toFixed(0)} ms, what they take with nothing else to do among it; blocks every ${periodSeconds.large} s; load before ${load.toFixed(1)}, and with nothing to do the ${members} centres take ${idleMs.toFixed(0)} ms of processor time a second`,
    },
  ];
}

/** Processor time a second, in ms, of centres that have nothing to do. */
async function idle(centres: ActivityCentres): Promise<number> {
  const cpuBefore = await cpuSecondsOf(centres.places);
  const startMs = performance.now();
  await sleep(idleWatchMs);
  return (1e6 * ((await cpuSecondsOf(centres.places)) - cpuBefore)) / (performance.now() - startMs);
}

/** The same attachment where both centres keep theirs in an object store, whose server runs in this process. */
async function inBuckets(sizeBytes: number): Promise<Row[]> {
  const s3 = await testS3();
  try {
    const centres = await ActivityCentres.start(2, periodSeconds.many, s3);
    try {
      return await attached(centres, sizeBytes, ', kept in buckets');
    } finally {
      await centres.close();
    }
  } finally {
    await s3.stop();
  }
}

async function attached(centres: ActivityCentres, sizeBytes: number, where = ''): Promise<Row[]> {
  const { file } = await client({
    places: centres.places,
    kind: 'file',
    sizeBytes,
    settledBytes: Math.min(settledBytes, sizeBytes / 4),
  });
  if (!file) throw new Error('no file was sent');
  const row = (figure: string, way: keyof FileRun, end: 'sender' | 'receiver'): Row =>
    memoryRow(`${figure}${where}`, file[way], end, sizeBytes);
  return [
    row('memory that an attachment adds, uploaded to the sender', 'upload', 'sender'),
    row('the same, given by the sender to a member', 'fetch', 'sender'),
    row('the same, fetched by the member', 'fetch', 'receiver'),
    row('the same, downloaded from the member', 'download', 'receiver'),
  ];
}

function memoryRow(figure: string, way: FileWay, end: 'sender' | 'receiver', sizeBytes: number): Row {
  const [first, middle, last] = way[end];
  const mb = (bytes: number): string => (bytes / 1e6).toFixed(0);
  return {
    figure,
    value: (Math.max(middle, last) - first) / 1e6,
    unit: 'MB',
    // What a garbage collector takes and gives; a file that was held would be a thousand of it.
    target: { atMost: 100 },
    note: `largest resident memory in the first ${mb(settledBytes)} MB, up to the middle and up to the end: ${way[end].map(mb).join(', ')} MB; a file of ${(sizeBytes / 2 ** 30).toFixed(1)} GiB, ${(sizeBytes / 2 ** 20 / way.seconds).toFixed(0)} MiB/s`,
  };
}

async function withCentres(
  count: number,
  periodSeconds: number,
  work: (centres: ActivityCentres) => Promise<Row[]>,
): Promise<Row[]> {
  const centres = await ActivityCentres.start(count, periodSeconds);
  try {
    return await work(centres);
  } finally {
    await centres.close();
  }
}

function client(task: ActivityTask): Promise<ActivityAnswer> {
  return runChild(new URL('./support/activityClient.ts', import.meta.url), task);
}
