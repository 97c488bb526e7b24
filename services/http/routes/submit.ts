import { z } from 'zod';
import type { IntakeResult } from '../../app/Centre.ts';
import { isNotariumError, NotariumError } from '../../core/errors.ts';
import { maxRecordDepth } from '../../core/recordSchema.ts';
import { parseStrictJson } from '../../core/strictJson.ts';
import { allows } from '../Access.ts';
import { sendJson } from '../answer.ts';
import { callSignal } from '../callSignal.ts';
import type { HttpContext } from '../HttpContext.ts';
import { type Call, type Route, route } from '../Route.ts';
import { jsonTextErrors, readJsonText } from '../readBody.ts';
import { integerText } from '../schemas/parameters.ts';
import { draftSchema, recordDoc, submittedSchema } from '../schemas/records.ts';

const querySchema = z.strictObject({
  ack: z.enum(['local', 'quorum', 'anchored']).default('local').meta({
    description:
      'What must have happened before the answer: on the disk of this centre, of a quorum of centres, or anchored',
  }),
  wait: integerText(1, 60, 'Seconds to wait for what `ack` names; 60 by default').optional(),
});

type Query = z.infer<typeof querySchema>;

/** Errors of intake, one record at a time. */
export const intakeErrors = [
  ...jsonTextErrors,
  'record-invalid',
  'record-unknown-field',
  'record-version-unsupported',
  'record-digest-invalid',
  'record-time-invalid',
  'record-meta-too-large',
  'record-too-large',
  'record-network-mismatch',
  'record-expired',
  'record-successor-taken',
  'record-predecessor-unknown',
  'record-holder-mismatch',
  'record-refused',
  'signature-malformed',
  'signature-malleable',
  'signature-mismatch',
  'request-too-large',
  'request-timeout',
  'request-media-type-unsupported',
  'request-encoding-unsupported',
  'pool-full',
  'storage-full',
  'storage-failed',
  'tile-corrupt',
  'not-ready',
  'clock-skewed',
] as const;

/** `POST /v1/records`. */
export const submitRoutes: readonly Route[] = [
  route<undefined, Query>({
    method: 'post',
    path: '/v1/records',
    access: 'submit',
    query: querySchema,
    tag: 'records',
    summary: 'Submit one record',
    description:
      'Answers when the record is on disk. The same record again is no error: it gets its acceptance, or its place in the log. With an API key of scope submit an unsigned draft is taken too; the centre signs it.',
    requestBody: { required: true, content: { 'application/json': { schema: z.union([recordDoc, draftSchema]) } } },
    responses: {
      201: {
        description: 'Accepted, with the signed promise',
        content: { 'application/json': { schema: submittedSchema } },
      },
      200: { description: 'Known already', content: { 'application/json': { schema: submittedSchema } } },
    },
    errors: [...intakeErrors, 'wait-timeout', 'quorum-unreachable'],
    handle: submit,
  }),
];

async function submit(call: Call<undefined, Query>, context: HttpContext): Promise<void> {
  const { request, response } = call;
  const { centre, limits } = context;
  const text = await readJsonText(request, { maxBytes: limits.recordBytes, idleMs: limits.bodyIdleMs });
  // The intake parses, in its workers; here only what has no signature at all, and so may be a draft, is looked into.
  const result = text.includes('"signature"')
    ? (await centre.accept([text]))[0]!
    : await acceptUnsigned(call, context, text);
  if (result.status === 'failed') throw failureOf(result);
  const more = await awaited(call, context, result);
  response.setHeader('location', `/v1/records/${result.id}`);
  sendJson(response, result.status === 'accepted' ? 201 : 200, { ...result, ...more });
}

function failureOf({ error, id }: Extract<IntakeResult, { status: 'failed' }>): NotariumError {
  if (id === undefined || 'id' in error.data) return error;
  return new NotariumError(error.code, error.detail === '' ? undefined : error.detail, {
    data: { ...error.data, id },
    cause: error,
  });
}

async function acceptUnsigned(
  { key }: Call<undefined, Query>,
  { centre }: HttpContext,
  text: string,
): Promise<IntakeResult> {
  const draft = parseStrictJson(text, { maxDepth: maxRecordDepth });
  // The key may be written with escapes.
  const isSigned = typeof draft === 'object' && draft !== null && 'signature' in draft;
  if (isSigned) return (await centre.accept([text]))[0]!;
  if (typeof draft !== 'object' || draft === null || Array.isArray(draft))
    throw new NotariumError('record-invalid', 'not an object');
  if (key === undefined)
    throw new NotariumError('unauthorized', 'a record without signature needs an API key with scope submit');
  if (!allows(key, 'submit')) {
    throw new NotariumError('forbidden', undefined, { data: { have: key.scopes, want: 'submit' } });
  }
  return centre.acceptDraft(draft, key.name);
}

/** What the client asked to wait for beyond this centre's disk. */
async function awaited(
  { response, query }: Call<undefined, Query>,
  { centre, lifetime }: HttpContext,
  result: Exclude<IntakeResult, { status: 'failed' }>,
): Promise<object> {
  const waitMs = (query.wait ?? 60) * 1000;
  if (query.ack === 'local') return {};
  const signal = callSignal(response, lifetime);
  try {
    if (query.ack === 'anchored') return { receipt: await centre.receipt(result.id, waitMs, signal) };
    // What is in the log has been signed by a quorum that holds it.
    if (result.status === 'logged') return {};
    return { acknowledgements: await centre.heldByQuorum(result.id, result.acceptance, waitMs, signal) };
  } catch (error) {
    // What became of the record itself. Everything else must not hide from the client that the record is accepted.
    if (isNotariumError(error, 'record-refused')) throw error;
    if (isNotariumError(error, 'quorum-unreachable')) {
      throw new NotariumError(error.code, error.detail, { data: { ...error.data, ...result }, cause: error });
    }
    if (!isNotariumError(error) && !signal.aborted) throw error;
    const why = isNotariumError(error) && error.code !== 'record-not-anchored' ? error.message : undefined;
    throw new NotariumError('wait-timeout', why, { data: { ...result }, cause: error });
  }
}
