import { z } from 'zod';
import { uploadDeclarationSchema } from '../../core/channels/upload.ts';
import { hashSchema, uintSchema } from '../../core/schemas.ts';

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
