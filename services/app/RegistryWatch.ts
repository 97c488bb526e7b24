import type { Chain, RegistryNode } from '../chain/Chain.ts';
import type { Address } from '../core/bytes.ts';
import { NotariumError } from '../core/errors.ts';
import type { Signer } from '../core/signature.ts';
import type { Clock } from '../lib/clock.ts';
import { every, type Loop } from '../lib/every.ts';
import { type Logger, silentLogger } from '../lib/logger.ts';
import type { Problems } from './Problems.ts';

const periodMs = 2_000;

/** What the watch needs of the rest. */
export type RegistryWatchParts = {
  readonly chain: Pick<Chain, 'nodes'>;
  readonly signer: Pick<Signer, 'address'>;
  readonly problems: Problems;
  readonly logger: Logger;
  readonly clock: Clock;
};

/**
 * Knows what the registry said last, at most some seconds ago. A centre that is not active in it has the problem
 * `not-in-committee` and takes no records: the others have cut it off, so what it alone has would never be sealed.
 */
export class RegistryWatch {
  readonly #parts: RegistryWatchParts;
  readonly #handlers: (() => Promise<void> | void)[] = [];
  readonly #stop = new AbortController();
  #nodes: readonly RegistryNode[] = [];
  #loop: Loop | undefined;
  #explain: ((candidate: RegistryNode) => Promise<string>) | undefined;

  constructor(parts: RegistryWatchParts) {
    this.#parts = parts;
  }

  /** All nodes that were ever entered. */
  nodes(): readonly RegistryNode[] {
    return this.#nodes;
  }

  /** Active centres, this one included where it is active. */
  active(): readonly RegistryNode[] {
    return this.#nodes.filter(({ status }) => status === 'active');
  }

  /** Active centres but this one. */
  others(): readonly RegistryNode[] {
    return this.active().filter(({ address }) => address !== this.#own);
  }

  /** Calls after each reading; the next one waits for it. What it throws is logged. */
  onRead(handler: () => Promise<void> | void): void {
    this.#handlers.push(handler);
  }

  /** Asks why this node is no centre while it is a candidate; the end of a sentence about it. What it throws is logged. */
  explainBy(explain: (candidate: RegistryNode) => Promise<string>): void {
    this.#explain = explain;
  }

  /**
   * Reads once, and then again and again in the background.
   * @throws NotariumError of {@link Chain} when the first reading fails: then nothing has been started.
   */
  async start(): Promise<void> {
    const { clock, logger } = this.#parts;
    await this.#read();
    let isFirst = true;
    const look = async (): Promise<void> => {
      if (!isFirst) await this.#read();
      isFirst = false;
      for (const handler of this.#handlers) await handler();
    };
    this.#loop = every(periodMs, look, {
      signal: this.#stop.signal,
      // The publisher says, once, that the chain is away.
      logger: silentLogger,
      onFailure: (error) => logger.debug({ err: error }, 'the registry could not be read'),
      name: 'registry',
      clock,
    });
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#loop?.done;
  }

  get #own(): Address {
    return this.#parts.signer.address;
  }

  async #read(): Promise<void> {
    const { chain, problems, logger } = this.#parts;
    this.#nodes = await chain.nodes();
    const node = this.#nodes.find(({ address }) => address === this.#own);
    const status = node?.status ?? 'none';
    if (status === 'active') {
      if (problems.clear('not-in-committee')) logger.info({}, 'the registry has this centre as active again');
      return;
    }
    const where = status === 'none' ? 'is not in the registry' : `is ${status} in the registry`;
    const why = status === 'candidate' ? await this.#explained(node!) : undefined;
    const error = new NotariumError('not-in-committee', `${this.#own} ${why ?? where}`);
    if (problems.raiseError(error)) logger.error({ err: error }, 'this centre takes no records');
  }

  async #explained(candidate: RegistryNode): Promise<string | undefined> {
    try {
      return await this.#explain?.(candidate);
    } catch (error) {
      // That it is no centre is what has to be said; the rest can wait.
      this.#parts.logger.debug({ err: error }, 'it is not known how the application stands');
      return undefined;
    }
  }
}
