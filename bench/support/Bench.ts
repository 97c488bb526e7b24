import { CentreBench } from './CentreBench.ts';
import { ConsortiumBench } from './ConsortiumBench.ts';
import { type Limits, measureLimits } from './limits.ts';
import { type MadeReceipts, makeReceipts } from './receiptsChild.ts';

/** What figures share: one centre and one consortium that grow from one to the next, and the limits of the machine. */
export class Bench {
  /** Size of the large log. */
  readonly records: number;
  /** Size of the one content that is sent through an evidence channel. */
  readonly streamBytes: number;
  #centre: Promise<CentreBench> | undefined;
  #consortium: Promise<ConsortiumBench> | undefined;
  #receipts: Promise<MadeReceipts> | undefined;
  #limits: Promise<Limits> | undefined;
  /** Processor seconds for a record and for a receipt with a small log; for the comparison with the large one. */
  small: { readonly recordCpuSeconds: number; readonly receiptCpuSeconds: number } | undefined;

  constructor({ records, streamBytes }: { readonly records: number; readonly streamBytes: number }) {
    this.records = records;
    this.streamBytes = streamBytes;
  }

  centre(): Promise<CentreBench> {
    this.#centre ??= CentreBench.start();
    return this.#centre;
  }

  consortium(): Promise<ConsortiumBench> {
    this.#consortium ??= ConsortiumBench.start();
    return this.#consortium;
  }

  limits(): Promise<Limits> {
    this.#limits ??= measureLimits();
    return this.#limits;
  }

  /** Receipts of the log as it is at the first call: to count how fast they are made, and to be verified. */
  receipts(): Promise<MadeReceipts> {
    this.#receipts ??= this.centre().then(makeReceipts);
    return this.#receipts;
  }

  async close(): Promise<void> {
    await Promise.all([(await this.#centre)?.close(), (await this.#consortium)?.close()]);
  }
}
