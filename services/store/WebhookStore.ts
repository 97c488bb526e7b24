import type { WriteOptions } from './WriteOptions.ts';

/** The part of the store about what the webhook has been told. */
export type WebhookStore = {
  /**
   * Seq of the newest event that the webhook has taken or need not be told. The first call sets it to the newest event of
   * all: what was before there was a webhook is not told.
   */
  webhookCursor(): Promise<number>;
  /** Moves it forward, never back. */
  moveWebhookCursor(seq: number, options?: WriteOptions): Promise<void>;
};
