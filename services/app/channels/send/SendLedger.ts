import { createReadStream } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import type { Hash } from '../../../core/bytes.ts';
import { NotariumError } from '../../../core/errors.ts';
import { hashSchema } from '../../../core/schemas.ts';

// Short names: there is a line for every file that was ever sent.
const lineSchema = z.union([
  /** A bill is to be asked for: digests of its members, in the order of the pack. */
  z.strictObject({ bill: hashSchema, members: z.array(hashSchema).min(1) }),
  /** Its upload has begun there. */
  z.strictObject({ bill: hashSchema, upload: z.string() }),
  /** A file has this content, and its receipt belongs there. */
  z.strictObject({ file: z.string(), digest: hashSchema, receipt: z.string() }),
  /** The receipt of that file was written, with the settlement or without. */
  z.strictObject({ written: z.string(), settled: z.boolean() }),
]);

type Line = z.infer<typeof lineSchema>;

/** A file that was sent, and where its receipt belongs. */
export type SentFile = { readonly path: string; readonly digest: Hash; readonly receiptPath: string };

/** What was written of its receipt. */
export type KnownFile = SentFile & { readonly written?: 'unsettled' | 'settled' };

/** Where a content is: in which bill, and at which place of it. */
export type MemberPlace = { readonly bill: Hash; readonly index: number; readonly count: number };

/**
 * What was sent in a channel, as lines of JSON on the disk: a new process goes on by it, and receipts are made from it. A batch is durable
 * before its bill is asked for: without the list of its members nobody could prove one of them.
 */
export class SendLedger {
  readonly #path: string;
  readonly #members = new Map<Hash, readonly Hash[]>();
  readonly #places = new Map<Hash, MemberPlace>();
  readonly #uploads = new Map<Hash, string>();
  readonly #files = new Map<string, KnownFile>();
  #writing: Promise<void> = Promise.resolve();

  private constructor(path: string) {
    this.#path = path;
  }

  /** Reads a ledger; there need not be one yet. @throws NotariumError `file-unreadable`, `file-unwritable`. */
  static async open(path: string): Promise<SendLedger> {
    const ledger = new SendLedger(path);
    try {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      for await (const text of createInterface({
        input: createReadStream(path),
        crlfDelay: Number.POSITIVE_INFINITY,
      })) {
        const line = parse(text);
        if (line) ledger.#take(line);
      }
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      if (code !== 'ENOENT') throw new NotariumError('file-unreadable', path, { data: { path }, cause });
    }
    return ledger;
  }

  /** Files of which something was sent. */
  get files(): Iterable<KnownFile> {
    return this.#files.values();
  }

  /** Where a content was planned to go; undefined for a new one. */
  placeOf(digest: Hash): MemberPlace | undefined {
    return this.#places.get(digest);
  }

  /** Digests of the members of a bill, in their order. */
  membersOf(bill: Hash): readonly Hash[] | undefined {
    return this.#members.get(bill);
  }

  uploadOf(bill: Hash): string | undefined {
    return this.#uploads.get(bill);
  }

  /** Durable when it resolves. */
  async plan(
    items: readonly { readonly digest: Hash; readonly members: readonly { readonly digest: Hash }[] }[],
  ): Promise<void> {
    await this.#append(
      items.map(({ digest, members }) => ({ bill: digest, members: members.map((one) => one.digest) })),
    );
  }

  async uploading(bill: Hash, upload: string): Promise<void> {
    await this.#append([{ bill, upload }]);
  }

  async sending(files: readonly SentFile[]): Promise<void> {
    const news = files.filter((file) => {
      const known = this.#files.get(file.path);
      return known?.digest !== file.digest || known.receiptPath !== file.receiptPath;
    });
    await this.#append(news.map(({ path, digest, receiptPath }) => ({ file: path, digest, receipt: receiptPath })));
  }

  /** Receipts of these files were written. */
  async receiptsWritten(files: readonly SentFile[], settled: boolean): Promise<void> {
    await this.#append(files.map(({ path }) => ({ written: path, settled })));
  }

  #take(line: Line): void {
    if ('written' in line) {
      const file = this.#files.get(line.written);
      if (file) this.#files.set(line.written, { ...file, written: line.settled ? 'settled' : 'unsettled' });
    } else if ('file' in line) {
      this.#files.set(line.file, { path: line.file, digest: line.digest, receiptPath: line.receipt });
    } else if ('upload' in line) {
      this.#uploads.set(line.bill, line.upload);
    } else {
      const { bill, members } = line;
      this.#members.set(bill, members);
      for (const [index, digest] of members.entries()) this.#places.set(digest, { bill, index, count: members.length });
    }
  }

  #append(lines: readonly Line[]): Promise<void> {
    if (lines.length === 0) return Promise.resolve();
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
    // One after the other, also after one that failed.
    const written = this.#writing.catch(() => {}).then(() => append(this.#path, text));
    this.#writing = written;
    return written.then(() => {
      for (const line of lines) this.#take(line);
    });
  }
}

/** A line; undefined for the last one of a run that was killed while it wrote. */
function parse(text: string): Line | undefined {
  try {
    return lineSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

async function append(path: string, text: string): Promise<void> {
  try {
    const file = await open(path, 'a+', 0o600);
    try {
      // A run that was killed may have left half a line.
      const { size } = await file.stat();
      const last = size === 0 ? 10 : (await file.read(Buffer.alloc(1), 0, 1, size - 1)).buffer[0];
      await file.appendFile(last === 10 ? text : `\n${text}`);
      await file.datasync();
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw new NotariumError('file-unwritable', path, { data: { path }, cause });
  }
}
