import type { CallOptions, Connection } from './Connection.ts';
import {
  type ResourceSetAnswer,
  type ResourceSetPage,
  type ResourceVersionAnswer,
  resourceListSchema,
  resourcePageSchema,
  resourceSetSchema,
  resourceVersionSchema,
} from './governanceAnswers.ts';

/** Shared resource sets, asked of one centre. A set is named by its name, or by the Keccak-256 of it. */
export class Resources {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** All of them, with how each stands at this centre. */
  async list(options: CallOptions = {}): Promise<ResourceSetAnswer[]> {
    return (await this.#connection.http.json({ path: '/v1/resources', signal: options.signal }, resourceListSchema))
      .items;
  }

  /** One set with its newest versions. @throws NotariumError `resource-unknown`. */
  get(resourceSet: string, { signal }: CallOptions = {}): Promise<ResourceSetPage> {
    return this.#connection.http.json({ path: pathOf(resourceSet), signal }, resourcePageSchema);
  }

  /** One version with the latest report of every node. @throws NotariumError `resource-unknown`. */
  version(resourceSet: string, version: number, { signal }: CallOptions = {}): Promise<ResourceVersionAnswer> {
    const path = `${pathOf(resourceSet)}/versions/${version}`;
    return this.#connection.http.json({ path, signal }, resourceVersionSchema);
  }

  /**
   * Makes the centre look now at what is really there; needs an API key of scope admin.
   * @param options.repair What is not right is written again.
   * @throws NotariumError `resource-unknown`, `resource-failed`, `content-unavailable`.
   */
  check(resourceSet: string, options: CallOptions & { repair?: boolean | undefined } = {}): Promise<ResourceSetAnswer> {
    const path = `${pathOf(resourceSet)}/check`;
    const body = JSON.stringify(options.repair ? { repair: true } : {});
    return this.#connection.http.json({ method: 'POST', path, body, signal: options.signal }, resourceSetSchema);
  }
}

function pathOf(resourceSet: string): string {
  return `/v1/resources/${encodeURIComponent(resourceSet)}`;
}
