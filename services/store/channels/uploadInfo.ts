import { z } from 'zod';
import { utf8 } from '../../core/bytes.ts';
import { captureSchema } from '../../core/channels/capture.ts';
import { maxLocatorBytes } from '../../core/channels/statement.ts';
import { hashSchema, uintSchema } from '../../core/schemas.ts';
import { evidenceKinds } from './vaultNames.ts';

/** What a requester declares of an upload when it begins. */
export const uploadDeclarationSchema = z.strictObject({
  kind: z.enum(evidenceKinds).default('content'),
  /** As the bill will have it: SHA-256 of the content, or the root over the digests. */
  digest: hashSchema,
  sizeBytes: uintSchema,
  /** For people, and for whoever judges. */
  name: z.string().max(1024).optional(),
  mediaType: z.string().max(255).optional(),
  /** Where the evidence of a list of digests is. */
  locator: z
    .string()
    .refine((text) => utf8(text).length <= maxLocatorBytes, `more than ${maxLocatorBytes} bytes`)
    .optional(),
  capture: captureSchema.optional(),
});

/** See {@link uploadDeclarationSchema}. */
export type UploadDeclaration = z.output<typeof uploadDeclarationSchema>;

/** All that is known of an upload, as it stands beside its bytes. */
export const uploadInfoSchema = z.strictObject({
  id: z.string().regex(/^[0-9a-f]{32}$/),
  channelId: hashSchema,
  declared: uploadDeclarationSchema,
  /** Set when it is stored encrypted. */
  keyId: z.string().optional(),
  createdAtMs: uintSchema,
  /** What it turned out to be; the digest is the declared one. */
  arrived: z
    .strictObject({
      count: uintSchema,
      smallestBytes: uintSchema.optional(),
      largestBytes: uintSchema.optional(),
      mediaTypes: z.array(z.string()),
    })
    .optional(),
  /** It is in the vault. */
  taken: z.literal(true).optional(),
});

/** See {@link uploadInfoSchema}. */
export type UploadInfo = z.output<typeof uploadInfoSchema>;
