import type { Hash } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';
import { resourceSetId } from '../../core/governance/configuration.ts';
import { unlessAborted } from '../../lib/unlessAborted.ts';
import type { GovernanceParts, GovernanceWorker } from '../governance/GovernanceParts.ts';
import { Configurator } from './Configurator.ts';
import { Reporter } from './Reporter.ts';
import type { ResourceDesk, ResourceSetPage, ResourceSetView, ResourceVersionView } from './ResourceDesk.ts';
import type { ResourceParts } from './ResourceParts.ts';
import { ResourceProblems } from './ResourceProblems.ts';
import type { ResourceSettings } from './resourceSettings.ts';
import { resourceVersionView, setView, versionPage } from './views.ts';

const idPattern = /^0x[0-9a-f]{64}$/;

/** The resource sets of the network, each kept right on this node by a task of its own. */
export class Resources implements GovernanceWorker {
  readonly desk: ResourceDesk = {
    resourceSets: () => this.#resourceSets(),
    resourceSet: (set, page) => this.#resourceSet(set, page),
    resourceVersion: (set, version) => this.#resourceVersion(set, version),
    checkResource: (set, options) => this.#checkResource(set, options),
  };
  readonly #parts: GovernanceParts;
  readonly #kept: { readonly parts: ResourceParts; readonly reporter: Reporter } | undefined;
  readonly #onChange: () => void;
  readonly #configurators = new Map<Hash, Configurator>();
  #isOpen = false;

  /** Without settings nothing is kept right here. `onChange` is called when clients may find new events. */
  constructor(
    parts: GovernanceParts,
    { settingOf, onChange }: { readonly settingOf: ResourceSettings | undefined; readonly onChange: () => void },
  ) {
    this.#parts = parts;
    this.#onChange = onChange;
    if (!settingOf) return;
    const kept: ResourceParts = { ...parts, settingOf, resourceProblems: new ResourceProblems(parts.problems) };
    this.#kept = { parts: kept, reporter: new Reporter(kept, (id) => this.#configurators.get(id)?.wake()) };
    parts.notices.onNotices(() => this.#look(this.#kept!));
  }

  start(): void {
    this.#isOpen = true;
    this.#kept?.reporter.start();
  }

  async close(): Promise<void> {
    this.#isOpen = false;
    await Promise.all([...this.#configurators.values()].map((each) => each.close()));
    await this.#kept?.reporter.close();
  }

  async #resourceSets(): Promise<ResourceSetView[]> {
    const { store } = this.#parts;
    const views = await Promise.all((await store.resourceSetsOnChain()).map((id) => setView(store, id)));
    const nameOf = ({ resourceSet, id }: ResourceSetView): string => resourceSet ?? id;
    return views.filter((view) => view !== undefined).sort((one, other) => (nameOf(one) < nameOf(other) ? -1 : 1));
  }

  async #resourceSet(
    set: string,
    page: { readonly before?: number; readonly limit: number },
  ): Promise<ResourceSetPage> {
    const id = this.#idOf(set);
    return { ...(await this.#view(set)), versions: await versionPage(this.#parts.store, id, page) };
  }

  async #resourceVersion(set: string, version: number): Promise<ResourceVersionView> {
    const view = await resourceVersionView(this.#parts.store, this.#idOf(set), version);
    if (!view) throw unknown({ resourceSet: set, version });
    return view;
  }

  async #checkResource(
    set: string,
    { repair, signal }: { readonly repair: boolean; readonly signal?: AbortSignal },
  ): Promise<ResourceSetView> {
    await this.#view(set);
    const configurator = this.#configurators.get(this.#idOf(set));
    if (!configurator) throw new NotariumError('not-ready', 'this process does not keep the resource set, or not yet');
    const check = configurator.check(repair);
    await unlessAborted(check, signal, () => new NotariumError('wait-timeout', 'it is under way: ask again'));
    return await this.#view(set);
  }

  async #view(set: string): Promise<ResourceSetView> {
    const view = await setView(this.#parts.store, this.#idOf(set));
    if (!view) throw unknown({ resourceSet: set });
    return view;
  }

  #idOf(set: string): Hash {
    return idPattern.test(set) ? (set as Hash) : resourceSetId(set, this.#parts.crypto);
  }

  async #look({ parts, reporter }: { readonly parts: ResourceParts; readonly reporter: Reporter }): Promise<void> {
    for (const id of await parts.store.resourceSetsOnChain()) {
      if (!this.#isOpen) return;
      const known = this.#configurators.get(id);
      if (known) await known.notice();
      else {
        const configurator = new Configurator(parts, id, { reporter, onChange: this.#onChange });
        this.#configurators.set(id, configurator);
        configurator.start();
      }
    }
  }
}

function unknown(data: { readonly resourceSet: string; readonly version?: number }): NotariumError {
  return new NotariumError('resource-unknown', undefined, { data });
}
