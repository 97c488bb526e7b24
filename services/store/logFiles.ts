import { NotariumError } from '../core/errors.ts';
import type { TileFile } from '../core/log/growTiles.ts';
import { pathOf, type Tile, tileWidth } from '../core/log/tile.ts';
import { type DurableDisk, isMissing } from './disk.ts';
import type { PartReader } from './partReader.ts';

/** Files of the log by their tlog-tiles path. */
export type LogFiles = {
  readonly name: string;
  /** undefined when there is no such file. */
  read(path: string): Promise<Uint8Array | undefined>;
  /**
   * A tile, or where it is missing one that begins with it: a wider partial one, or the full one. Partial tiles come with
   * the sizes that the log happened to have here; a mirror or another centre may have had others.
   */
  readTile(tile: Tile): Promise<Uint8Array | undefined>;
  /** Reads parts of full files, where the disk can. */
  readonly parts?: PartReader;
  /** Writes files, a few at a time; all of them are durable when it resolves. Answers how many. */
  write(files: Iterable<TileFile> | AsyncIterable<TileFile>): Promise<number>;
  /** Removes the partial versions of a tile whose full file has the path. */
  removePartials(path: string): Promise<void>;
  /** Removes what there is of these tiles beyond their widths, which may be 0; durable when it resolves. */
  removeWider(tiles: Iterable<Tile>): Promise<void>;
};

const writesAtOnce = 8;

/** The log on a disk. */
export function logFiles({ disk, name, sync, parts }: DurableDisk): LogFiles {
  const read: LogFiles['read'] = async (path) => {
    try {
      return new Uint8Array(await disk.getBytes(path));
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  };
  const partialWidths = async (path: string): Promise<number[]> => {
    try {
      const { objects } = await disk.listAll(`${path}.p/`);
      return [...objects].map((file) => Number(file.name)).sort((a, b) => a - b);
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  };
  return {
    name,
    ...(parts ? { parts } : {}),
    read,
    async readTile(tile) {
      const full = pathOf({ ...tile, width: tileWidth });
      const exact = await read(pathOf(tile));
      if (exact || tile.width === tileWidth) return exact;
      const wider = (await partialWidths(full)).find((width) => width > tile.width);
      return (wider === undefined ? undefined : await read(pathOf({ ...tile, width: wider }))) ?? (await read(full));
    },
    async write(files) {
      const running = new Set<Promise<void>>();
      const failures: unknown[] = [];
      let count = 0;
      try {
        for await (const [path, bytes] of files) {
          if (failures.length > 0) break;
          count++;
          const writing: Promise<void> = disk
            .put(path, bytes)
            .catch((error) => void failures.push(error))
            .finally(() => running.delete(writing));
          running.add(writing);
          if (running.size >= writesAtOnce) await Promise.race(running);
        }
      } finally {
        // Also where no more files come: the next try may have another content for the same ones.
        await Promise.all(running);
      }
      if (failures.length > 0) throw failures[0];
      await sync();
      return count;
    },
    async removePartials(path) {
      await disk.deleteAll(`${path}.p/`);
    },
    async removeWider(tiles) {
      for (const { width, ...tile } of tiles) {
        const full = pathOf({ ...tile, width: tileWidth });
        const partials = (await partialWidths(full)).filter((partial) => partial > width);
        for (const partial of partials) await disk.delete(pathOf({ ...tile, width: partial }));
        if (width < tileWidth && (await disk.exists(full))) await disk.delete(full);
      }
      await sync();
    },
  };
}

/** A file of the log that must be there. */
export async function readLogFile(files: LogFiles, path: string): Promise<Uint8Array> {
  const bytes = await files.read(path);
  if (!bytes) throw tileCorrupt(path, 'it is missing');
  return bytes;
}

/** `tile-corrupt` naming the file. */
export function tileCorrupt(path: string, detail: string): NotariumError {
  return new NotariumError('tile-corrupt', `${path}: ${detail}`, { data: { path } });
}
