import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Address, Notarium } from '../../services/index.ts';
import { deployLocal } from './deployLocal.ts';
import { ensureKeys, fund, type LocalCentre, startLocalCentre } from './localCentre.ts';
import { freePort } from './ports.ts';
import { untilConnected } from './untilConnected.ts';

/** A running centre, and a client that acts as its operator. */
export type DemoCentre = {
  readonly name: string;
  readonly address: Address;
  readonly url: string;
  readonly dataDir: string;
  readonly client: Notarium;
  stop(): Promise<void>;
};

/** The centres with what a further one needs to know of their network. */
export type DemoNetwork = { readonly centres: readonly DemoCentre[]; readonly contract: Address };

const meetLimitMs = 60_000;

/**
 * Deploys a committee and starts its centres, each a process of its own, connected with all others.
 * @param options.resourcesOf What the settings file of a centre's resource sets holds; it keeps none by default.
 */
export async function startDemoCentres(options: {
  readonly count: number;
  readonly base: string;
  readonly rpcUrl: string;
  readonly resourcesOf?: (name: string) => object;
  readonly say: (line?: string) => void;
}): Promise<DemoNetwork> {
  const { count, base, rpcUrl, resourcesOf = () => ({}), say } = options;
  const places = await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const dataDir = join(base, `centre-${index + 1}`);
      const keys = await ensureKeys(dataDir);
      const port = await freePort();
      return { name: `Centre ${index + 1}`, id: `centre-${index + 1}`, dataDir, keys, port };
    }),
  );
  for (const { keys } of places) await fund(rpcUrl, keys.address);
  const { blockAnchor } = await deployLocal({
    rpcUrl,
    members: places.map(({ keys, port }) => ({ keys, endpoint: `http://127.0.0.1:${port}` })),
    stateDir: join(base, 'ignition'),
    periodSeconds: 2,
    graceSeconds: 30,
  });
  const contract = blockAnchor.toLowerCase() as Address;
  say(`Contracts deployed, BlockAnchor at ${contract}. Starting ${count} centres …`);
  const started: LocalCentre[] = [];
  try {
    const centres = await Promise.all(
      places.map(async ({ name, id, dataDir, keys, port }): Promise<DemoCentre> => {
        await mkdir(dataDir, { recursive: true });
        const settings = join(dataDir, 'resources.json');
        await writeFile(settings, JSON.stringify(resourcesOf(id)));
        // What they say of one another's pace is no part of the story.
        const args = ['--resources', settings, '--log-level', 'silent'];
        const centre = await startLocalCentre({ dataDir, port, rpcUrl, contract, label: name, threads: 1, args });
        if (!centre) throw new Error(`${name} did not start`);
        started.push(centre);
        const apiKey = (await readFile(join(dataDir, 'admin-key'), 'utf8')).trim();
        const client = new Notarium({ url: centre.url, apiKey, rpcUrl });
        return { name, address: keys.address, url: centre.url, dataDir, client, stop: () => centre.stop() };
      }),
    );
    const named = started.map(({ url }, index) => ({ name: `centre at ${url}`, url, index }));
    const missing = await untilConnected(named, { limitMs: meetLimitMs, signal: new AbortController().signal });
    if (missing.length > 0) throw new Error(missing.join('; '));
    return { centres, contract };
  } catch (error) {
    await Promise.all(started.map((centre) => centre.stop()));
    throw error;
  }
}
