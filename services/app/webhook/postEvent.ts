import { Webhook as Signature } from 'standardwebhooks';
import { type CloudEvent, cloudEventType } from './cloudEvent.ts';

/** What came of one try: undefined when it was taken. */
export type PostFailure = {
  readonly reason: string;
  /** How long the receiver asks to be left alone. */
  readonly retryAfterMs?: number;
};

/**
 * Posts an event once, signed by Standard Webhooks at the time of this try. A redirect is no answer: it could take the event
 * elsewhere. Of the answer's body nothing is read.
 */
export async function postEvent(
  to: { readonly url: string; readonly secret: string },
  event: CloudEvent,
  { nowMs, signal }: { nowMs: number; signal: AbortSignal },
): Promise<PostFailure | undefined> {
  const body = JSON.stringify(event);
  const at = new Date(nowMs);
  try {
    const response = await fetch(to.url, {
      method: 'POST',
      redirect: 'manual',
      headers: {
        'content-type': cloudEventType,
        'user-agent': 'notarium-webhook',
        'webhook-id': event.id,
        'webhook-timestamp': String(Math.floor(nowMs / 1000)),
        'webhook-signature': new Signature(to.secret).sign(event.id, at, body),
      },
      body,
      signal,
    });
    // It has been taken, or not: whatever else is said cannot change that.
    await response.body?.cancel().catch(() => {});
    if (response.ok) return undefined;
    const retryAfterMs = retryAfterOf(response);
    return { reason: `HTTP ${response.status}`, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  } catch (error) {
    const { name, message, cause } = error as Error & { cause?: { code?: string } };
    return { reason: name === 'TimeoutError' ? 'no answer in time' : (cause?.code ?? message) };
  }
}

// RFC 9110 section 10.2.3, in seconds; a date is not worth the trouble of two clocks.
function retryAfterOf(response: Response): number | undefined {
  const text = response.headers.get('retry-after') ?? '';
  return /^\d{1,9}$/.test(text) ? 1000 * Number(text) : undefined;
}
