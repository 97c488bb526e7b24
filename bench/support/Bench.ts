import { CentreBench } from './CentreBench.ts';
import { type Limits, measureLimits } from './limits.ts';

/** What figures share: one centre that grows from one to the next, and the limits of the machine. */
export class Bench {
  /** Size of the large log. */
  readonly records: number;
  #centre: Promise<CentreBench> | undefined;
  #limits: Promise<Limits> | undefined;
  /** Processor seconds for a record and for a receipt with a small log; for the comparison with the large one. */
  small: { readonly recordCpuSeconds: number; readonly receiptCpuSeconds: number } | undefined;

  constructor(records: number) {
    this.records = records;
  }

  centre(): Promise<CentreBench> {
    this.#centre ??= CentreBench.start();
    return this.#centre;
  }

  limits(): Promise<Limits> {
    this.#limits ??= measureLimits();
    return this.#limits;
  }

  async close(): Promise<void> {
    await (await this.#centre)?.close();
  }
}
