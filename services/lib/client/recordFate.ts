import { blockHash } from '../../core/block.ts';
import type { RecordId } from '../../core/bytes.ts';
import type { Network } from '../../core/eip712.ts';
import { isNotariumError } from '../../core/errors.ts';
import type { Receipt } from '../../core/receipt.ts';
import { chainBlockHash } from '../ethCall.ts';
import { blockAnswerSchema, recordAnswerSchema } from './answers.ts';
import type { CallOptions, Connection } from './Connection.ts';

/** What is known about the record of an acceptance. */
export type RecordFate =
  | { readonly kind: 'logged'; readonly receipt: Receipt }
  | { readonly kind: 'refused'; readonly refusal: unknown }
  /**
   * In a block without the confirmations that the centre waits for. `isAnchored`: whether the chain has that block; undefined
   * where only the chain knows and was not asked.
   */
  | {
      readonly kind: 'sealed';
      readonly height: number;
      readonly slot: number;
      readonly isAnchored: boolean | undefined;
    }
  /** Neither the log nor a block on its way has it: said by a centre that answers, not by one that is away. */
  | { readonly kind: 'missing' };

/**
 * What a centre says of a record now. Counts against the centre are only the plain words that it does not know the record,
 * or has it in no block. Any other reason why there is no receipt (busy, stopping, limits, a proxy) says nothing, and is thrown.
 * @param getReceipt The receipt as the centre has it at once, checked.
 * @throws NotariumError that reason.
 */
export async function recordFate(
  connection: Connection,
  network: Network,
  id: RecordId,
  getReceipt: () => Promise<Receipt>,
  { signal }: CallOptions,
): Promise<RecordFate> {
  const { http } = connection;
  const ask = () => http.json({ path: `/v1/records/${id}`, signal }, recordAnswerSchema);
  try {
    return { kind: 'logged', receipt: await getReceipt() };
  } catch (error) {
    const reason = reasonOf(error);
    if (isNotariumError(reason, 'record-not-found')) return { kind: 'missing' };
    if (isNotariumError(reason, 'record-refused')) return { kind: 'refused', refusal: (await ask()).refusal };
    if (!isNotariumError(reason, 'record-not-anchored')) throw reason;
  }
  const { state, height, refusal } = await ask();
  if (state === 'refused') return { kind: 'refused', refusal };
  if (state === 'logged') {
    // Committed since; where there is still no receipt, a reorganisation took the anchor away.
    const receipt = await getReceipt().catch((error: unknown) => {
      throw reasonOf(error);
    });
    return { kind: 'logged', receipt };
  }
  if (height === undefined) return { kind: 'missing' };
  const block = await http.json({ path: `/v1/blocks/${height}`, signal }, blockAnswerSchema).catch((error: unknown) => {
    if (!isNotariumError(error, 'block-not-found')) throw error;
    // Void since: its records are in the pool again.
    return undefined;
  });
  if (!block) return { kind: 'missing' };
  const { header } = block;
  const { rpcUrl } = connection.options;
  const isAnchored =
    rpcUrl === undefined
      ? block.state === 'anchored' || block.state === 'committed' || undefined
      : (await chainBlockHash({ rpcUrl, ...network, height, ...(signal ? { signal } : {}) })) ===
        blockHash(network, header);
  return { kind: 'sealed', height, slot: header.slot, isAnchored };
}

/** Waiting for no time gives up at once: what counts is why there was no receipt. */
function reasonOf(error: unknown): unknown {
  return isNotariumError(error, 'wait-timeout') && error.cause !== undefined ? error.cause : error;
}
