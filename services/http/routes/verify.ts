import { z } from 'zod';
import { NotariumError } from '../../core/errors.ts';
import { digestBytes } from '../../core/record.ts';
import { digestSchema } from '../../core/recordSchema.ts';
import { parseStrictJson } from '../../core/strictJson.ts';
import { sendJson } from '../answer.ts';
import { type Route, route } from '../Route.ts';
import { jsonBodyErrors, readJsonText } from '../readBody.ts';
import { receiptDoc, verifyResultSchema } from '../schemas/log.ts';

const wrappedSchema = z
  .strictObject({ receipt: receiptDoc, digest: digestSchema.optional().meta({ description: 'Digest of the content' }) })
  .meta({ id: 'VerifyRequest' });

/** Checked here as far as it says where the receipt is; the receipt itself is the verifier's. */
const outerSchema = z.strictObject({ receipt: z.unknown(), digest: digestSchema.optional() });

/** `POST /v1/verify`. */
export const verifyRoutes: readonly Route[] = [
  route<undefined, { digest?: `sha-256:${string}` | undefined }>({
    method: 'post',
    path: '/v1/verify',
    access: 'read',
    query: z.strictObject({ digest: digestSchema.optional().meta({ description: 'Digest of the content' }) }),
    tag: 'records',
    summary: 'Verify a receipt',
    description:
      'For convenience: a centre that you do not trust can tell you anything. `notarium verify` and docs/protocol.md show how to verify without one. The body is the receipt file itself, or an object with the receipt and the digest of the content.',
    requestBody: { required: true, content: { 'application/json': { schema: z.union([receiptDoc, wrappedSchema]) } } },
    responses: {
      200: {
        description: 'What each step found; `ok` says whether all is well',
        content: { 'application/json': { schema: verifyResultSchema } },
      },
    },
    errors: [...jsonBodyErrors, 'receipt-malformed', 'chain-unreachable', 'chain-answer-invalid'],
    async handle({ request, response, query }, { centre, limits }) {
      const text = await readJsonText(request, { maxBytes: limits.jsonBytes, idleMs: limits.bodyIdleMs });
      const value = parseStrictJson(text);
      const { receipt, digest = query.digest } = unwrap(value);
      sendJson(response, 200, await centre.verify(receipt, digest === undefined ? undefined : digestBytes(digest)));
    },
  }),
];

function unwrap(value: unknown): { receipt?: unknown; digest?: string | undefined } {
  if (typeof value !== 'object' || value === null || !('receipt' in value)) return { receipt: value };
  const parsed = outerSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new NotariumError('request-invalid', `body: ${parsed.error.issues[0]!.message}`);
}
