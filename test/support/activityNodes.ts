import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Registry } from 'prom-client';
import {
  type ActivityHost,
  type ActivitySettings,
  defaultActivitySettings,
} from '../../services/app/activities/ActivityHost.ts';
import { activityMetrics } from '../../services/app/activities/activityMetrics.ts';
import { keepAttachments } from '../../services/app/activities/keepAttachments.ts';
import { type OpenActivities, openActivities } from '../../services/app/activities/openActivities.ts';
import type { BriefResult } from '../../services/app/Centre.ts';
import { Problems } from '../../services/app/Problems.ts';
import type { RegistryNode } from '../../services/chain/RegistryNode.ts';
import type { Address, Hash } from '../../services/core/bytes.ts';
import { networkName } from '../../services/core/eip712.ts';
import { type ErrorCode, NotariumError } from '../../services/core/errors.ts';
import { checkRecordSignature, readRecord } from '../../services/core/record.ts';
import type { NotariumRecord } from '../../services/core/recordSchema.ts';
import { openingKey } from '../../services/lib/activities/seal.ts';
import { type Clock, systemClock } from '../../services/lib/clock.ts';
import { silentLogger } from '../../services/lib/logger.ts';
import type { Net } from '../../services/net/Net.ts';
import { createNetMetrics } from '../../services/net/netMetrics.ts';
import { openNet } from '../../services/net/openNet.ts';
import type { ActivityStore } from '../../services/store/activities/ActivityStore.ts';
import { AttachmentStore } from '../../services/store/activities/AttachmentStore.ts';
import { openActivityStore } from '../../services/store/activities/openActivityStore.ts';
import { activityNetwork, type Person, person } from './activityKit.ts';
import { crypto } from './recordKit.ts';
import { until } from './until.ts';

/** The operator, who sees everything. */
export const operator = {};

const quick: ActivitySettings = {
  ...defaultActivitySettings,
  retryMs: 50,
  maxRetryMs: 400,
  lookMs: 100,
  compareMs: 300,
  catchUpMs: 1_000,
  recordSpreadMs: 0,
  requestMs: 20_000,
};

type One = ActivityNode;
type Tuples = { 1: [One]; 2: [One, One]; 3: [One, One, One]; 4: [One, One, One, One]; 5: [One, One, One, One, One] };
/** As many as were asked for. */
type Nodes<Count extends number> = Count extends keyof Tuples ? Tuples[Count] : ActivityNode[];

/** A network that blames nobody: it would cut off who is to try everything. */
export const blameless = <T extends object>(net: T): T => Object.assign(net, { blame: () => {} });

/** What stands in for registry and log of all nodes of a test: what these are is tested elsewhere. */
export class ActivityWorld {
  readonly nodes: ActivityNode[] = [];
  readonly records: NotariumRecord[] = [];
  /** Others that are in the registry, and do what they like. */
  readonly guests: Net[] = [];
  readonly #entries = new Set<string>();
  readonly #given: string | undefined;
  #folder: Promise<string> | undefined;
  /** The log takes nothing while it is true. */
  isLogAway = false;
  /** No centre has what the log took, yet. */
  isLogBehind = false;
  /** Whether the log takes a record, ever. */
  takes: (record: NotariumRecord) => boolean = () => true;
  /** By which it is refused else. */
  refusal: ErrorCode = 'record-network-mismatch';

  /** @param folder Of another process; one of its own by default. */
  constructor(folder?: string) {
    this.#given = folder;
  }

  async folder(): Promise<string> {
    if (this.#given !== undefined) return this.#given;
    this.#folder ??= mkdtemp(join(tmpdir(), 'notarium activities-'));
    return await this.#folder;
  }

  readonly registry = { nodes: (): RegistryNode[] => this.nodes.map(({ registered }) => registered) };

  async accept(lines: readonly string[]): Promise<BriefResult[]> {
    if (this.isLogAway) throw new Error('the log is away');
    return lines.map((line) => {
      const { id, idBytes, record } = readRecord(line, crypto);
      checkRecordSignature(record, idBytes, crypto);
      if (!this.takes(record)) return { status: 'failed', error: new NotariumError(this.refusal) };
      if (this.#entries.has(id)) return { status: 'known', id };
      this.#entries.add(id);
      this.records.push(record);
      return { status: 'accepted', id };
    });
  }

  /** Nodes with real sockets and real databases, which know each other. */
  async open<Count extends number>(count: Count, options: NodeOptions = {}): Promise<Nodes<Count>> {
    const nodes = this.add(count, options);
    await Promise.all(nodes.map((node) => node.open()));
    await this.connect();
    return nodes as Nodes<Count>;
  }

  /** Nodes that are in the registry, and not open here. */
  add(count: number, options: NodeOptions = {}): ActivityNode[] {
    const first = this.nodes.length;
    for (let at = 0; at < count; at++) this.nodes.push(new ActivityNode(this, first + at + 1, options));
    return this.nodes.slice(first);
  }

  /** Lets all that are open know each other. */
  async connect(): Promise<void> {
    const open = this.nodes.filter(({ isOpen }) => isOpen);
    const nets = [...open.map(({ net }) => net), ...this.guests];
    const directory = new Map(nets.map((net) => [net.address, net.multiaddrs] as const));
    for (const net of nets) net.setDirectory(directory);
    await until('everybody is connected', () =>
      nets.every((net) => net.peers().filter(({ isConnected }) => isConnected).length === nets.length - 1),
    );
  }

  async close(): Promise<void> {
    await Promise.all([...this.nodes.map((node) => node.close()), ...this.guests.map((net) => net.close())]);
    if (this.#folder) await rm(await this.#folder, { recursive: true, force: true });
  }
}

type NodeOptions = {
  readonly settings?: Partial<ActivitySettings>;
  readonly clock?: Clock;
  readonly wrapNet?: (net: Net) => Net;
  readonly wrapStore?: (store: ActivityStore) => ActivityStore;
  readonly isSuspended?: boolean;
  /** PostgreSQL of all of them; a file for each by default. */
  readonly databaseUrl?: string | undefined;
};

/** One node. */
export class ActivityNode {
  readonly person: Person;
  readonly problems = new Problems();
  readonly #world: ActivityWorld;
  readonly #options: NodeOptions;
  readonly #number: number;
  registered: RegistryNode;
  /** The newest first. */
  secrets: Uint8Array[];
  metrics = new Registry();
  net!: Net;
  store!: ActivityStore;
  isOpen = false;
  #activities: OpenActivities | undefined;
  /** Under way. */
  readonly #saves = new Set<Promise<void>>();

  constructor(world: ActivityWorld, number: number, options: NodeOptions) {
    this.#world = world;
    this.#number = number;
    this.#options = options;
    this.person = person(number);
    this.secrets = [this.person.secret];
    this.registered = {
      ...{ address: this.person.address, name: `Node ${number}`, endpoint: `https://node${number}.example` },
      ...{ encryptionKey: this.person.key, noteKey: this.person.key },
      status: options.isSuspended ? 'suspended' : 'active',
    };
  }

  get address(): Address {
    return this.person.address;
  }

  /** Of its net and its word. */
  get nodeKey(): Uint8Array {
    return new Uint8Array(32).fill(this.#number);
  }

  get name(): string {
    return this.registered.name;
  }

  get desk() {
    return this.#activities!.desk;
  }

  async open(): Promise<void> {
    const dataDir = await this.#folder();
    this.metrics = new Registry();
    const { clock = systemClock } = this.#options;
    const net = await openNet({
      privateKey: this.nodeKey,
      network: networkName(activityNetwork),
      logger: silentLogger,
      metrics: createNetMetrics(this.metrics),
    });
    this.net = this.#options.wrapNet?.(net) ?? net;
    const store = await this.#openStore();
    const wrapped = this.#options.wrapStore?.(store) ?? store;
    this.store = { ...wrapped, save: (change) => this.#watched(wrapped.save(change)) };
    const files = await AttachmentStore.open({ dataDir, maxBytes: 1 << 30, clock });
    this.#activities = openActivities({
      ...this.#host(this.store),
      onDuty: async () => true,
      onJoin: (handler) => handler(this.net),
      ...{ problems: this.problems, metrics: activityMetrics(this.metrics) },
      files: keepAttachments(files),
    });
    this.isOpen = true;
  }

  /** Another process of this node, with the same PostgreSQL, which is in no network. */
  async openBeside(): Promise<Pick<OpenActivities, 'desk' | 'close'>> {
    const store = await this.#openStore();
    const metrics = activityMetrics(new Registry());
    const activities = openActivities({
      ...this.#host(store),
      ...{ onDuty: async () => false, onJoin: () => {}, problems: new Problems(), metrics },
    });
    return {
      desk: activities.desk,
      async close() {
        await activities.close();
        await store.close();
      },
    };
  }

  async #openStore(): Promise<ActivityStore> {
    const dataDir = await this.#folder();
    const { databaseUrl } = this.#options;
    return await openActivityStore({
      ...{ dataDir, key: new Uint8Array(32).fill(this.#number), node: this.address, logger: silentLogger },
      ...(databaseUrl === undefined ? {} : { databaseUrl }),
    });
  }

  async #folder(): Promise<string> {
    const dataDir = join(await this.#world.folder(), `node ${this.#number}`);
    await mkdir(dataDir, { recursive: true });
    return dataDir;
  }

  #host(store: ActivityStore): Omit<ActivityHost, 'onDuty' | 'onJoin' | 'problems' | 'metrics' | 'files'> {
    const { clock = systemClock, settings } = this.#options;
    return {
      ...{ network: activityNetwork, signer: this.person.signer, crypto, store, registry: this.#world.registry },
      keys: this.secrets.map(openingKey),
      accept: (lines) => this.#world.accept(lines),
      search: async ({ digest, subject }) => ({
        items: (this.#world.isLogBehind ? [] : this.#world.records)
          .map((record, index) => ({ id: `0x${index.toString(16).padStart(64, '0')}` as Hash, record }))
          .filter(({ record }) => record.digest === digest || record.subject === subject)
          .map((found) => ({ ...found, state: 'logged' as const })),
      }),
      ...{ clock, logger: silentLogger, settings: { ...quick, ...settings } },
    };
  }

  /** As after a crash: what was not on the disk is gone. */
  async close(): Promise<void> {
    if (!this.isOpen) return;
    this.isOpen = false;
    await Promise.all([this.#activities!.close(), this.net.close()]);
    await this.store.close();
  }

  /** Value of a counter, all labels together or those given. */
  async counted(name: string, labels: Record<string, string> = {}): Promise<number> {
    const metric = await this.metrics.getSingleMetric(`notarium_activity_${name}`)!.get();
    return metric.values
      .filter((each) => Object.entries(labels).every(([label, value]) => each.labels[label] === value))
      .reduce((sum, { value }) => sum + value, 0);
  }

  /** What it knows of an activity, in a form that two nodes can be compared by. */
  async state(activity: Hash) {
    const { members, versions, heads, epoch, proposals } = await this.desk.show(operator, activity);
    // In which order they came, each node knows for itself.
    const alike = versions.map((version) => ({ ...version, notes: version.notes.toSorted() }));
    return { members, versions: alike, heads, epoch, proposals };
  }

  /** Whether it has the message, on the disk and in what it shows. */
  async has(message: Hash): Promise<boolean> {
    const isStored = (await this.store.known([message])).has(message);
    // Shown is what is in memory, a moment after it can be read from the disk.
    await Promise.allSettled(this.#saves);
    await nextTurn();
    return isStored;
  }

  #watched(save: Promise<void>): Promise<void> {
    this.#saves.add(save);
    const end = () => void this.#saves.delete(save);
    save.then(end, end);
    return save;
  }
}

/** Waits until all of them have the message. */
export async function reaches(message: Hash, ...nodes: readonly ActivityNode[]): Promise<void> {
  await until(`${message} reaches ${nodes.length} nodes`, async () => {
    const have = await Promise.all(nodes.map((node) => node.has(message)));
    return have.every(Boolean);
  });
}
