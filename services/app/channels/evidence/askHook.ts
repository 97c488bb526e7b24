import { Webhook as Signature } from 'standardwebhooks';
import { z } from 'zod';
import { fromUtf8 } from '../../../core/bytes.ts';
import { NotariumError } from '../../../core/errors.ts';
import { parseStrictJson } from '../../../core/strictJson.ts';
import { boundedBody } from '../../../lib/boundedBody.ts';

const answerBytes = 16 * 1024;
const answerSchema = z.object({ accept: z.boolean(), reason: z.string().max(1024).optional() });

/** What a hook has decided. */
export type HookAnswer = z.infer<typeof answerSchema>;

/**
 * Asks a service whether evidence is genuine: one POST of JSON, signed by Standard Webhooks.
 * @param id The same whenever the same is asked.
 * @throws NotariumError `evidence-hook-failed` for any answer that decides nothing: ask again later.
 */
export async function askHook(
  hook: { readonly url: string; readonly secret: string; readonly timeoutSeconds: number },
  question: { readonly id: string; readonly nowMs: number; readonly data: Readonly<Record<string, unknown>> },
  signal?: AbortSignal,
): Promise<HookAnswer> {
  const { id, nowMs, data } = question;
  const body = JSON.stringify({ type: 'evidence.offered', timestamp: new Date(nowMs).toISOString(), data });
  const inTime = AbortSignal.timeout(1000 * hook.timeoutSeconds);
  try {
    const response = await fetch(hook.url, {
      method: 'POST',
      // A redirect could take it elsewhere.
      redirect: 'manual',
      headers: {
        'content-type': 'application/json',
        'user-agent': 'notarium-verifier',
        'webhook-id': id,
        'webhook-timestamp': String(Math.floor(nowMs / 1000)),
        'webhook-signature': new Signature(hook.secret).sign(id, new Date(nowMs), body),
      },
      body,
      signal: signal ? AbortSignal.any([inTime, signal]) : inTime,
    });
    if (!response.ok) {
      await response.body?.cancel().catch(() => {});
      throw failed(`HTTP ${response.status}`);
    }
    const bytes = await boundedBody(response, answerBytes);
    if (!bytes) throw failed(`more than ${answerBytes} bytes`);
    const parsed = answerSchema.safeParse(parseStrictJson(fromUtf8(bytes)));
    if (!parsed.success) throw failed('the answer has not the form {accept, reason}');
    return parsed.data;
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof NotariumError && error.code === 'evidence-hook-failed') throw error;
    const { name, message, cause } = error as Error & { cause?: { code?: string } };
    throw failed(name === 'TimeoutError' ? 'no answer in time' : (cause?.code ?? message), error);
  }
}

function failed(detail: string, cause?: unknown): NotariumError {
  return new NotariumError('evidence-hook-failed', detail, { cause });
}
