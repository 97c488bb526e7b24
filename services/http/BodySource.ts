import type { IncomingMessage } from 'node:http';
import { NotariumError } from '../core/errors.ts';

/** The client is gone: there is nobody to answer. */
export class ClientGoneError extends Error {
  override readonly name = 'ClientGoneError';
}

/** Bytes of a body held before the client is made to wait. */
const heldBytes = 256 * 1024;

/**
 * Body of a request, chunk by chunk, read only as fast as it is taken. Unlike the stream's own iterator it can be left at
 * any point without the connection being destroyed, so that an answer still gets out.
 */
export class BodySource {
  readonly #request: IncomingMessage;
  readonly #idleMs: number;
  readonly #signal: AbortSignal | undefined;
  #chunks: Buffer[] = [];
  #held = 0;
  #ended = false;
  #error: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(request: IncomingMessage, options: { idleMs: number; signal?: AbortSignal }) {
    this.#request = request;
    this.#idleMs = options.idleMs;
    this.#signal = options.signal;
    request.on('data', this.#onData).on('end', this.#onEnd).on('close', this.#onClose).on('error', this.#onClose);
    options.signal?.addEventListener('abort', this.#onAbort);
    if (options.signal?.aborted) this.#onAbort();
  }

  /** The body gives this error when what it holds is taken. */
  fail(error: Error): void {
    if (this.#ended) return;
    this.#error ??= error;
    this.#wake?.();
  }

  /**
   * Next bytes, undefined at the end.
   * @throws NotariumError `request-timeout`, `shutting-down`; ClientGoneError.
   */
  async next(): Promise<Buffer | undefined> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) {
        this.#held -= chunk.length;
        if (this.#held < heldBytes && this.#request.isPaused()) this.#request.resume();
        return chunk;
      }
      if (this.#error) throw this.#error;
      if (this.#ended) return undefined;
      await this.#change();
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    for (let chunk = await this.next(); chunk !== undefined; chunk = await this.next()) yield chunk;
  }

  /** Stops listening; what still comes is left to whoever ends the answer. */
  leave(): void {
    this.#request.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onClose);
    // The signal lives as long as the server: what listens to it must not pile up.
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#chunks = [];
    this.fail(new ClientGoneError('the body was left'));
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(
        () => this.fail(new NotariumError('request-timeout', `no byte in ${this.#idleMs} ms`)),
        this.#idleMs,
      );
      this.#wake = () => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
    });
  }

  #onData = (chunk: Buffer): void => {
    this.#chunks.push(chunk);
    this.#held += chunk.length;
    if (this.#held >= heldBytes) this.#request.pause();
    this.#wake?.();
  };

  #onEnd = (): void => {
    this.#ended = true;
    this.#wake?.();
  };

  #onAbort = (): void => {
    this.fail(new NotariumError('shutting-down'));
  };

  #onClose = (): void => {
    this.fail(new ClientGoneError('the client closed the connection'));
  };
}
