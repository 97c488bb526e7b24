import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { statusOf } from '../../test/support/centreProcess.ts';
import { type Consortium, startConsortium } from '../../test/support/consortium.ts';
import { until } from '../../test/support/until.ts';
import type { BatchAnswer, BatchTask } from './batchClient.ts';
import { linesPerBatch, requestsAtOnce } from './CentreBench.ts';
import { Corpus, type Slice } from './Corpus.ts';
import { metricOf } from './metrics.ts';
import { runChild } from './runChild.ts';

export const centres = 4;
export const periodSeconds = 2;

const settleLimitMs = 300_000;
// Four centres asked without a pause would have no time for anything else.
const lookMs = 100;

/** Four real centre processes on one machine with one chain, that grow one log from figure to figure. */
export class ConsortiumBench {
  readonly consortium: Consortium;
  readonly #folder: string;
  readonly #corpus: Corpus;
  #size = 0;

  private constructor(consortium: Consortium, folder: string) {
    this.consortium = consortium;
    this.#folder = folder;
    this.#corpus = new Corpus(consortium.network, folder);
  }

  /** Starts them, and waits until each is connected to all others. */
  static async start(): Promise<ConsortiumBench> {
    const consortium = await startConsortium({ centres, periodSeconds, graceSeconds: 120 });
    const folder = await mkdtemp(join(tmpdir(), 'notarium bench '));
    const bench = new ConsortiumBench(consortium, folder);
    await until('everybody connected with everybody', async () => {
      await sleep(lookMs);
      const all = await Promise.all(bench.urls.map(statusOf));
      return all.every(({ peers }) => peers.filter(({ connected }) => connected).length === centres - 1);
    });
    return bench;
  }

  get urls(): string[] {
    return this.consortium.members.map(({ url }) => url);
  }

  /** Records taken so far. */
  get size(): number {
    return this.#size;
  }

  sign(count: number): Promise<Slice> {
    return this.#corpus.sign(count);
  }

  /** Posts signed records as batches, to one centre after the other; answers how long that took. */
  async feed(signed: Slice): Promise<{ seconds: number }> {
    const task: BatchTask = { urls: this.urls, files: signed.files, linesPerBatch, requestsAtOnce, acceptances: true };
    const answer = await runChild<BatchAnswer>(new URL('./batchClient.ts', import.meta.url), task);
    await this.taken(signed, answer.accepted, answer.other);
    return { seconds: answer.seconds };
  }

  /** Notes that so many of the records were accepted, which must be all; `other` is what else was answered. */
  async taken({ ids, files }: Slice, accepted: number, other?: string): Promise<void> {
    const records = ids.length / 32;
    if (accepted !== records) throw new Error(`${accepted} of ${records} records were accepted\n${other}`);
    this.#size += records;
    await Promise.all(files.map((file) => rm(file)));
  }

  /** Waits until every centre has all records in its log, with one root. */
  async settled(): Promise<void> {
    await until(
      'all records in all logs',
      async () => {
        await sleep(lookMs);
        const logs = (await Promise.all(this.urls.map(statusOf))).map(({ log }) => log);
        return logs.every(({ size, root }) => size === this.#size && root === logs[0]!.root);
      },
      settleLimitMs,
    );
  }

  /** Takes batches until so many records are in all logs. */
  async growTo(records: number): Promise<void> {
    if (this.#size < records) await this.feed(await this.sign(records - this.#size));
    await this.settled();
  }

  /** Processor seconds that all centres have used together. */
  async cpuSeconds(): Promise<number> {
    const parts = await Promise.all(this.urls.map((url) => metricOf(url, 'process_cpu_seconds_total')));
    return parts.reduce((sum, part) => sum + part);
  }

  /** Resident bytes of the centre that has most. */
  async largestResident(): Promise<number> {
    return Math.max(...(await Promise.all(this.urls.map((url) => metricOf(url, 'process_resident_memory_bytes')))));
  }

  async close(): Promise<void> {
    await this.consortium[Symbol.asyncDispose]();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
