import { z } from 'zod';
import { uintSchema } from '../schemas.ts';
import { textAtMost } from './text.ts';

const word = textAtMost(128);
const figure = z.number().min(0).max(1e12);

/** What a node says of its machine; nobody has checked it. Left out is what it does not know or say. */
export const reportedSchema = z.strictObject({
  software: word,
  node: word.optional(),
  system: word.optional(),
  architecture: word.optional(),
  processor: word.optional(),
  cores: uintSchema.max(65_536).optional(),
  memoryBytes: uintSchema.optional(),
  diskBytes: uintSchema.optional(),
  freeDiskBytes: uintSchema.optional(),
  graphics: z.array(word).max(16).optional(),
  /** What it measured itself, by the work of an authenticator's packets. */
  hashesPerSecond: figure.optional(),
  memoryPassesPerMinute: figure.optional(),
  writtenMiBPerSecond: figure.optional(),
  readMiBPerSecond: figure.optional(),
});

/** See {@link reportedSchema}. */
export type Reported = z.infer<typeof reportedSchema>;
