import { setTimeout as delay } from 'node:timers/promises';
import { isNotariumError, NotariumError } from '../../core/errors.ts';
import { type ApplicationEdge, nextApplicationState } from '../../core/governance/applicationState.ts';
import type { CheckedConfiguration } from '../../core/governance/configuration.ts';
import { readConfiguration } from '../../core/governance/configuration.ts';
import type { Json } from '../../core/governance/json.ts';
import type { Fallback, Finding, StoredVersion } from '../../store/ResourceStore.ts';
import type { VersionProjection } from '../governance/projections.ts';
import type { Adapter, Asked } from './adapters/Adapter.ts';
import { eventsOf } from './eventsOf.ts';
import { fallbackOf, versionIn } from './fallbackOf.ts';
import { type Actual, findingOf, readActual } from './inspect.ts';
import { leaseOf } from './leaseOf.ts';
import type { ResourceParts } from './ResourceParts.ts';

/** Pauses before each further write; after the last one the version before comes back. */
const retryMs = [250, 2_000];

/** A version on its way into the resource. */
export type ApplicationTask = {
  readonly name: string;
  readonly target: VersionProjection;
  readonly checked: CheckedConfiguration;
  readonly adapter: Adapter;
  readonly signal: AbortSignal;
};

/**
 * Takes one version of one set through its states. Each step is on disk before the next begins, and each may be done again: a
 * process that was killed goes on where it stood.
 */
export class Application {
  readonly #parts: ResourceParts;
  readonly #task: ApplicationTask;

  constructor(parts: ResourceParts, task: ApplicationTask) {
    this.#parts = parts;
    this.#task = task;
  }

  /**
   * One step of a version that is under way.
   * @throws NotariumError `resource-failed` while nothing has been written and what is there cannot be known.
   */
  async step(row: StoredVersion): Promise<StoredVersion> {
    switch (row.state) {
      case 'waiting':
        return await this.#begin(row);
      case 'applying':
        return await this.#write(row);
      case 'reading':
        return await this.#readBack(row);
      case 'rolling-back':
        return await this.#rollBack(row);
      default:
        throw new RangeError(`a version that is ${row.state} has no next step`);
    }
  }

  /** What is there, compared with this version. */
  async look(): Promise<{ readonly actual: Actual; readonly finding: Finding }> {
    const { adapter, checked, signal } = this.#task;
    const actual = await readActual(adapter, this.#asked, { crypto: this.#parts.crypto, signal });
    const { configuration: want, hash } = checked;
    return { actual, finding: findingOf(actual, { want, hash, time: this.#now() }) };
  }

  /** Keeps a version's next state, with what is to be told of it. */
  async take(row: StoredVersion, edge: ApplicationEdge, changes: Partial<StoredVersion> = {}): Promise<StoredVersion> {
    const state = nextApplicationState(row.state, edge);
    const { reason: _, ...kept } = row;
    const next: StoredVersion = { ...kept, attempts: 0, ...changes, state, changedAt: this.#now() };
    const { name, target } = this.#task;
    const set = { resourceSet: target.resourceSet, name, written: target.version };
    const events = eventsOf(next, name);
    const touches = edge === 'begin' || edge === 'match';
    const lease = await leaseOf(this.#parts);
    await this.#parts.store.saveResource({ versions: [next], ...(touches ? { set } : {}) }, { lease, events });
    this.#parts.logger.info(
      {
        resourceSet: name,
        version: next.version,
        state,
        ...(next.reason === undefined ? {} : { reason: next.reason }),
      },
      'a version of a resource set',
    );
    return next;
  }

  async #begin(row: StoredVersion): Promise<StoredVersion> {
    const { actual, finding } = await this.look();
    if (finding.matches) return await this.take(row, 'match', { finding });
    const fallback = await fallbackOf(this.#parts, row, actual);
    return await this.take(row, 'begin', { attempts: 1, fallback, finding });
  }

  async #write(row: StoredVersion): Promise<StoredVersion> {
    const { adapter, checked } = this.#task;
    // What a process that was killed has written need not be written again.
    const reason = await this.#tried(async () => {
      const found = await this.look().catch(onlyNotarium);
      if (found?.finding.matches) return;
      await adapter.write({ ...this.#asked, configuration: checked.configuration }, this.#task.signal);
    });
    return await this.take(row, 'write', { attempts: row.attempts, ...(reason === undefined ? {} : { reason }) });
  }

  async #readBack(row: StoredVersion): Promise<StoredVersion> {
    const { signal } = this.#task;
    let finding: Finding | undefined;
    const failure = await this.#tried(async () => {
      finding = (await this.look()).finding;
    });
    if (finding?.matches) return await this.take(row, 'match', { finding });
    const reason = row.reason ?? failure ?? 'what is there is not what was written';
    const changes = { reason, ...(finding ? { finding } : {}) };
    const pauseMs = retryMs[row.attempts - 1];
    if (pauseMs === undefined) return await this.take(row, 'differ', changes);
    await delay(pauseMs, undefined, { signal });
    return await this.take(row, 'retry', { ...changes, attempts: row.attempts + 1 });
  }

  async #rollBack(row: StoredVersion): Promise<StoredVersion> {
    const { signal, adapter } = this.#task;
    const { fallback = { kind: 'nothing' } } = row;
    const reason = row.reason ?? 'it could not be applied';
    let failure: string | undefined;
    for (const pauseMs of [...retryMs, undefined]) {
      let isBack = false;
      failure = await this.#tried(async () => {
        const before = await this.#configurationOf(fallback);
        if (await this.#isThere(before)) isBack = true;
        else if (before === undefined) throw new NotariumError('resource-failed', 'there is nothing to go back to');
        else {
          await adapter.write({ ...this.#asked, version: versionIn(fallback), configuration: before }, signal);
          isBack = await this.#isThere(before);
        }
      });
      if (isBack) return await this.take(row, 'restore', { reason });
      if (pauseMs === undefined || fallback.kind === 'nothing') break;
      await delay(pauseMs, undefined, { signal });
    }
    const both = `${reason}; and the configuration before did not come back${failure === undefined ? '' : `: ${failure}`}`;
    return await this.take(row, 'fail', { reason: both });
  }

  async #isThere(configuration: Json | undefined): Promise<boolean> {
    const { adapter, signal } = this.#task;
    const actual = await readActual(adapter, this.#asked, { crypto: this.#parts.crypto, signal });
    if (configuration === undefined) return actual.kind === 'nothing';
    const wanted: Adapter = { name: '', read: async () => configuration, write: async () => {} };
    const want = await readActual(wanted, this.#asked, { crypto: this.#parts.crypto, signal });
    return actual.kind === 'there' && want.kind === 'there' && actual.hash === want.hash;
  }

  async #configurationOf(fallback: Fallback): Promise<Json | undefined> {
    if (fallback.kind === 'nothing') return undefined;
    if (fallback.kind === 'found') return fallback.configuration;
    const bytes = await this.#parts.contents.get(fallback.configurationHash, { signal: this.#task.signal });
    return readConfiguration(bytes, this.#parts.crypto).configuration;
  }

  /** Why it failed; undefined where it did not. A centre that is being stopped has not failed. */
  async #tried(run: () => Promise<void>): Promise<string | undefined> {
    try {
      await run();
      return undefined;
    } catch (error) {
      const { signal, name, target } = this.#task;
      signal.throwIfAborted();
      if (!isNotariumError(error)) throw error;
      // The reason goes out, to whoever may read the API and to webhooks; what led to it stays here.
      this.#parts.logger.warn({ err: error, resourceSet: name, version: target.version }, 'a resource failed');
      return error.message;
    }
  }

  get #asked(): Asked {
    return { resourceSet: this.#task.name, version: this.#task.target.version };
  }

  #now(): string {
    return new Date(this.#parts.clock.nowMs()).toISOString();
  }
}

function onlyNotarium(error: unknown): undefined {
  if (!isNotariumError(error)) throw error;
}
