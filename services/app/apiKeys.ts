import { createHash, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../lib/clock.ts';
import type { ApiKeyRow, Store } from '../store/Store.ts';
import type { ApiKeyScope, ApiKeyView, Centre } from './Centre.ts';

const scopes: readonly string[] = ['submit', 'read', 'admin'] satisfies ApiKeyScope[];

/**
 * API keys. A secret is `ntm_` and 32 random bytes; the database holds its SHA-256 only (a random secret needs no slow
 * hash), and it is shown once.
 */
export function apiKeys(store: Store, clock: Clock): Centre['keys'] {
  return {
    async create(name, keyScopes) {
      const secret = `ntm_${randomBytes(32).toString('base64url')}`;
      const row: ApiKeyRow = {
        id: randomUUID(),
        hash: hashOf(secret),
        name,
        scopes: keyScopes,
        createdAt: new Date(clock.nowMs()).toISOString(),
      };
      await store.createKey(row);
      return { key: view(row), secret };
    },
    async list() {
      return (await store.listKeys()).map(view);
    },
    async revoke(id) {
      return await store.revokeKey(id, new Date(clock.nowMs()).toISOString());
    },
    async find(secret) {
      const hash = hashOf(secret);
      const row = await store.findKeyByHash(hash);
      // The look-up is by hash, which tells nothing of the secret; the comparison makes sure of the whole of it.
      if (!row || row.revokedAt !== undefined || !timingSafeEqual(row.hash, hash)) return undefined;
      return view(row);
    },
  };
}

function hashOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

function view({ id, name, scopes: rowScopes, createdAt, revokedAt }: ApiKeyRow): ApiKeyView {
  const known = rowScopes.filter((scope): scope is ApiKeyScope => scopes.includes(scope));
  return { id, name, scopes: known, createdAt, ...(revokedAt === undefined ? {} : { revokedAt }) };
}
