import { parentPort, workerData } from 'node:worker_threads';
import type { Body } from '../../../core/activities/contents.ts';
import { type FieldsPlace, wholeBody } from '../../../core/activities/fields.ts';
import type { ActivityTerms } from '../../../core/activities/message.ts';
import { type Address, fromUtf8 } from '../../../core/bytes.ts';
import { type ErrorCode, type ErrorData, isNotariumError } from '../../../core/errors.ts';
import { SchemaCheck } from '../../../lib/activities/SchemaCheck.ts';
import { loadCrypto } from '../../../lib/nativeCrypto.ts';

/** Given to the thread when it starts. */
export type CheckThreadData = {
  /** After so much time what is left of an order goes back. */
  readonly turnMs: number;
};

type Schema = NonNullable<ActivityTerms['schema']>;

/** One body to be checked. */
export type BodyOrder = {
  /** JSON Schema of what it says, as text. */
  readonly schema?: string;
  /** Canonical bytes of the body with its salt. */
  readonly body: Uint8Array;
  readonly sender: Address;
  /** Of a body in fields: commitments of the message that they were signed for. */
  readonly place?: FieldsPlace;
  /** Whether what it says is wanted. */
  readonly isWanted: boolean;
};

/** What became of one body, and how long that took. `said`: as JSON, where it is wanted. */
export type BodyAnswer = { readonly ms: number } & (
  | { readonly said?: string }
  | { readonly error: { readonly code: ErrorCode; readonly detail: string; readonly data: ErrorData } }
);

const { turnMs } = workerData as CheckThreadData;
const port = parentPort!;
const crypto = await loadCrypto();
const schemas = new SchemaCheck({ sha256: crypto.sha256 });

// Answers the first ones of several, one at least.
port.on('message', (orders: readonly BodyOrder[]) => {
  const answers: BodyAnswer[] = [];
  let spentMs = 0;
  for (const order of orders) {
    const beginMs = performance.now();
    const answer = answerTo(order);
    const ms = performance.now() - beginMs;
    answers.push({ ...answer, ms });
    spentMs += ms;
    if (spentMs >= turnMs) break;
  }
  port.postMessage(answers);
});

function answerTo({ schema, body, sender, place, isWanted }: BodyOrder) {
  try {
    const read = JSON.parse(fromUtf8(body)) as Body;
    const said = wholeBody(read, sender, { crypto, ...(place && { place }) });
    if (schema !== undefined) schemas.checkBody(JSON.parse(schema) as Schema, said);
    return isWanted ? { said: JSON.stringify(said) } : {};
  } catch (error) {
    // What is thrown to another thread loses its class. Anything else ends this one: it says nothing of the body.
    if (isNotariumError(error)) return { error: { code: error.code, detail: error.detail, data: error.data } };
    throw error;
  }
}
