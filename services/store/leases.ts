import type { StoreContext } from './context.ts';
import { lockCounters } from './database.ts';
import type { Store } from './Store.ts';

/** The part of `Store` about leases: one holder at a time, by the clock; the token tells a stale one apart. */
export function leases(context: StoreContext): Pick<Store, 'acquireLease' | 'renewLease' | 'releaseLease'> {
  const { db, reader, engine, clock } = context;
  return {
    async acquireLease(name, owner, periodMs) {
      // Who waits for a lease asks often, and must not stand in line behind a long commit of its holder each time.
      const seen = await reader.selectFrom('leases').selectAll().where('name', '=', name).executeTakeFirst();
      if (seen && seen.owner !== owner && seen.expires_ms > clock.nowMs()) return undefined;
      return db.transaction().execute(async (trx) => {
        const { lease_token } = await lockCounters(engine, trx);
        const held = await trx.selectFrom('leases').selectAll().where('name', '=', name).executeTakeFirst();
        const nowMs = clock.nowMs();
        if (held && held.owner !== owner && held.expires_ms > nowMs) return undefined;
        const lease = { name, owner, token: lease_token + 1, expires_ms: nowMs + periodMs };
        await trx
          .insertInto('leases')
          .values(lease)
          .onConflict((on) => on.column('name').doUpdateSet(lease))
          .execute();
        await trx.updateTable('counters').set({ lease_token: lease.token }).execute();
        return { name, owner, token: lease.token, expiresMs: lease.expires_ms };
      });
    },
    async renewLease(lease, periodMs) {
      const expiresMs = clock.nowMs() + periodMs;
      const { numUpdatedRows } = await db
        .updateTable('leases')
        .set({ expires_ms: expiresMs })
        .where('name', '=', lease.name)
        .where('token', '=', lease.token)
        .executeTakeFirst();
      return numUpdatedRows > 0n ? { ...lease, expiresMs } : undefined;
    },
    async releaseLease({ name, token }) {
      await db.deleteFrom('leases').where('name', '=', name).where('token', '=', token).execute();
    },
  };
}
