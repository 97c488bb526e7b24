import { type ErrorCode, isNotariumError } from '../core/errors.ts';

/** Problems with which a centre takes nothing: what it would promise, it could not keep. */
export const fatalCodes: ReadonlySet<string> = new Set<ErrorCode>([
  'chain-forgot-anchors',
  'store-behind-chain',
  'chain-mismatch',
  'chain-contract-missing',
  'store-corrupt',
  'log-forked',
  'not-in-committee',
]);

/** Problems with which a centre still does what it is asked: records are taken, kept and anchored all the same. */
export const sideCodes: ReadonlySet<string> = new Set<ErrorCode>([
  'notices-delayed',
  'resource-failed',
  'resource-drifted',
  'webhook-failed',
  'centre-below-minimum',
  'activity-undelivered',
  'activity-unrecorded',
  'activity-incomplete',
  'activity-forked',
  'activity-excluded',
  'activity-store-corrupt',
]);

/** What is wrong right now, by stable code: shown by `/readyz`, `notarium status` and the log. */
export class Problems {
  #current = new Map<string, string>();

  /** Notes a problem; true when it was not there before. */
  raise(code: ErrorCode, detail: string): boolean {
    const isNew = !this.#current.has(code);
    this.#current.set(code, detail);
    return isNew;
  }

  /** Notes the problem that an error stands for. */
  raiseError(error: unknown): boolean {
    return isNotariumError(error) ? this.raise(error.code, error.message) : this.raise('internal', String(error));
  }

  /** The problems are over; true when one of them was there. */
  clear(...codes: ErrorCode[]): boolean {
    return codes.map((code) => this.#current.delete(code)).includes(true);
  }

  has(code: ErrorCode): boolean {
    return this.#current.has(code);
  }

  list(): { code: string; detail: string }[] {
    return [...this.#current].map(([code, detail]) => ({ code, detail }));
  }
}
