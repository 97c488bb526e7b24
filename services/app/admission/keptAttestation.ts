import { join } from 'node:path';
import { z } from 'zod';
import { entrySchema } from '../../core/admission/joinRequest.ts';
import type { CheckedManifest } from '../../core/admission/manifest.ts';
import { reportSchema } from '../../core/admission/report.ts';
import { applicationSchema } from '../../core/admission/sessionAnswer.ts';
import { fromUtf8 } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';
import { addressSchema, hexSchema } from '../../core/schemas.ts';
import { isMissingFile, readSmallFile } from '../../lib/readSmallFile.ts';
import { writeFileWhole } from '../../lib/writeFileWhole.ts';

const fileName = 'attestation.json';
const maxBytes = 1 << 20;

const keptSchema = z.strictObject({
  format: z.literal('notarium-attestation/1'),
  candidate: addressSchema,
  entry: entrySchema,
  report: reportSchema,
  application: applicationSchema,
  attestations: z.array(z.strictObject({ authenticator: addressSchema, signature: hexSchema(64) })).min(1),
});

/** What a candidate applies with, as it is kept in its data folder until it is a centre. */
export type KeptAttestation = z.infer<typeof keptSchema>;

/**
 * What was kept in a data folder; undefined where nothing is.
 * @throws NotariumError `file-unreadable` when it is there and is not what was written.
 */
export async function readAttestation(dataDir: string): Promise<KeptAttestation | undefined> {
  const path = join(dataDir, fileName);
  try {
    return keptSchema.parse(JSON.parse((await readSmallFile(path, { maxBytes })).toString()));
  } catch (cause) {
    if (isMissingFile(cause)) return undefined;
    if (cause instanceof NotariumError) throw cause;
    throw new NotariumError('file-unreadable', `${path} is not what was written`, { cause, data: { path } });
  }
}

/** Keeps it, readable by this user only: whoever has it can publish it, and nothing else. */
export async function writeAttestation(dataDir: string, kept: KeptAttestation): Promise<void> {
  await writeFileWhole(join(dataDir, fileName), `${JSON.stringify(kept, null, 2)}\n`, 0o600);
}

/** Keeps the manifest where `notarium join` looks for it when none is named. */
export async function writeManifest(dataDir: string, { bytes }: CheckedManifest): Promise<void> {
  await writeFileWhole(join(dataDir, 'manifest.json'), fromUtf8(bytes));
}
