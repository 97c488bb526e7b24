import { z } from 'zod';
import { type ProposalKind, proposalKinds } from '../../services/core/governance/names.ts';
import { type Rule, ruleSchema } from '../../services/core/governance/proposalContent.ts';
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

export type DeployParameters = {
  committee: GenesisNode[];
  periodSeconds: number;
  graceSeconds: number;
  /** How each kind of proposal is voted on at first; {@link defaultRules} for kinds that are left out. */
  rules?: Partial<Record<ProposalKind, Rule>>;
};

const half = { quorumShare: 5_000, delaySeconds: 0, periodSeconds: 3 * 24 * 60 * 60 };

/**
 * Two thirds where a vote changes who decides or how, a majority for the rest; docs/operations.md says why. Ignition compares
 * them with those of an earlier run: a deployment that was interrupted goes on with the same only.
 */
export const defaultRules: Readonly<Record<ProposalKind, Rule>> = {
  admission: { aggregation: 'two-thirds', ...half },
  suspension: { aggregation: 'two-thirds', ...half },
  removal: { aggregation: 'two-thirds', ...half },
  authenticator: { aggregation: 'two-thirds', ...half },
  parameter: { aggregation: 'two-thirds', ...half },
  resource: { aggregation: 'majority', ...half },
  general: { aggregation: 'majority', ...half },
};

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
  rules: z.partialRecord(z.enum(proposalKinds), ruleSchema).exactOptional(),
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
