import type { ServerResponse } from 'node:http';

/**
 * What is under way in a server, and when it must end: `stopping` aborts when the server is to stop (event streams and
 * waits end then), `cutting` when uploads that still run must end as well, so that their results get out in time.
 */
export class Lifetime {
  readonly #stopping = new AbortController();
  readonly #cutting = new AbortController();
  readonly #underWay = new Set<ServerResponse>();

  get stopping(): AbortSignal {
    return this.#stopping.signal;
  }

  get cutting(): AbortSignal {
    return this.#cutting.signal;
  }

  get underWay(): ReadonlySet<ServerResponse> {
    return this.#underWay;
  }

  begin(response: ServerResponse): void {
    this.#underWay.add(response);
  }

  end(response: ServerResponse): void {
    this.#underWay.delete(response);
  }

  stop(): void {
    // Keep-alive would hold the connection open behind the last answer.
    for (const response of this.#underWay) if (!response.headersSent) response.setHeader('connection', 'close');
    this.#stopping.abort();
  }

  cut(): void {
    this.#cutting.abort();
  }
}
