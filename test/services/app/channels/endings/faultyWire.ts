import type { VerifierApi } from '../../../../../services/app/channels/VerifierApi.ts';
import type { Update } from '../../../../../services/core/channels/update.ts';
import { throughWire } from '../exchangeKit.ts';

/** The steps of the exchange that need the other side. */
export const steps = ['bills', 'lock', 'fold', 'close'] as const;
export type Step = (typeof steps)[number];
/** Whether the question is lost, or the answer to it. */
export const losses = ['question', 'answer'] as const;
export type Loss = (typeof losses)[number];

/** A wire of JSON between two sides that can be cut for ever at one step. */
export type FaultyWire = {
  readonly api: VerifierApi;
  /** From this step on nothing comes through; resolves when it has come to that. */
  cutAt(step: Step, loss: Loss): Promise<void>;
  cut(): void;
  heal(): void;
};

/** @param twist What the other side does to what it says. */
export function faultyWire(verifier: VerifierApi, twist: (api: VerifierApi) => VerifierApi = (api) => api): FaultyWire {
  const wire = throughWire(twist(verifier));
  let isCut = false;
  let at: { step: Step; loss: Loss; hit: () => void } | undefined;
  const call = async <T>(step: Step | undefined, work: () => Promise<T>): Promise<T> => {
    const fault = step !== undefined && at?.step === step ? at : undefined;
    if (!isCut && fault?.loss === 'answer') {
      // The other side does its work first, or says no, which is an answer that is lost as well.
      await work().catch(() => undefined);
    }
    if (fault) isCut = true;
    fault?.hit();
    if (isCut) throw new Error('silence');
    return await work();
  };
  return {
    api: {
      channel: (id) => call(undefined, () => wire.channel(id)),
      show: (id, view) => call(undefined, () => wire.show(id, view)),
      bills: (id, requests) => call('bills', () => wire.bills(id, requests)),
      withdraw: (id, billId) => call(undefined, () => wire.withdraw(id, billId)),
      update: (update) => call(stepOf(update), () => wire.update(update)),
      close: (request) => call('close', () => wire.close(request)),
      evidence: (id, from, limit) => call(undefined, () => wire.evidence(id, from, limit)),
    },
    cutAt: (step, loss) =>
      new Promise((hit) => {
        at = { step, loss, hit };
      }),
    cut() {
      isCut = true;
    },
    heal() {
      isCut = false;
      at = undefined;
    },
  };
}

function stepOf({ adds }: Update): Step {
  return adds.length > 0 ? 'lock' : 'fold';
}
