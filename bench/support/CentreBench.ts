import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { statusOf } from '../../test/support/centreProcess.ts';
import { startNetwork, type TestNetwork } from '../../test/support/network.ts';
import { until } from '../../test/support/until.ts';
import type { BatchAnswer, BatchTask } from './batchClient.ts';
import { Corpus, type Slice } from './Corpus.ts';
import { metricOf } from './metrics.ts';
import { runChild } from './runChild.ts';
import { processors } from './runThread.ts';
import type { SocketAnswer, SocketTask } from './socketClient.ts';

/** Lines of a batch, and batches on their way at a time. */
export const linesPerBatch = 4000;
export const requestsAtOnce = 4;

/** What a part of the work cost: seconds on the clock until the last answer, and processor seconds of the centre. */
export type Cost = { readonly records: number; readonly seconds: number; readonly centreCpuSeconds: number };

const slice = 100_000;
const drainLimitMs = 120_000;

/** A real centre process on anvil, with SQLite on this machine's disk, that grows from figure to figure. */
export class CentreBench {
  readonly net: TestNetwork;
  readonly #folder: string;
  readonly #corpus: Corpus;
  readonly #idSlices: Uint8Array[] = [];
  #size = 0;

  private constructor(net: TestNetwork, folder: string) {
    this.net = net;
    this.#folder = folder;
    this.#corpus = new Corpus(net.network, folder);
  }

  static async start(): Promise<CentreBench> {
    // As many threads as a centre has by itself: with the tests' single one that thread would be all that is measured.
    const net = await startNetwork({ periodSeconds: 2, graceSeconds: 120, args: ['--threads', String(processors)] });
    const folder = await mkdtemp(join(tmpdir(), 'notarium bench '));
    return new CentreBench(net, folder);
  }

  get url(): string {
    return this.net.centre.url;
  }

  /** Records taken so far. */
  get size(): number {
    return this.#size;
  }

  /** Ids of random records among those taken, `count` of them. */
  randomIds(count: number): Uint8Array {
    const ids = new Uint8Array(32 * count);
    for (let at = 0; at < count; at++) {
      let number = Math.floor(Math.random() * this.#size);
      const taken = this.#idSlices.find((some) => {
        if (number < some.length / 32) return true;
        number -= some.length / 32;
        return false;
      })!;
      ids.set(taken.subarray(32 * number, 32 * number + 32), 32 * at);
    }
    return ids;
  }

  sign(count: number): Promise<Slice> {
    return this.#corpus.sign(count);
  }

  /** Posts signed records as batches; the cost is that of intake and whatever ran beside it. */
  async feed(signed: Slice, { acceptances = true } = {}): Promise<Cost> {
    const cpuBefore = await this.cpuSeconds();
    const task: BatchTask = { urls: [this.url], files: signed.files, linesPerBatch, requestsAtOnce, acceptances };
    const answer = await runChild<BatchAnswer>(new URL('./batchClient.ts', import.meta.url), task);
    return await this.#taken(signed, answer.accepted, answer.seconds, cpuBefore);
  }

  /** Posts signed records one by one. */
  async feedSingly(signed: Slice, connections: number): Promise<Cost & { answer: SocketAnswer }> {
    const cpuBefore = await this.cpuSeconds();
    const answer = await this.sockets({ connections, status: 201, path: '/v1/records', files: signed.files });
    return { ...(await this.#taken(signed, answer.good, answer.seconds, cpuBefore)), answer };
  }

  async #taken(signed: Slice, accepted: number, seconds: number, cpuBefore: number): Promise<Cost> {
    const records = signed.ids.length / 32;
    if (accepted !== records) {
      throw new Error(`${accepted} of ${records} records were accepted\n${this.net.centre.stderr()}`);
    }
    this.#idSlices.push(signed.ids);
    this.#size += records;
    await Promise.all(signed.files.map((file) => rm(file)));
    return { records, seconds, centreCpuSeconds: (await this.cpuSeconds()) - cpuBefore };
  }

  sockets(
    task: { connections: number; status: number } & ({ path: string; files: readonly string[] } | { ids: Uint8Array }),
  ): Promise<SocketAnswer> {
    const whole: SocketTask = { ...task, url: this.url };
    return runChild<SocketAnswer>(new URL('./socketClient.ts', import.meta.url), whole);
  }

  /** Takes batches until so many records are in the log. */
  async growTo(records: number): Promise<void> {
    while (this.#size < records) {
      await this.feed(await this.sign(Math.min(slice, records - this.#size)));
      process.stderr.write(`  ${this.#size.toLocaleString('en-US')} records\n`);
    }
    await this.drained();
  }

  /** Waits until every record taken is in the committed log. */
  async drained(): Promise<void> {
    await until(
      'all records in the log',
      async () => {
        const { log, pool } = await statusOf(this.url);
        return pool.count === 0 && log.size === this.#size;
      },
      drainLimitMs,
    );
  }

  /** Processor seconds that the centre has used, all its threads together. */
  cpuSeconds(): Promise<number> {
    return metricOf(this.url, 'process_cpu_seconds_total');
  }

  /** Stops the centre and starts it with other arguments, or as at first. */
  async restart(...args: string[]): Promise<void> {
    await this.net.centre.stop();
    await this.net.start({ args: [...(this.net.spec.args ?? []), ...args] });
  }

  async close(): Promise<void> {
    await this.net.close();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
