import type { ActivityDesk } from '../../services/app/activities/ActivityDesk.ts';
import type { ApiKeyScope } from '../../services/app/Centre.ts';
import type { RegistryNode } from '../../services/chain/RegistryNode.ts';
import { networkName } from '../../services/core/eip712.ts';
import type { HttpOptions } from '../../services/http/HttpOptions.ts';
import { activityNetwork } from './activityKit.ts';
import { type HttpTest, startHttpTest } from './httpTest.ts';

/** A key of the centre under test, as a header. */
export type TestKey = { readonly id: string; readonly secret: string; readonly headers: Record<string, string> };

/** A server in front of private activities, open to all where it may be. */
export type ActivityHttp = HttpTest & {
  key(name: string, scopes: readonly ApiKeyScope[]): Promise<TestKey>;
  /** Asks with a key, or without one. */
  ask(method: string, path: string, by?: TestKey, body?: unknown): Promise<Response>;
  /** The answer as JSON. @throws Error where it is a problem. */
  get<T = Record<string, never>>(path: string, by: TestKey): Promise<T>;
  post<T = Record<string, string>>(path: string, by: TestKey, body: unknown): Promise<T>;
};

/** Serves a desk. @param nodes Of its registry: what the centre tells of the network. */
export async function serveActivities(
  desk: ActivityDesk,
  options: HttpOptions = {},
  nodes?: () => readonly RegistryNode[],
): Promise<ActivityHttp> {
  const http = await startHttpTest({ access: { submit: 'open', read: 'open' }, ...options });
  // The centre behind the server is of another network than the nodes of these tests: it is to speak of theirs.
  const { network } = http.centre;
  Object.assign(http.centre, {
    activities: desk,
    network: async () => ({
      ...(await network()),
      ...{ network: networkName(activityNetwork), ...activityNetwork },
      ...(nodes ? { centres: nodes().map((node) => ({ ...node, verifierKey: '' })) } : {}),
    }),
  });
  const ask: ActivityHttp['ask'] = (method, path, by, body) =>
    fetch(`${http.url}${path}`, {
      method,
      headers: { ...by?.headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
  const answer = async <T>(response: Response): Promise<T> => {
    const text = await response.text();
    if (!response.ok) throw new Error(text);
    return JSON.parse(text) as T;
  };
  return {
    ...http,
    ask,
    async key(name, scopes) {
      const { key, secret } = await http.centre.keys.create(name, scopes);
      return { id: key.id, secret, headers: { authorization: `Bearer ${secret}` } };
    },
    get: async (path, by) => answer(await ask('GET', path, by)),
    post: async (path, by, body) => answer(await ask('POST', path, by, body)),
  };
}
