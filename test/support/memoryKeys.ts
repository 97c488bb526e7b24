import { randomBytes, randomUUID } from 'node:crypto';
import type { ApiKeyView, Centre } from '../../services/app/Centre.ts';

/** API keys in memory. */
export function memoryKeys(): Centre['keys'] {
  const keys: { view: ApiKeyView; secret: string }[] = [];
  return {
    async create(name, scopes) {
      const secret = `ntm_${randomBytes(32).toString('base64url')}`;
      const view: ApiKeyView = { id: randomUUID(), name, scopes, createdAt: new Date().toISOString() };
      keys.push({ view, secret });
      return { key: view, secret };
    },
    async list() {
      return keys.map(({ view }) => view);
    },
    async revoke(id) {
      const key = keys.find(({ view }) => view.id === id && view.revokedAt === undefined);
      if (key) key.view = { ...key.view, revokedAt: new Date().toISOString() };
      return key !== undefined;
    },
    async find(secret) {
      return keys.find((key) => key.secret === secret && key.view.revokedAt === undefined)?.view;
    },
  };
}
