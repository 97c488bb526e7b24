import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { openContents } from '../../../../services/app/governance/openContents.ts';
import { type OpenCentre, openCentre } from '../../../../services/app/openCentre.ts';
import type { Adapter } from '../../../../services/app/resources/adapters/Adapter.ts';
import { fileAdapter } from '../../../../services/app/resources/adapters/file.ts';
import type { ResourceSettings } from '../../../../services/app/resources/resourceSettings.ts';
import type { Hash } from '../../../../services/core/bytes.ts';
import { canonicalBytes } from '../../../../services/core/canonicalJson.ts';
import { networkName } from '../../../../services/core/eip712.ts';
import { readConfiguration, resourceSetId } from '../../../../services/core/governance/configuration.ts';
import type { Json } from '../../../../services/core/governance/json.ts';
import { applyPatch, type JsonPatch } from '../../../../services/core/governance/jsonPatch.ts';
import { localSigner } from '../../../../services/lib/localSigner.ts';
import { type Logger, silentLogger } from '../../../../services/lib/logger.ts';
import { openStore } from '../../../../services/store/openStore.ts';
import type { Store } from '../../../../services/store/Store.ts';
import { devKey, type RunningChain } from '../../../support/chains.ts';
import { temporaryFolder } from '../../../support/temporaryFolder.ts';
import { until } from '../../../support/until.ts';
import { crypto } from '../../chain/chainKit.ts';
import { type GovernanceKit, governanceKit } from '../../chain/governanceKit.ts';

/** One of the consortium's centres, opened in this process, on a data folder of its own. */
export type KeptCentre = {
  readonly centre: OpenCentre;
  readonly store: Store;
  readonly dataDir: string;
  /** File of the set `radio`, where no other adapter was given. */
  readonly file: string;
  close(): Promise<void>;
};

/** A consortium of four development accounts, whose resource set `radio` is changed by passed proposals. */
export type ResourcesKit = GovernanceKit & {
  readonly id: Hash;
  /** The centre of an account; again after `close` on the same folder. */
  openCentre(account: number, options?: CentreOptions): Promise<KeptCentre>;
  /** The folder of a centre that is not open, with what was voted on in it, and the file of the set `radio`. */
  folderOf(account: number): Promise<{ readonly dataDir: string; readonly file: string }>;
  /** Passes a version over the configuration before it and executes it; every open store gets its content. */
  passVersion(patch: JsonPatch, changes?: { configurationHash?: Hash; base?: number }): Promise<number>;
  /** Waits until every open store has what the chain has said. */
  sync(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

export type CentreOptions = {
  readonly adapter?: Adapter;
  readonly repair?: boolean;
  readonly checkMs?: number;
  readonly logger?: Logger;
  /** PostgreSQL instead of SQLite in the folder. */
  readonly databaseUrl?: string;
};

// The test executes what has passed, and must not find that done.
const asked = { watchMs: 100, tickMs: 1_000, threads: 1, autoExecute: false };

export async function resourcesKit(running: RunningChain): Promise<ResourcesKit> {
  const kit = await governanceKit(running.rpcUrl);
  const { governance, chain } = kit;
  const id = resourceSetId('radio');
  const stack = new AsyncDisposableStack();
  stack.defer(() => kit.close());
  const folders = new Map<number, string>();
  const stores = new Set<Store>();
  const documents: Uint8Array[] = [];
  const configurations = new Map<number, Json>([[0, {}]]);

  const storeOf = async (account: number, databaseUrl?: string): Promise<{ store: Store; dataDir: string }> => {
    let dataDir = folders.get(account);
    if (!dataDir) {
      const folder = stack.use(await temporaryFolder());
      dataDir = folder.path;
      folders.set(account, dataDir);
    }
    const { genesisHash, network } = chain.info;
    const store = await openStore({
      ...(databaseUrl === undefined ? { dataDir } : { dataDir, databaseUrl }),
      network: networkName(network),
      instance: genesisHash,
      logger: silentLogger,
    });
    stores.add(store);
    for (const bytes of documents) await put(store, bytes);
    return { store, dataDir };
  };
  const put = async (store: Store, bytes: Uint8Array): Promise<void> => {
    await openContents({ store, crypto, net: () => undefined }).put(bytes);
  };
  const sync = async (): Promise<void> => {
    const { number } = await governance.newestBlock();
    for (const store of stores) {
      await until('what the chain says', async () => {
        const [read] = await store.noticeCheckpoints();
        return read !== undefined && read.blockNumber >= number;
      });
    }
  };

  return {
    ...kit,
    id,
    sync,
    folderOf: async (account) => {
      const { store, dataDir } = await storeOf(account);
      stores.delete(store);
      await store.close();
      return { dataDir, file: join(dataDir, 'radio.json') };
    },
    async openCentre(account, { adapter, repair = false, checkMs = 300, logger = silentLogger, databaseUrl } = {}) {
      const signer = localSigner(devKey(account), crypto);
      const { store, dataDir } = await storeOf(account, databaseUrl);
      const file = join(dataDir, 'radio.json');
      const setting = { adapter: adapter ?? fileAdapter({ path: file }), repair, checkMs };
      const resources: ResourceSettings = () => setting;
      const own = await kit.open({ signer });
      const centre = await openCentre({
        ...{ store, chain: own, signer, crypto, resources, settings: asked },
        ...{ logger, version: 'test', noteSeed: new Uint8Array(32).fill(account + 1) },
      });
      let closed: Promise<void> | undefined;
      const close = (): Promise<void> => {
        stores.delete(store);
        closed ??= centre.close();
        return closed;
      };
      stack.defer(close);
      await sync();
      return { centre, store, dataDir, file, close };
    },
    async passVersion(patch, { configurationHash, base } = {}) {
      const { head } = await governance.resourceHeads(id);
      const from = base ?? head;
      const checked = readConfiguration(applyPatch(configurations.get(from)!, patch) as { [name: string]: Json });
      const hash = configurationHash ?? checked.hash;
      const effect = { resourceSet: 'radio', base: from, patch, configurationHash: hash, uri: '/v1/contents/x' };
      const draft = kit.draft('resource', effect);
      const bytes = canonicalBytes(draft.content);
      documents.push(bytes);
      for (const store of stores) await put(store, bytes);
      await governance.execute(await kit.pass(draft));
      const { count } = await governance.resourceHeads(id);
      configurations.set(count, checked.configuration);
      await sync();
      return count;
    },
    async [Symbol.asyncDispose]() {
      await stack.disposeAsync();
    },
  };
}

/** A real HTTP service that keeps one configuration. */
export type ConfigurationService = {
  readonly url: string;
  configuration: string | undefined;
  /** Answers 503 while it is true. */
  isDown: boolean;
  close(): Promise<void>;
};

export async function configurationService(): Promise<ConfigurationService> {
  let changes = 0;
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const etag = `"${changes}"`;
    if (service.isDown) response.writeHead(503).end();
    else if (request.method === 'GET') {
      if (service.configuration === undefined) response.writeHead(404).end();
      else response.writeHead(200, { etag }).end(service.configuration);
    } else {
      const { 'if-match': match, 'if-none-match': none } = request.headers;
      const isLate = none === '*' ? service.configuration !== undefined : match !== etag;
      if (isLate) response.writeHead(412).end();
      else {
        changes++;
        service.configuration = Buffer.concat(chunks).toString();
        response.writeHead(204).end();
      }
    }
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const service: ConfigurationService = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/radio`,
    configuration: undefined,
    isDown: false,
    close: () => {
      server.closeAllConnections();
      return new Promise((done) => server.close(() => done()));
    },
  };
  return service;
}
