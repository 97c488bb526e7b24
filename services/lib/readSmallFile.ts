import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { type ErrorCode, NotariumError } from '../core/errors.ts';

/** What a small file may be. */
export type SmallFileOptions = {
  /** Most that it may hold. */
  readonly maxBytes: number;
  /** Error code for a file that holds more; `file-unreadable` by default. */
  readonly tooLarge?: ErrorCode;
  /** Takes a pipe too, and waits for whoever writes it: for secrets that are to touch no disk. */
  readonly pipes?: boolean;
};

const chunkBytes = 1 << 16;

/**
 * The bytes of a file that somebody named and that ought to be small. A device or a file of any size costs no more memory
 * than `maxBytes`, and no pipe holds the reader up unless it may.
 * @throws NotariumError `file-unreadable` (also for folders, devices and pipes), the code for what is too large; data
 *   `{ path, cause }`, and the system's error as cause.
 */
export async function readSmallFile(path: string, options: SmallFileOptions): Promise<Buffer> {
  try {
    // Without O_NONBLOCK the opening of a pipe waits for a writer.
    const file = await open(path, constants.O_RDONLY | (options.pipes ? 0 : (constants.O_NONBLOCK ?? 0)));
    try {
      return await readOpenFile(file, path, options);
    } finally {
      await file.close();
    }
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (cause instanceof NotariumError || typeof code !== 'string') throw cause;
    throw new NotariumError('file-unreadable', `${path} (${code})`, { data: { path, cause: code }, cause });
  }
}

/** Whether there is no file of that name: the reason of some error of {@link readSmallFile}. */
export function isMissingFile(error: unknown): boolean {
  return error instanceof NotariumError && error.code === 'file-unreadable' && error.data.cause === 'ENOENT';
}

async function readOpenFile(file: FileHandle, path: string, options: SmallFileOptions): Promise<Buffer> {
  const { maxBytes, tooLarge = 'file-unreadable', pipes = false } = options;
  const info = await file.stat();
  if (!info.isFile() && !(pipes && info.isFIFO())) {
    throw new NotariumError('file-unreadable', `${path} is not a file`, { data: { path, cause: 'not-a-file' } });
  }
  const chunks: Buffer[] = [];
  let sizeBytes = info.size;
  for (let readBytes = 0; ; ) {
    if (sizeBytes > maxBytes) {
      throw new NotariumError(tooLarge, `${path} is larger than ${maxBytes} bytes`, {
        data: { path, cause: 'too-large' },
      });
    }
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(chunkBytes), 0, chunkBytes, null);
    if (bytesRead === 0) return Buffer.concat(chunks);
    chunks.push(buffer.subarray(0, bytesRead));
    readBytes += bytesRead;
    // It may grow, and pipes and some file systems tell no size.
    sizeBytes = Math.max(sizeBytes, readBytes);
  }
}
