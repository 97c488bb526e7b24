import { z } from 'zod';
import { DeployError } from './DeployError.ts';

/** A member of the genesis committee; the order is the order of the turns. */
export type GenesisNode = {
  address: string;
  name: string;
  endpoint: string;
  /** X25519 public key, 32 bytes, 0x and hex. */
  encryptionKey: string;
  /** Ed25519 public key, 32 bytes, 0x and hex. */
  noteKey: string;
};

export type DeployParameters = { committee: GenesisNode[]; periodSeconds: number; graceSeconds: number };

const keySchema = z.string().regex(/^0x[0-9a-fA-F]{64}$/, 'not 0x and 64 hexadecimal digits');
const parametersSchema = z.strictObject({
  committee: z
    .array(
      z.strictObject({
        address: z.string().regex(/^0x[0-9a-fA-F]{40}$/, 'not 0x and 40 hexadecimal digits'),
        name: z.string().min(1),
        endpoint: z.string(),
        encryptionKey: keySchema,
        noteKey: keySchema,
      }),
    )
    .min(1),
  periodSeconds: z.int().min(1),
  graceSeconds: z.int().min(0),
});

/**
 * Parameters as they stand in a file.
 * @throws DeployError naming file and field.
 */
export function deployParameters(value: unknown, file: string): DeployParameters {
  const { data, error } = parametersSchema.safeParse(value);
  if (data) return data;
  const { path, message } = error.issues[0]!;
  throw new DeployError(`${file}: ${path.join('.') || 'the whole'}: ${message}`);
}
