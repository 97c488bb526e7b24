import type { Hash } from '../../core/bytes.ts';
import type { EvidenceItem, PreservedBill } from './RequesterParts.ts';

/** Somebody who waits for evidence to be preserved. */
export type Asking = {
  readonly item: EvidenceItem;
  /** Bills that have come to nothing before. */
  readonly failures: number;
  readonly resolve: (preserved: PreservedBill) => void;
  readonly reject: (error: unknown) => void;
};

/** Bills that are forgotten or late are asked for anew, so often. */
const maxBillFailures = 3;

/** Who waits for bills of a requester: some for a bill to be made out, others for theirs to be paid. */
export class BillWaits {
  readonly #asking: Asking[] = [];
  readonly #waiting = new Map<Hash, Asking>();

  /** How many have no bill yet. */
  get askingCount(): number {
    return this.#asking.length;
  }

  /** Waits for a bill, and for its payment. */
  ask(item: EvidenceItem): Promise<PreservedBill> {
    return new Promise((resolve, reject) => {
      this.#asking.push({ item, failures: 0, resolve, reject });
    });
  }

  /** Waits for the payment of a bill that there is. What was uploaded for it may be gone: no other one is asked for. */
  resume(billId: Hash, item: EvidenceItem): Promise<PreservedBill> {
    return new Promise((resolve, reject) => {
      this.#waiting.set(billId, { item, failures: maxBillFailures, resolve, reject });
    });
  }

  /** Those that bills are to be asked for next. */
  next(count: number): Asking[] {
    return this.#asking.splice(0, count);
  }

  /** Puts those back, first, whom nobody has answered. */
  putBack(asking: readonly Asking[]): void {
    this.#asking.unshift(...asking);
  }

  /** Asks for another bill, if that may help; false where it may not. */
  askAgain(asking: Asking): boolean {
    if (asking.failures >= maxBillFailures) return false;
    this.#asking.push({ ...asking, failures: asking.failures + 1 });
    return true;
  }

  /** Notes who waits for a bill. */
  await(billId: Hash, asking: Asking): void {
    this.#waiting.set(billId, asking);
  }

  isAwaited(billId: Hash): boolean {
    return this.#waiting.has(billId);
  }

  /** Who has waited for a bill that has come to an end. */
  taken(billId: Hash): Asking | undefined {
    const waiting = this.#waiting.get(billId);
    this.#waiting.delete(billId);
    return waiting;
  }

  failAll(error: unknown): void {
    for (const { reject } of [...this.#asking.splice(0), ...this.#waiting.values()]) reject(error);
    this.#waiting.clear();
  }
}
