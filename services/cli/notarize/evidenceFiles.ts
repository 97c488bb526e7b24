import { rm } from 'node:fs/promises';
import { z } from 'zod';
import { type Acceptance, acceptanceSchema } from '../../core/acceptance.ts';
import type { RecordId } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';
import { maxReceiptChars, parseReceipt, type Receipt } from '../../core/receipt.ts';
import { digestSchema, type NotariumRecord, recordSchema } from '../../core/recordSchema.ts';
import { hashSchema } from '../../core/schemas.ts';
import { maxAcceptanceBytes } from '../../lib/client/verifyAcceptance.ts';
import { isMissingFile, readSmallFile } from '../../lib/readSmallFile.ts';
import { writeFileWhole } from '../../lib/writeFileWhole.ts';

/** `<name>.acceptance.json`: what is known of a record between intake and anchor. */
const acceptanceFileSchema = z.strictObject({
  format: z.literal('notarium-acceptance/1'),
  id: hashSchema,
  digest: digestSchema,
  /** Absent when the centre signed the record, or when it was in the log already. */
  record: recordSchema.optional(),
  acceptance: acceptanceSchema.optional(),
});

/** See {@link acceptanceFileSchema}. */
export type AcceptanceFile = z.infer<typeof acceptanceFileSchema>;

/** Puts an acceptance file together. */
export function acceptanceFile(parts: {
  id: RecordId;
  digest: string;
  record?: NotariumRecord | undefined;
  acceptance?: Acceptance | undefined;
}): AcceptanceFile {
  const { id, digest, record, acceptance } = parts;
  return {
    format: 'notarium-acceptance/1',
    id,
    digest: digest as AcceptanceFile['digest'],
    ...(record ? { record } : {}),
    ...(acceptance ? { acceptance } : {}),
  };
}

/** Writes a JSON file, whole or not at all. @throws NotariumError `file-unwritable`. */
export async function writeJson(path: string, value: unknown): Promise<void> {
  await writeFileWhole(path, `${JSON.stringify(value, null, 2)}\n`);
}

/** Deletes an acceptance file that the receipt of the same record has replaced; one of another record stays. */
export async function dropAcceptance(path: string, id: RecordId): Promise<void> {
  try {
    const text = await readIfThere(path, maxAcceptanceBytes);
    if (text !== undefined && parseAcceptance(text)?.id === id) await rm(path, { force: true });
  } catch {
    // The receipt is there, and that is what counts.
  }
}

/** The receipt in a file; undefined when there is none or it is none. */
export async function findReceipt(path: string): Promise<Receipt | undefined> {
  const text = await readIfThere(path, maxReceiptChars);
  if (text === undefined) return undefined;
  try {
    return parseReceipt(text);
  } catch (error) {
    if (error instanceof NotariumError) return undefined;
    throw error;
  }
}

/** The acceptance file of a content, if it is there and for this digest. */
export async function findAcceptance(path: string, digest: string): Promise<AcceptanceFile | undefined> {
  const text = await readIfThere(path, maxAcceptanceBytes);
  const found = text === undefined ? undefined : parseAcceptance(text);
  return found?.digest === digest ? found : undefined;
}

/** undefined for what is no acceptance file. */
function parseAcceptance(text: Buffer): AcceptanceFile | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text.toString());
  } catch {
    return undefined;
  }
  return acceptanceFileSchema.safeParse(value).data;
}

/** Text of a file, or undefined where there is none. */
async function readIfThere(path: string, maxBytes: number): Promise<Buffer | undefined> {
  try {
    return await readSmallFile(path, { maxBytes });
  } catch (error) {
    if (isMissingFile(error)) return undefined;
    throw error;
  }
}
