import { z } from 'zod';
import { applicationStates } from '../../core/governance/applicationState.ts';
import { addressSchema, hashSchema, uintSchema } from '../../core/schemas.ts';

/** A node's full report on a version of a resource set: a content, whose SHA-256 is the digest of its record in the log. */
export const reportDocument = z.strictObject({
  format: z.literal('notarium-resource-report/1'),
  network: z.string(),
  /** Name of the set; left out where no content tells it. */
  resourceSet: z.string().optional(),
  /** Keccak-256 of the name, as on chain. */
  id: hashSchema,
  version: uintSchema,
  proposalId: hashSchema,
  /** What was passed. */
  configurationHash: hashSchema,
  /** SHA-256 of the canonical configuration that is there; zero where there is none. */
  actualHash: hashSchema,
  matches: z.boolean(),
  state: z.enum(applicationStates),
  /** JSON Pointers of the fields that differ, as many as there is room for. */
  differences: z.array(z.string()).max(100),
  /** Code of the error where what is there is no configuration. */
  problem: z.string().optional(),
  sequence: uintSchema,
  reporter: addressSchema,
  time: z.string(),
});
