import type { BlockHeader } from '../core/block.ts';
import type { StoreContext } from './context.ts';
import type { Db } from './database.ts';
import { tileCorrupt } from './logFiles.ts';
import type { Progress } from './Store.ts';
import { walkLog } from './walkLog.ts';

/** See `Store.verifyLog`. */
export async function verifyLog(context: StoreContext, onProgress?: Progress): Promise<void> {
  await walkLog(
    context.files,
    await committedHeaders(context.reader),
    async ([path]) => {
      throw tileCorrupt(path, 'it is not the tile over its entries');
    },
    onProgress,
  );
}

async function committedHeaders(reader: Db): Promise<BlockHeader[]> {
  const rows = await reader
    .selectFrom('blocks')
    .select('header')
    .where('state', '=', 'committed')
    .orderBy('height')
    .execute();
  return rows.map((row) => JSON.parse(row.header) as BlockHeader);
}
