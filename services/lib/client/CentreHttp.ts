import type { z } from 'zod';
import { NotariumError } from '../../core/errors.ts';
import type { Clock } from '../clock.ts';
import { jsonOrUndefined } from '../jsonOrUndefined.ts';
import { type BackOff, defaultBackOff, waitBeforeTry } from './backOff.ts';
import { parseProblem } from './problem.ts';

/** How a client reaches its centre. */
export type CentreHttpOptions = {
  /** Base URL of the centre, like `http://127.0.0.1:8080`. */
  readonly url: string;
  readonly apiKey?: string | undefined;
  /** `Authorization` of every request, in place of an API key. */
  readonly authorization?: (() => string) | undefined;
  /** Longest wait for the headers of an answer. */
  readonly timeoutMs?: number | undefined;
  readonly backOff?: BackOff | undefined;
  readonly clock?: Clock | undefined;
  readonly fetch?: typeof fetch | undefined;
};

/** One request. */
export type CentreRequest = {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Path below the base URL, with its query. */
  readonly path: string;
  /** A stream can be sent once: not with back-off. */
  readonly body?: string | ReadableStream<Uint8Array>;
  readonly contentType?: string;
  readonly accept?: string;
  /** Opens content that is stored encrypted: 32 bytes in hexadecimal. */
  readonly evidenceKey?: string | undefined;
  /** Name of a file that is sent. */
  readonly attachmentName?: string;
  /** `Prefer` (RFC 7240). */
  readonly prefer?: string;
  readonly signal?: AbortSignal | undefined;
  /** Longest wait for the headers of the answer; the client's own by default. */
  readonly timeoutMs?: number;
  /** Overrides the client's back-off; `{ tries: 1 }` for none. */
  readonly backOff?: BackOff;
};

/**
 * HTTP to one centre: problem documents become {@link NotariumError}s, and what the centre (or the table of errors) calls
 * worth a retry is tried again with back-off. Nearly every request of this API may be repeated: records are idempotent by id.
 */
export class CentreHttp {
  readonly url: string;
  readonly #options: CentreHttpOptions;

  /** @throws NotariumError `config-invalid` when the URL is not an http(s) one, or no header can hold the API key. */
  constructor(options: CentreHttpOptions) {
    const base = URL.canParse(options.url) ? new URL(options.url) : undefined;
    if (base === undefined || !/^https?:$/.test(base.protocol) || base.username !== '' || base.password !== '') {
      throw new NotariumError('config-invalid', 'the centre URL is not an http:// or https:// address');
    }
    // RFC 6750, section 2.1: anything else would fail in every request, as if the centre did not answer.
    if (options.apiKey !== undefined && !/^[\w.~+/-]+=*$/.test(options.apiKey)) {
      const detail = options.apiKey === '' ? 'the API key is empty' : 'the API key has characters that no API key has';
      throw new NotariumError('config-invalid', detail);
    }
    this.url = base.href.replace(/[?#].*$/, '').replace(/\/+$/, '');
    this.#options = options;
  }

  /**
   * The answer to a request, its status in 200 to 299.
   * @throws NotariumError the code of the centre's problem, `server-unreachable`, `server-answer-invalid`; the signal's reason.
   */
  async send(request: CentreRequest): Promise<Response> {
    const backOff = request.backOff ?? this.#options.backOff ?? defaultBackOff;
    for (let tried = 1; ; tried++) {
      request.signal?.throwIfAborted();
      const { response, error, retry, retryAfterMs } = await this.#try(request);
      if (response !== undefined) return response;
      if (!retry || tried >= backOff.tries) throw error;
      await waitBeforeTry(tried, backOff, { retryAfterMs, signal: request.signal, ...this.#clock() });
    }
  }

  /**
   * The JSON body of an answer, checked.
   * @throws NotariumError as {@link send}; `server-answer-invalid` when the body does not have the form.
   */
  async json<T>(request: CentreRequest, schema: z.ZodType<T>): Promise<T> {
    const response = await this.send(request);
    let value: unknown;
    try {
      value = await response.json();
    } catch (cause) {
      request.signal?.throwIfAborted();
      throw new NotariumError('server-answer-invalid', `${request.path} is not JSON`, { cause });
    }
    return checkAnswer(schema, value, request.path);
  }

  #clock(): { clock?: Clock } {
    return this.#options.clock === undefined ? {} : { clock: this.#options.clock };
  }

  async #try(request: CentreRequest): Promise<Attempt> {
    const timeoutMs = request.timeoutMs ?? this.#options.timeoutMs ?? 60_000;
    const timer = new AbortController();
    const timeout = setTimeout(() => timer.abort(), timeoutMs);
    const signals = [timer.signal, ...(request.signal ? [request.signal] : [])];
    let response: Response;
    try {
      response = await (this.#options.fetch ?? fetch)(`${this.url}${request.path}`, {
        method: request.method ?? 'GET',
        headers: this.#headers(request),
        signal: AbortSignal.any(signals),
        redirect: 'error',
        ...(request.body === undefined ? {} : { body: request.body }),
        ...(request.body instanceof ReadableStream ? { duplex: 'half' } : {}),
      });
    } catch (cause) {
      request.signal?.throwIfAborted();
      const detail = timer.signal.aborted ? `${this.url} (no answer in ${timeoutMs} ms)` : this.url;
      const error = new NotariumError('server-unreachable', detail, { cause, data: { url: this.url } });
      return { error, retry: true };
    } finally {
      clearTimeout(timeout);
    }
    if (response.ok) return { response };
    const text = await response.text().catch(() => '');
    // Of a proxy's page in HTML, say, the status alone tells what happened.
    const { error, retry } = parseProblem(jsonOrUndefined(text), response.status);
    return { error, retry, retryAfterMs: retryAfterOf(response) };
  }

  #headers(request: CentreRequest): Record<string, string> {
    const { apiKey, authorization } = this.#options;
    return {
      accept: request.accept ?? 'application/json, application/problem+json',
      ...(request.evidenceKey === undefined ? {} : { 'evidence-key': request.evidenceKey }),
      ...(request.attachmentName === undefined
        ? {}
        : { 'attachment-name': encodeURIComponent(request.attachmentName.toWellFormed()) }),
      ...(request.prefer === undefined ? {} : { prefer: request.prefer }),
      ...(request.body === undefined ? {} : { 'content-type': request.contentType ?? 'application/json' }),
      ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
      ...(authorization === undefined ? {} : { authorization: authorization() }),
    };
  }
}

type Attempt =
  | { response: Response; error?: undefined; retry?: undefined; retryAfterMs?: undefined }
  | { response?: undefined; error: NotariumError; retry: boolean; retryAfterMs?: number | undefined };

/**
 * An answer of the centre in its expected form.
 * @throws NotariumError `server-answer-invalid`.
 */
export function checkAnswer<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw new NotariumError('server-answer-invalid', `${what}: ${issue.path.join('.') || 'body'}: ${issue.message}`);
}

// RFC 9110 section 10.2.3: seconds, or a date.
function retryAfterOf(response: Response): number | undefined {
  const text = response.headers.get('retry-after');
  if (text === null) return undefined;
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const unixMs = Date.parse(text);
  return Number.isNaN(unixMs) ? undefined : Math.max(0, unixMs - Date.now());
}
