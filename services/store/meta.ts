import { NotariumError } from '../core/errors.ts';
import type { Db } from './database.ts';

/** Name in `meta` while a rebuild is under way: indexes are then incomplete. */
export const rebuildingMeta = 'rebuilding';

/** Name in `meta` where the database has had every vote of this centre since it was made, or since slots were closed. */
export const allVotesMeta = 'all-votes';

/** Name in `meta` of how often the log has been taken back. */
export const rollBacksMeta = 'roll-backs';

/** See `Store.getMeta`. */
export async function getMeta(db: Db, name: string): Promise<string | undefined> {
  return (await db.selectFrom('meta').select('value').where('name', '=', name).executeTakeFirst())?.value;
}

/** See `Store.setMeta`. */
export async function setMeta(db: Db, name: string, value: string): Promise<void> {
  const row = { name, value };
  await db
    .insertInto('meta')
    .values(row)
    .onConflict((on) => on.column('name').doUpdateSet({ value }))
    .execute();
}

/**
 * Makes a new database the network's, or checks that it is; without a network, that it is one's.
 * @throws NotariumError `store-network-mismatch` with { name, have, want }; `config-invalid` where it is nobody's yet.
 */
export async function claimNetwork(db: Db, owner: { network?: string; instance?: string }): Promise<void> {
  for (const name of ['network', 'instance'] as const) {
    const want = owner[name];
    if (want === undefined) {
      if ((await getMeta(db, name)) !== undefined) continue;
      throw new NotariumError('config-invalid', 'the database is of no network yet: start the centre first');
    }
    await db
      .insertInto('meta')
      .values({ name, value: want })
      .onConflict((on) => on.doNothing())
      .execute();
    const have = await getMeta(db, name);
    if (have === want) continue;
    const detail =
      name === 'network'
        ? `the folder is of ${have}, the chain of ${want}`
        : `block 0 of the folder's chain is ${have}, of this one ${want}: it is another chain, or has forgotten its state and with it every anchor`;
    throw new NotariumError('store-network-mismatch', detail, {
      data: { name, have, want },
    });
  }
}
