import { NotariumError } from '../core/errors.ts';

/** An error that the RPC itself answered (JSON-RPC 2.0 section 5.1). */
export class JsonRpcError extends Error {
  readonly code: number;
  readonly data: unknown;

  constructor(error: { code: number; message: string; data?: unknown }) {
    super(error.message);
    this.name = 'JsonRpcError';
    this.code = error.code;
    this.data = error.data;
  }
}

/** Calls one method and gives its result. */
export type JsonRpc = (method: string, params: readonly unknown[]) => Promise<unknown>;

/** How to reach a JSON-RPC server. */
export type JsonRpcOptions = {
  /** Longest wait for one answer; 10 seconds by default. */
  readonly timeoutMs?: number;
  /** Ends all calls; the signal's reason is thrown. */
  readonly signal?: AbortSignal;
};

/**
 * JSON-RPC 2.0 over HTTP with nothing but `fetch`, one request a call.
 * Calls throw {@link JsonRpcError}, or NotariumError `chain-unreachable` when there is no answer, not in time, or not a
 * JSON-RPC one. The URL, which may hold a key, is in no error; its host is.
 */
export function jsonRpc(url: string, options: JsonRpcOptions = {}): JsonRpc {
  const { timeoutMs = 10_000, signal } = options;
  let lastId = 0;
  return async (method, params) => {
    signal?.throwIfAborted();
    const id = ++lastId;
    const timeout = AbortSignal.timeout(timeoutMs);
    const unreachable = (detail: string, cause?: unknown): NotariumError =>
      new NotariumError('chain-unreachable', detail, { data: { host: hostOf(url), method }, cause });
    let status: number;
    let text: string;
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ jsonrpc: '2.0', id, method, params }),
        signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      });
      status = response.status;
      text = await response.text();
    } catch (cause) {
      if (signal?.aborted) throw signal.reason;
      throw unreachable(timeout.aborted ? `no answer within ${timeoutMs} ms` : 'no connection', cause);
    }
    const answer = parseAnswer(text);
    if (answer && 'error' in answer) {
      // Too many requests is about the moment, not about what was asked.
      if (status === 429 || answer.error.code === 429) throw unreachable('too many requests');
      throw new JsonRpcError(answer.error);
    }
    if (!answer || status !== 200) throw unreachable(`HTTP ${status} without a JSON-RPC answer`);
    if (answer.id !== id) throw unreachable('an answer to another request');
    return answer.result;
  };
}

type Answer =
  | { readonly id: unknown; readonly error: { code: number; message: string; data?: unknown } }
  | { readonly id: unknown; readonly result: unknown };

function parseAnswer(text: string): Answer | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { id, result, error } = value as { id?: unknown; result?: unknown; error?: unknown };
  if (typeof error === 'object' && error !== null) {
    const { code, message, data } = error as { code?: unknown; message?: unknown; data?: unknown };
    return { id, error: { code: Number(code), message: String(message), data } };
  }
  return result === undefined ? undefined : { id, result };
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : 'not a URL';
}
