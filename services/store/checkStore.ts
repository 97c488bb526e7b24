import { NotariumError } from '../core/errors.ts';
import { newestBlock } from './blocks.ts';
import type { StoreContext } from './context.ts';
import { quickCheck } from './database.ts';
import { readCheckedEdge } from './logEdge.ts';

/** See `Store.check`. */
export async function checkStore(context: StoreContext): Promise<void> {
  if (context.engine === 'sqlite') await quickCheck(context.reader);
  const { reader } = context;
  const counters = await reader.selectFrom('counters').selectAll().executeTakeFirstOrThrow();
  const newest = await newestBlock(reader, ['committed']);
  // Fewer in blocks than in the log: blocks were orphaned, and the next one covers the rest.
  if ((newest?.tree_size ?? 0) > counters.log_size) {
    throw new NotariumError(
      'store-corrupt',
      `the log has ${counters.log_size} records, its blocks ${newest?.tree_size}`,
    );
  }
  await readCheckedEdge(context, counters.log_size);
}
