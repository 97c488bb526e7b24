import { Interface } from 'ethers';
import { rpcProxy } from '../test/support/rpcProxy.ts';
import { until } from '../test/support/until.ts';
import type { Bench } from './support/Bench.ts';
import { median, type Row } from './support/Row.ts';
import type { ExchangeRun, RequesterAnswer, RequesterTask } from './support/requesterChild.ts';
import { runChild } from './support/runChild.ts';
import { VerifierBench } from './support/VerifierBench.ts';

const runs = 3;
const singles = { items: 3_000, contentsPerItem: 1, atOnce: 128 };
const large = { items: 5, contentsPerItem: 100_000, atOnce: 2 };
const usual = { items: 50, contentsPerItem: 4_096, atOnce: 8 };
const openChannels = 1_000;
const lookLimitMs = 120_000;

/** Evidence channels between two processes: real sockets, a chain, SQLite, the evidence in a folder, everything synced as in production. */
export async function channels(bench: Bench): Promise<Row[]> {
  const rows = [
    ...(await exchanged('contents, each with an upload, a bill and a payment', 'content', singles, 500)),
    ...(await exchanged('contents in packs', 'pack', large, 50_000)),
    ...(await exchanged('contents in packs as `notarium channel send` makes them', 'pack', usual, 50_000)),
    ...(await exchanged('digests in lists', 'digests', large, 50_000)),
  ];
  return [...rows, ...(await streamed(bench.streamBytes)), ...(await started())];
}

async function exchanged(
  figure: string,
  kind: 'content' | 'pack' | 'digests',
  size: { readonly items: number; readonly contentsPerItem: number; readonly atOnce: number },
  atLeast: number,
): Promise<Row[]> {
  const answer = await withVerifier(({ place }) => requester({ place, kind, runs, ...size }));
  const rates = answer.runs.map((run) => run.contents / run.seconds);
  const cpuOf = (part: (run: ExchangeRun) => number): string =>
    (median(answer.runs.map((run) => part(run) / run.contents)) * 1000).toPrecision(3);
  const many = size.contentsPerItem === 1 ? '' : ` of ${size.contentsPerItem} each`;
  const cpu = `processor time for each: requester ${cpuOf((run) => run.requesterCpuSeconds)} ms, verifier ${cpuOf((run) => run.verifierCpuSeconds)} ms`;
  return [
    {
      figure,
      value: median(rates),
      unit: '/s',
      target: { atLeast },
      beside: { name: '/s in the best run', value: Math.max(...rates) },
      note: `median of ${runs} runs, ${size.items} uploads${many}, ${size.atOnce} at once; ${cpu}; load ${answer.runs.map(({ load }) => load.toFixed(1)).join(', ')}`,
    },
  ];
}

async function streamed(sizeBytes: number): Promise<Row[]> {
  const { stream } = await withVerifier(({ place, pid }) =>
    requester({ place, kind: 'stream', sizeBytes, verifierPid: pid }),
  );
  if (!stream) throw new Error('nothing was streamed');
  const { seconds, afterBytes, peaks } = stream;
  const [first, last] = [peaks[0]!, peaks.at(-1)!];
  const mb = (bytes: number): string => (bytes / 1e6).toFixed(0);
  const note = (end: 'requesterBytes' | 'verifierBytes'): string =>
    `largest resident memory after ${mb(afterBytes)} MB, in the middle and at the end: ${peaks.map((peak) => mb(peak[end])).join(', ')} MB; one content of ${(sizeBytes / 2 ** 30).toFixed(1)} GiB`;
  const row = (figure: string, end: 'requesterBytes' | 'verifierBytes'): Row => ({
    figure,
    value: (last[end] - first[end]) / 1e6,
    unit: 'MB',
    // What a garbage collector takes and gives; a content that was held would be a thousand of it.
    target: { atMost: 100 },
    note: note(end),
  });
  return [
    row('memory that a stream adds, verifier', 'verifierBytes'),
    row('memory that a stream adds, requester', 'requesterBytes'),
    { figure: 'stream from end to end', value: sizeBytes / 2 ** 20 / seconds, unit: 'MiB/s' },
  ];
}

/** The chain is asked through a proxy, which sees at which channels the verifier has looked. */
async function started(): Promise<Row[]> {
  return await withVerifier(async (bench) => {
    await requester({ place: bench.place, kind: 'channels', count: openChannels, atOnce: 16 });
    await bench.stop();
    const selector = new Interface(['function statusOf(bytes32)']).getFunction('statusOf')!.selector;
    const looked = new Set<string>();
    const proxy = await rpcProxy(bench.place.rpcUrl, ({ method, params }) => {
      const { data, input = data } = (method === 'eth_call' ? params[0] : {}) as { data?: string; input?: string };
      // Each start asks for the zero channel, to see which contract it is.
      if (input?.startsWith(selector) && !/^0x.{8}0{64}$/.test(input)) looked.add(input);
      return undefined;
    });
    const answersMs: number[] = [];
    const looksMs: number[] = [];
    try {
      for (let run = 0; run < runs; run++) {
        looked.clear();
        const startMs = performance.now();
        await bench.startAgain(proxy.rpcUrl);
        const answer = await fetch(`${bench.place.url}/v1/verifier`);
        if (answer.status !== 200) throw new Error(`the verifier answers ${answer.status}`);
        answersMs.push(performance.now() - startMs);
        await until('a look at each channel', () => looked.size >= openChannels, lookLimitMs);
        looksMs.push(performance.now() - startMs);
        await bench.stop();
      }
    } finally {
      await bench.startAgain();
      await proxy.close();
    }
    const row = (figure: string, timesMs: readonly number[]): Row => ({
      figure,
      value: median(timesMs) / 1000,
      unit: 's',
      target: { atMost: 5 },
      beside: { name: 's in the best run', value: Math.min(...timesMs) / 1000 },
      note: `median of ${runs} starts of the process, ${openChannels} channels, each with a signed state`,
    });
    return [
      row('start of a verifier until it answers', answersMs),
      row('the same until it has asked the chain about each channel', looksMs),
    ];
  });
}

async function withVerifier<T>(work: (bench: VerifierBench) => Promise<T>): Promise<T> {
  const bench = await VerifierBench.start();
  try {
    return await work(bench);
  } finally {
    await bench.close();
  }
}

function requester(task: RequesterTask): Promise<RequesterAnswer> {
  return runChild(new URL('./support/requesterChild.ts', import.meta.url), task);
}
