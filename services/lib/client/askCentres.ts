import type { Address } from '../../core/bytes.ts';
import { isNotariumError, NotariumError } from '../../core/errors.ts';
import { type NetworkAnswer, type StatusAnswer, statusAnswerSchema } from './answers.ts';
import { onceOnly } from './backOff.ts';
import { CentreHttp } from './CentreHttp.ts';

/** One centre of a network, and how it is doing, or why that is not known. */
export type CentreReport = {
  readonly address: Address;
  readonly name: string;
  /** Where it was asked. */
  readonly url: string;
  /** Of its node in the registry. */
  readonly registered?: string | undefined;
} & (
  | { readonly status: StatusAnswer; readonly error?: undefined }
  | { readonly status?: undefined; readonly error: NotariumError }
);

/**
 * Asks every centre of a network how it is doing, all at the same time. None gets the API key of another.
 * @param asked Answer of the centre that told of the network: it is not asked again.
 * @returns the centres of the registry in its order, without those that were removed.
 */
export async function askCentres(
  network: NetworkAnswer,
  asked: { readonly url: string; readonly status: StatusAnswer },
  options: { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
): Promise<CentreReport[]> {
  const centres = network.centres.filter(({ status }) => status !== 'removed');
  return await Promise.all(
    centres.map(async ({ address, name, endpoint, status: registered }): Promise<CentreReport> => {
      const about = { address, name, registered };
      if (address === asked.status.centre) return { ...about, ...asked };
      try {
        const status = await statusAt(endpoint, options);
        if (status.centre === address && status.network === network.network) return { ...about, url: endpoint, status };
        throw new NotariumError('server-answer-invalid', 'another centre answers there', {
          data: { have: status.centre, want: address },
        });
      } catch (error) {
        if (!isNotariumError(error)) throw error;
        return { ...about, url: endpoint, error };
      }
    }),
  );
}

async function statusAt(
  url: string,
  { timeoutMs, signal }: { timeoutMs: number; signal?: AbortSignal | undefined },
): Promise<StatusAnswer> {
  // Of the body too, which a centre may never end.
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    return await new CentreHttp({ url, backOff: onceOnly }).json(
      { path: '/v1/status', signal: AbortSignal.any([timeout, ...(signal ? [signal] : [])]) },
      statusAnswerSchema,
    );
  } catch (cause) {
    signal?.throwIfAborted();
    if (!timeout.aborted) throw cause;
    throw new NotariumError('server-unreachable', `${url} (no answer in ${timeoutMs} ms)`, { cause, data: { url } });
  }
}
