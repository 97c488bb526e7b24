import type { z } from 'zod';
import { type UploadDeclaration, uploadDeclarationSchema } from '../../core/channels/upload.ts';
import { NotariumError } from '../../core/errors.ts';

type Metadata = Record<string, string | null>;

const textKeys = {
  digest: 'digest',
  kind: 'kind',
  filename: 'name',
  filetype: 'mediaType',
  locator: 'locator',
} as const;

/**
 * What `Upload-Metadata` declares: `digest`, `kind`, `filename`, `filetype`, `locator`, `capturedat` and `capturesignature`.
 * @throws NotariumError `upload-invalid` naming the field.
 */
export function declarationOf(metadata: Metadata | undefined, sizeBytes: number | undefined): UploadDeclaration {
  const { capturedat, capturesignature, ...texts } = metadata ?? {};
  const declared: Record<string, unknown> = { sizeBytes };
  for (const [key, value] of Object.entries(texts)) {
    const name = (textKeys as Record<string, string>)[key];
    if (name === undefined) throw new NotariumError('upload-invalid', `unknown metadata ${key.slice(0, 64)}`);
    declared[name] = value ?? '';
  }
  if (capturedat !== undefined || capturesignature !== undefined) {
    declared.capture = { capturedAt: Number(capturedat ?? Number.NaN), signature: capturesignature ?? '' };
  }
  const parsed = uploadDeclarationSchema.safeParse(declared);
  if (parsed.success) return parsed.data;
  throw invalid(parsed.error);
}

/** The metadata that {@link declarationOf} has read. */
export function metadataOf({ capture, sizeBytes: _, ...declared }: UploadDeclaration): Metadata {
  const metadata: Metadata = {};
  for (const [key, name] of Object.entries(textKeys)) {
    const value = declared[name];
    if (value !== undefined) metadata[key] = value;
  }
  if (capture) {
    metadata.capturedat = String(capture.capturedAt);
    metadata.capturesignature = capture.signature;
  }
  return metadata;
}

function invalid(error: z.ZodError): NotariumError {
  const { path, message } = error.issues[0]!;
  const field = path.join('.');
  return new NotariumError('upload-invalid', `${field}: ${message}`, { data: { field } });
}
