import { zeroHash } from '../core/block.ts';
import { fromHex, type Hash, hexDigits, toHex } from '../core/bytes.ts';
import type { Network } from '../core/eip712.ts';
import { NotariumError } from '../core/errors.ts';
import { checkpointOrigin, signCheckpoint } from '../core/log/checkpoint.ts';
import { noteSigner } from '../core/log/note.ts';
import { consistencyProof, rootFromNodes } from '../core/log/proof.ts';
import { parseTilePath, widthOf } from '../core/log/tile.ts';
import { digestBytes } from '../core/record.ts';
import { digestSchema } from '../core/recordSchema.ts';
import type { Store } from '../store/Store.ts';
import type { Centre, RecordView } from './Centre.ts';
import { blockView, entryView } from './views.ts';

/** What a centre answers about its log and its blocks. */
export type LogReading = Pick<Centre, 'search' | 'blocks' | 'block' | 'consistency' | 'checkpoint' | 'tile'>;

/** Reads the committed log. `noteSeed` is the Ed25519 seed that signs checkpoints. */
export function readLog(store: Store, network: Network, noteSeed: Uint8Array): LogReading {
  const origin = checkpointOrigin(network);
  const note = noteSigner(origin, noteSeed);
  // By block: after a roll-back another log may have the same size.
  let newest: { readonly hash: Hash; readonly text: string } | undefined;
  return {
    async search({ digest, subject, submitter, after, limit }) {
      if (digest !== undefined && !digestSchema.safeParse(digest).success)
        throw new NotariumError('record-digest-invalid');
      await store.refresh();
      const page = await store.search({
        limit,
        ...(digest === undefined ? {} : { digest: digestBytes(digest) }),
        ...(subject === undefined ? {} : { subject }),
        ...(submitter === undefined ? {} : { submitter: fromHex(submitter) }),
        ...(after === undefined ? {} : { after }),
      });
      const items: RecordView[] = [];
      for (const { leafIndex, entry } of page.hits) items.push(await entryView(store, leafIndex, entry));
      return { items, ...(page.next === undefined ? {} : { next: page.next }) };
    },

    async blocks({ before, limit }) {
      const blocks = await store.blocks({ limit, ...(before === undefined ? {} : { before }) });
      const last = blocks.at(-1)?.header.height;
      return {
        items: blocks.map(blockView),
        ...(blocks.length === limit && last !== undefined && last > 1 ? { next: String(last) } : {}),
      };
    },

    async block(height) {
      const block = await store.block(height);
      return block && blockView(block);
    },

    async consistency(from, to) {
      await store.refresh();
      const size = store.logSize();
      if (from < 0 || from > to || to > size) {
        throw new NotariumError('proof-malformed', `sizes ${from} and ${to}`, { data: { from, to, size } });
      }
      const read = store.nodeReader(size);
      const [fromRoot, toRoot, path] = await Promise.all([
        rootFromNodes(from, read),
        rootFromNodes(to, read),
        consistencyProof(from, to, read),
      ]);
      return { from, to, fromRoot: toHex(fromRoot), toRoot: toHex(toRoot), path: path.map(hexDigits) };
    },

    async checkpoint() {
      await store.refresh();
      const { header, hash = zeroHash } = (await store.committedBlock()) ?? {};
      if (newest?.hash !== hash) {
        const size = header?.treeSize ?? 0;
        const root = await rootFromNodes(size, store.nodeReader(size));
        newest = { hash, text: signCheckpoint({ origin, size, root }, note) };
      }
      return newest.text;
    },

    async tile(path) {
      const tile = parseTilePath(path.startsWith('tile/') ? path : `tile/${path}`);
      if (!tile) return undefined;
      const { level, index, width } = tile;
      await store.refresh();
      if (width > widthOf(level, index, store.logSize())) return undefined;
      return await store.readTile(level, index, width);
    },
  };
}
