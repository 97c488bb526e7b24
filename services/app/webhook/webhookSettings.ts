import { NotariumError } from '../../core/errors.ts';

/** Events that are told where nobody says otherwise: those of blocks come with every slot. */
export const defaultWebhookEvents = ['proposal.*', 'vote.*', 'version.*', 'resource.*', 'record.refused', 'alert'];

/** Where events are told, and how. */
export type WebhookSettings = {
  readonly url: string;
  /** `whsec_` and base64 of 24 to 64 bytes, as Standard Webhooks has it. */
  readonly secret: string;
  /** Types of events, `name.*` for all of a family; {@link defaultWebhookEvents} when left out. */
  readonly events?: readonly string[];
  /** Longest wait for an answer; 10 seconds by default. */
  readonly timeoutMs?: number;
  /** Waits between tries: 1 second at first, twice as long each time, 5 minutes at most. */
  readonly firstDelayMs?: number;
  readonly maxDelayMs?: number;
};

/**
 * Looks at settings before anything is started with them.
 * @throws NotariumError `config-invalid`; the secret is never in it.
 */
export function checkWebhook({ url, secret, events = [] }: WebhookSettings): void {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (!parsed || !/^https?:$/.test(parsed.protocol) || parsed.username !== '' || parsed.password !== '') {
    throw new NotariumError('config-invalid', 'the webhook is not an http or https URL without a password in it');
  }
  const [, base64 = ''] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(secret) ?? [];
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.length < 24 || bytes.length > 64 || bytes.toString('base64') !== base64) {
    throw new NotariumError('config-invalid', "the webhook's secret is not whsec_ and the base64 of 24 to 64 bytes");
  }
  const wrong = events.find((pattern) => !/^[a-z]+(?:\.(?:[a-z]+|\*))?$/.test(pattern));
  if (wrong !== undefined) {
    throw new NotariumError('config-invalid', `"${wrong}" is no type of events for the webhook`);
  }
}

/** Whether events of a type are told. */
export function isTold(type: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) =>
    pattern.endsWith('.*') ? type.startsWith(pattern.slice(0, -1)) : type === pattern,
  );
}
