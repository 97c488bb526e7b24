import { z } from 'zod';
import { utf8 } from '../bytes.ts';
import { hashSchema, uintSchema } from '../schemas.ts';
import { captureSchema } from './capture.ts';
import { maxLocatorBytes } from './statement.ts';

/** What lies in the evidence store under a digest: one content, a pack of contents, or a list of digests. */
export const evidenceKinds = ['content', 'pack', 'digests'] as const;

/** See {@link evidenceKinds}. */
export type EvidenceKind = (typeof evidenceKinds)[number];

/** What a bill is for; a verifier that has lost its own records may not know. */
export type BillKind = EvidenceKind | 'unknown';

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
