import { loadavg } from 'node:os';
import { type BenchItem, type BenchRequester, benchAccount } from './benchRequester.ts';
import { contentItem, contents, listItem, packItem, streamItem } from './channelItems.ts';
import { metricOf, peakResidentBytes } from './metrics.ts';
import { serveParent } from './runChild.ts';
import type { VerifierPlace } from './VerifierBench.ts';

/** What a requester in a process of its own does with one verifier. */
export type RequesterTask = { readonly place: VerifierPlace } & (
  | {
      /** Items of one content each, or of many in a pack or list; the first run is for the compilers. */
      readonly kind: 'content' | 'pack' | 'digests';
      readonly runs: number;
      readonly items: number;
      readonly contentsPerItem: number;
      readonly atOnce: number;
    }
  | { readonly kind: 'stream'; readonly sizeBytes: number; readonly verifierPid: number }
  | { readonly kind: 'channels'; readonly count: number; readonly atOnce: number }
);

/** What one run came to: time on the clock, and processor time of both ends, all threads together. */
export type ExchangeRun = {
  readonly contents: number;
  readonly seconds: number;
  readonly requesterCpuSeconds: number;
  readonly verifierCpuSeconds: number;
  /** Of the machine, one minute, at its end. */
  readonly load: number;
};

/** Largest resident memory of both ends, once a part of the stream had been sent, in its middle, and at its end. */
export type StreamRun = {
  readonly seconds: number;
  readonly afterBytes: number;
  readonly peaks: readonly { readonly requesterBytes: number; readonly verifierBytes: number }[];
};

/** See {@link RequesterTask}. */
export type RequesterAnswer = { readonly runs: readonly ExchangeRun[]; readonly stream?: StreamRun };

/** After so much of a stream everything that does not depend on its size is in memory. */
const settledBytes = 2 ** 30;

serveParent<RequesterTask, RequesterAnswer>(async (task) => {
  const account = await benchAccount(task.place, task.kind);
  try {
    if (task.kind === 'channels') {
      await each(task.count, task.atOnce, async (index) => {
        const requester = await account.open(BigInt(index));
        await requester.preserve(contentItem(`channel ${index}`));
        await requester.close();
      });
      return { runs: [] };
    }
    const requester = await account.open(0n);
    try {
      return task.kind === 'stream'
        ? { runs: [], stream: await send(task, requester) }
        : await exchange(task, requester);
    } finally {
      await requester.close();
    }
  } finally {
    await account.close();
  }
});

async function exchange(
  { place, kind, runs, items, contentsPerItem, atOnce }: RequesterTask & { kind: 'content' | 'pack' | 'digests' },
  requester: BenchRequester,
): Promise<RequesterAnswer> {
  const found: ExchangeRun[] = [];
  for (let run = 0; run <= runs; run++) {
    const made =
      kind === 'content' ? [] : Array.from({ length: items }, (_, at) => contents(`${run} ${at}`, contentsPerItem));
    const itemAt = (at: number): BenchItem => {
      if (kind === 'content') return contentItem(`${run} ${at}`);
      return kind === 'pack' ? packItem(made[at]!) : listItem(made[at]!);
    };
    const verifierCpu = await metricOf(place.url, 'process_cpu_seconds_total');
    const cpu = process.cpuUsage();
    const startMs = performance.now();
    await each(items, atOnce, (at) => requester.preserve(itemAt(at)));
    const seconds = (performance.now() - startMs) / 1000;
    const { user, system } = process.cpuUsage(cpu);
    const verifierCpuSeconds = (await metricOf(place.url, 'process_cpu_seconds_total')) - verifierCpu;
    const requesterCpuSeconds = (user + system) / 1e6;
    const load = loadavg()[0]!;
    if (run > 0)
      found.push({ contents: items * contentsPerItem, seconds, requesterCpuSeconds, verifierCpuSeconds, load });
  }
  return { runs: found };
}

async function send(
  { sizeBytes, verifierPid }: RequesterTask & { kind: 'stream' },
  requester: BenchRequester,
): Promise<StreamRun> {
  const afterBytes = Math.min(settledBytes, sizeBytes / 4);
  const places = [afterBytes, sizeBytes / 2];
  const peaks: Promise<StreamRun['peaks'][number]>[] = [];
  const peak = async () => ({
    requesterBytes: (await peakResidentBytes(process.pid)) ?? Number.NaN,
    verifierBytes: (await peakResidentBytes(verifierPid)) ?? Number.NaN,
  });
  const item = streamItem(sizeBytes, (at) => {
    if (at < (places[0] ?? Number.POSITIVE_INFINITY)) return;
    places.shift();
    peaks.push(peak());
  });
  const startMs = performance.now();
  await requester.preserve(item);
  const seconds = (performance.now() - startMs) / 1000;
  return { seconds, afterBytes, peaks: await Promise.all([...peaks, peak()]) };
}

async function each(count: number, atOnce: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const some = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: atOnce }, some));
}
