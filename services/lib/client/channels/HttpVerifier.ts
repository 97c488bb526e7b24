import { z } from 'zod';
import type { Hash } from '../../../core/bytes.ts';
import { jsonWithAmounts } from '../../../core/channels/amount.ts';
import { type Channel, type ChannelNetwork, channelSchema } from '../../../core/channels/channel.ts';
import { type ChannelReceipt, channelReceiptSchema } from '../../../core/channels/channelReceipt.ts';
import {
  type BillAnswer,
  type BillRequest,
  billAnswerSchema,
  type ChannelView,
  type CloseAnswer,
  type CloseRequest,
  channelViewSchema,
  closeAnswerSchema,
  type FoldedBill,
  foldedBillSchema,
  type Update,
  type UpdateAnswer,
  updateAnswerSchema,
} from '../../../core/channels/update.ts';
import { addressSchema, hashSchema, uintSchema } from '../../../core/schemas.ts';
import type { Clock } from '../../clock.ts';
import type { BackOff } from '../backOff.ts';
import { CentreHttp } from '../CentreHttp.ts';
import { AccessToken, type SignNow } from './AccessToken.ts';

/** `GET /v1/verifier`, read loosely: a newer verifier may say more. */
export const verifierTermsSchema = z.looseObject({
  network: z.looseObject({ chainId: uintSchema.min(1), contract: addressSchema }),
  verifier: addressSchema,
});

/** See {@link verifierTermsSchema}. */
export type VerifierTermsAnswer = z.infer<typeof verifierTermsSchema>;

/** How a verifier is reached. */
export type HttpVerifierOptions = {
  /** Base URL of the verifier. */
  readonly url: string;
  readonly network: ChannelNetwork;
  readonly channelId: Hash;
  /** By the key of the channel's requester. */
  readonly sign: SignNow;
  readonly backOff?: BackOff | undefined;
  readonly timeoutMs?: number | undefined;
  readonly clock?: Clock | undefined;
};

const billsSchema = z.looseObject({ bills: z.array(billAnswerSchema) });
const evidenceSchema = z.looseObject({ items: z.array(foldedBillSchema) });

/**
 * The terms of a verifier.
 * @throws NotariumError those of `CentreHttp.send`, `server-answer-invalid`.
 */
export async function verifierTerms(url: string, signal?: AbortSignal): Promise<VerifierTermsAnswer> {
  return await new CentreHttp({ url }).json({ path: '/v1/verifier', signal }, verifierTermsSchema);
}

/**
 * A verifier over HTTP, for one channel of ours. Every request may be repeated, and is when the verifier does not answer. What comes is
 * checked for its form only: whether it is right is the requester's to judge.
 *
 * All methods throw NotariumErrors: the code of the verifier's problem, `server-unreachable`, `server-answer-invalid`.
 */
export class HttpVerifier {
  readonly token: AccessToken;
  readonly #http: CentreHttp;
  readonly #channelId: Hash;

  /** @throws NotariumError `config-invalid` for what is no http(s) URL. */
  constructor(options: HttpVerifierOptions) {
    const { url, backOff, timeoutMs, clock, channelId } = options;
    this.token = new AccessToken(options);
    this.#http = new CentreHttp({ url, backOff, timeoutMs, clock, authorization: () => this.token.header() });
    this.#channelId = channelId;
  }

  /** Where uploads of the channel are created. */
  get uploadsUrl(): string {
    return `${this.#http.url}${this.#path('/uploads')}`;
  }

  /** Has the verifier take the channel on. */
  async accept(signal?: AbortSignal): Promise<Channel> {
    const request = {
      method: 'POST',
      path: '/v1/channels',
      body: jsonWithAmounts({ channelId: this.#channelId }),
    } as const;
    const answer = z.looseObject({ channelId: hashSchema, channel: channelSchema });
    return (await this.#http.json({ ...request, signal }, answer)).channel;
  }

  async channel(_channelId: Hash, signal?: AbortSignal): Promise<ChannelView> {
    return await this.#http.json({ path: this.#path(), signal }, channelViewSchema);
  }

  async show(_channelId: Hash, view: ChannelView, signal?: AbortSignal): Promise<ChannelView> {
    const request = { method: 'PUT', path: this.#path(), body: jsonWithAmounts(view), signal } as const;
    return await this.#http.json(request, channelViewSchema);
  }

  async bills(_channelId: Hash, requests: readonly BillRequest[], signal?: AbortSignal): Promise<BillAnswer[]> {
    return (await this.#post('/bills', { requests }, billsSchema, signal)).bills;
  }

  async withdraw(_channelId: Hash, billId: Hash, signal?: AbortSignal): Promise<void> {
    const answer = await this.#http.send({ method: 'DELETE', path: this.#path(`/bills/${billId}`), signal });
    await answer.body?.cancel();
  }

  async update(update: Update, signal?: AbortSignal): Promise<UpdateAnswer> {
    return await this.#post('/updates', update, updateAnswerSchema, signal);
  }

  async close(request: CloseRequest, signal?: AbortSignal): Promise<CloseAnswer> {
    return await this.#post('/close', request, closeAnswerSchema, signal);
  }

  async evidence(_channelId: Hash, from: number, limit: number, signal?: AbortSignal): Promise<FoldedBill[]> {
    const path = this.#path(`/evidence?from=${from}&limit=${limit}`);
    return (await this.#http.json({ path, signal }, evidenceSchema)).items;
  }

  /** The channel receipt of a bill's digest, as the verifier makes it. */
  async receipt(digest: Hash, signal?: AbortSignal): Promise<ChannelReceipt> {
    return await this.#http.json({ path: this.#path(`/receipts/${digest}`), signal }, channelReceiptSchema);
  }

  /** Content that the channel has paid for, as it comes; whoever reads it checks its digest. */
  async content(digest: Hash, options: { key?: Hash; signal?: AbortSignal } = {}): Promise<Response> {
    const path = this.#path(`/contents/${digest}`);
    return await this.#http.send({ path, accept: '*/*', evidenceKey: options.key, signal: options.signal });
  }

  #path(more = ''): string {
    return `/v1/channels/${this.#channelId}${more}`;
  }

  async #post<T>(path: string, body: unknown, schema: z.ZodType<T>, signal: AbortSignal | undefined): Promise<T> {
    return await this.#http.json(
      { method: 'POST', path: this.#path(path), body: jsonWithAmounts(body), signal },
      schema,
    );
  }
}
