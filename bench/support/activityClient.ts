import { setTimeout as sleep } from 'node:timers/promises';
import { type FileRun, sendFile } from './activityFile.ts';
import {
  type ActivityPlace,
  agent,
  delivered,
  isDelivered,
  orderOf,
  type Sent,
  start,
  startText,
} from './activityRequests.ts';
import { cpuSecondsOf } from './metrics.ts';
import { serveParent } from './runChild.ts';

/** What a client of several centres does: all of them are members of each activity, and the one that is asked is its initiator. */
export type ActivityTask = { readonly places: readonly ActivityPlace[] } & (
  | {
      /** Small activities, so many requests at a time, to the first `senders` centres in turn. */
      readonly kind: 'many';
      readonly count: number;
      readonly bodyBytes: number;
      readonly atOnce: number;
      readonly senders: number;
    }
  /** Large ones to the first centre, one after the other. */
  | { readonly kind: 'large'; readonly runs: number; readonly bodyBytes: number }
  /** One attachment of the first centre, downloaded from the second one. */
  | { readonly kind: 'file'; readonly sizeBytes: number; readonly settledBytes: number }
);

/** What came of a task. */
export type ActivityAnswer = {
  /** Until all members have acknowledged: of all, or of each run. */
  readonly seconds: readonly number[];
  /** Until the last request to send was answered. */
  readonly sentSeconds: readonly number[];
  /** Of a run before all others, when nothing of that kind was done before: it is not among `seconds`. */
  readonly firstSeconds?: number;
  /** Processor time of this client, all threads together. */
  readonly cpuSeconds: number;
  /** Of all centres together, until all members had acknowledged. */
  readonly centresCpuSeconds?: number;
  readonly file?: FileRun;
};

const runPauseMs = 1000;

serveParent<ActivityTask, ActivityAnswer>(async (task) => {
  const cpuBefore = process.cpuUsage();
  const answer = await run(task);
  const { user, system } = process.cpuUsage(cpuBefore);
  agent.destroy();
  return { ...answer, cpuSeconds: (user + system) / 1e6 };
});

async function run(task: ActivityTask): Promise<Omit<ActivityAnswer, 'cpuSeconds'>> {
  if (task.kind === 'many') return await many(task);
  if (task.kind === 'large') return await large(task);
  return { seconds: [], sentSeconds: [], file: await sendFile(task.places, task) };
}

async function many({ places, count, bodyBytes, atOnce, senders }: ActivityTask & { kind: 'many' }) {
  const requests = places.slice(0, senders).map((place) => startText(places, place, orderOf(bodyBytes)));
  const sent: Sent[] = [];
  const cpuBefore = await cpuSecondsOf(places);
  const startMs = performance.now();
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < count) {
      const at = next++ % senders;
      sent.push(await start(places[at]!, requests[at]!));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  const sentSeconds = (performance.now() - startMs) / 1000;
  // To each member they go in the order in which they were sent: when the last ones are there, all are.
  for (const one of sent.slice(-2 * atOnce)) await delivered(one, places.length - 1);
  const seconds = (performance.now() - startMs) / 1000;
  const centresCpuSeconds = (await cpuSecondsOf(places)) - cpuBefore;
  for (const one of sent) {
    if (!(await isDelivered(one, places.length - 1)))
      throw new Error(`${one.message} is not delivered, though later ones are`);
  }
  return { seconds: [seconds], sentSeconds: [sentSeconds], centresCpuSeconds };
}

async function large({ places, runs, bodyBytes }: ActivityTask & { kind: 'large' }) {
  const place = places[0]!;
  const seconds: number[] = [];
  const sentSeconds: number[] = [];
  let firstSeconds = Number.NaN;
  let centresCpuSeconds = 0;
  for (let index = 0; index <= runs; index++) {
    const text = startText(places, place, { run: index, ...orderOf(bodyBytes) });
    const cpuBefore = await cpuSecondsOf(places);
    const startMs = performance.now();
    const sent = await start(place, text);
    const sentMs = performance.now();
    await delivered(sent, places.length - 1);
    const endMs = performance.now();
    // The first one is for the compilers.
    if (index === 0) firstSeconds = (endMs - startMs) / 1000;
    else {
      seconds.push((endMs - startMs) / 1000);
      sentSeconds.push((sentMs - startMs) / 1000);
      centresCpuSeconds += (await cpuSecondsOf(places)) - cpuBefore;
    }
    await sleep(runPauseMs);
  }
  return { seconds, sentSeconds, firstSeconds, centresCpuSeconds };
}
