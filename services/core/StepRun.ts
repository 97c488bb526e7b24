import { attempt } from './attempt.ts';
import type { ErrorCode, ErrorData } from './errors.ts';

/** What became of one step of a verification. `skipped`: not asked for, an earlier step failed, or nobody knows (`detail` says so). */
export type StepResult<Step = string> = {
  readonly step: Step;
  readonly status: 'passed' | 'failed' | 'skipped';
  readonly code?: ErrorCode;
  readonly detail?: string;
  readonly data?: ErrorData;
};

/** One run over the steps of a verification: none is made after one that failed. */
export class StepRun<Step extends string> {
  readonly #steps: readonly Step[];
  readonly #results = new Map<Step, StepResult<Step>>();
  #hasFailed = false;

  /** @param steps in their order. */
  constructor(steps: readonly Step[]) {
    this.#steps = steps;
  }

  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  /** Makes a step, unless an earlier one failed. @returns What the check has found; undefined where it failed, or was not made. */
  make<T>(step: Step, check: () => T): T | undefined {
    if (this.#hasFailed) return undefined;
    const result = attempt(check);
    if ('value' in result) {
      this.#results.set(step, { step, status: 'passed' });
      return result.value;
    }
    this.#hasFailed = true;
    const { code, message, data } = result.error;
    this.#results.set(step, { step, status: 'failed', code, detail: message, data });
    return undefined;
  }

  /** Leaves a step out, also one that was made, and may say why. */
  skip(step: Step, detail?: string): void {
    this.#results.set(step, { step, status: 'skipped', ...(detail === undefined ? {} : { detail }) });
  }

  /** All steps, in their order. */
  results(): StepResult<Step>[] {
    return this.#steps.map((step) => this.#results.get(step) ?? { step, status: 'skipped' });
  }
}
