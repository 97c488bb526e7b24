import { z } from 'zod';
import { type Hash, toHex, utf8 } from '../bytes.ts';
import { canonicalText } from '../canonicalJson.ts';
import { type Crypto, portableCrypto } from '../crypto.ts';
import { NotariumError } from '../errors.ts';
import { networkNameSchema } from '../networkNameSchema.ts';
import { timeSchema } from '../recordSchema.ts';
import { addressSchema, hashSchema, uintSchema } from '../schemas.ts';
import { parseStrictJson } from '../strictJson.ts';
import { patchSchema } from './jsonPatch.ts';
import { aggregations, type ProposalKind, proposalKinds } from './names.ts';

/** Largest canonical content of a proposal. */
export const maxContentBytes = 256 * 1024;
/** Deepest nesting in a content, that of a patch's values included. */
export const maxContentDepth = 32;
/** Calls that one proposal may make, as the contract bounds them. */
const maxCalls = 8;

const textOf = (least: number, most: number) =>
  z
    .string()
    .min(least)
    .max(most)
    .refine((text) => text.isWellFormed(), 'holds half of a surrogate pair');
/** Title of a proposal. */
export const titleSchema = textOf(1, 200);
/** What the proposer says for it. */
export const textSchema = textOf(0, 20_000);
const bytesAtMost = (most: number) =>
  textOf(0, most).refine((text) => utf8(text).length <= most, `more than ${most} bytes of UTF-8`);

/** Public information of a node, as the registry takes it. */
export const nodeEntrySchema = z.strictObject({
  account: addressSchema,
  name: bytesAtMost(64),
  endpoint: bytesAtMost(256),
  /** X25519 public key. */
  encryptionKey: hashSchema,
  /** Ed25519 public key. */
  noteKey: hashSchema,
});

/** See {@link nodeEntrySchema}. */
export type NodeEntry = z.infer<typeof nodeEntrySchema>;

/** Figures that fit the contract's uint32. */
const figure = uintSchema.max(2 ** 32 - 1);

/** What candidates must fulfil, as `NodeRegistry` keeps it. */
export const admissionRulesSchema = z.strictObject({
  /** Hash of the protocol manifest. */
  manifestHash: hashSchema,
  /** How many authenticators must attest; with 0 nobody can apply, and nodes are entered by vote alone. */
  attestations: uintSchema.max(255),
  /** From one application of a candidate to the next. */
  reapplySeconds: uintSchema.min(1).max(2 ** 24 - 1),
  minScore: figure,
  /** How long after its application a centre is to be authenticated again. */
  renewSeconds: figure,
  /** Sequential SHA-256, each of the one before, a second. */
  minHashesPerSecond: figure,
  /** Memory that scrypt takes at once, and how often a minute it must be done. */
  memoryMiB: figure,
  minMemoryPassesPerMinute: figure,
  /** Written and forced to disk, and read back. */
  minWrittenMiBPerSecond: figure,
  minReadMiBPerSecond: figure,
});

/** See {@link admissionRulesSchema}. */
export type AdmissionRules = z.infer<typeof admissionRulesSchema>;

/** Name of a resource set: letters, digits and `._-`, at most 128 of them. */
export const resourceSetSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, 'not 1 to 128 letters, digits and ._-, the first a letter or digit');

/** Seconds that fit the contract's uint24. */
const shortSeconds = uintSchema.max(2 ** 24 - 1);

/** How a kind is voted on. */
export const ruleSchema = z.strictObject({
  aggregation: z.enum(aggregations),
  /** Share of the electorate's votes that must take part, in 1/10,000. */
  quorumShare: uintSchema.max(10_000),
  /** From the proposal to the first second in which votes are taken. */
  delaySeconds: shortSeconds,
  /** From then to the last second in which votes are taken. */
  periodSeconds: shortSeconds.min(1),
});

/** See {@link ruleSchema}. */
export type Rule = z.infer<typeof ruleSchema>;

const listOf = <T extends z.ZodType>(item: T) => z.array(item).min(1).max(maxCalls);

/** What a proposal of each kind does once it has passed; each item is one call, in order. */
export const effectSchemas = {
  admission: z.strictObject({
    steps: listOf(
      z.discriminatedUnion('do', [
        /** Enters a new node, or a removed one again, as a candidate. */
        z.strictObject({ do: z.literal('enroll'), node: nodeEntrySchema }),
        /** Makes a candidate that applied a member of the committee, by just this application. */
        z.strictObject({ do: z.literal('admit'), account: addressSchema, application: addressSchema }),
        /** Makes a suspended node a member of the committee, or a candidate where the rules ask for no attestation. */
        z.strictObject({ do: z.literal('activate'), account: addressSchema }),
        /** Gives an active node another account, in its place of the committee; `node` is what it is from then on. */
        z.strictObject({ do: z.literal('rotate'), account: addressSchema, node: nodeEntrySchema }),
        /** Replaces the public information of a node, its keys among it. */
        z.strictObject({ do: z.literal('update'), node: nodeEntrySchema }),
      ]),
    ),
  }),
  suspension: z.strictObject({ accounts: listOf(addressSchema) }),
  removal: z
    .strictObject({
      /** Nodes that leave. */
      accounts: listOf(addressSchema).optional(),
      /** Whoever it is: it leaves, and cannot come back until that is taken back. */
      ban: listOf(addressSchema).optional(),
      unban: listOf(addressSchema).optional(),
    })
    .refine(({ accounts = [], ban = [], unban = [] }) => {
      const calls = accounts.length + ban.length + unban.length;
      return calls > 0 && calls <= maxCalls;
    }, `not 1 to ${maxCalls} accounts`),
  authenticator: z.strictObject({
    changes: listOf(z.strictObject({ account: addressSchema, isAllowed: z.boolean() })),
  }),
  parameter: z
    .strictObject({
      rules: z
        .array(z.strictObject({ kind: z.enum(proposalKinds), rule: ruleSchema }))
        .max(proposalKinds.length)
        .optional(),
      /** Replaces all weights; whoever is not named has 1 vote. In ascending order of the accounts. */
      weights: z
        .array(z.strictObject({ account: addressSchema, votes: uintSchema.min(1).max(65_535) }))
        .max(256)
        .refine(
          (weights) => weights.every(({ account }, at) => at === 0 || weights[at - 1]!.account < account),
          'accounts are not in ascending order, each once',
        )
        .optional(),
      /** Replaces the rules for candidates. */
      admission: admissionRulesSchema.optional(),
    })
    .refine(
      ({ rules = [], weights, admission }) => rules.length > 0 || weights !== undefined || admission !== undefined,
      'changes nothing',
    ),
  resource: z.strictObject({
    resourceSet: resourceSetSchema,
    /** The version that the patch is made for; 0 for the first, whose patch starts from `{}`. */
    base: uintSchema,
    /** RFC 6902. */
    patch: patchSchema,
    /** SHA-256 of the canonical configuration that the patch results in. */
    configurationHash: hashSchema,
    /** Where the configuration can be fetched; relative ones at any centre's endpoint. */
    uri: bytesAtMost(512),
  }),
  general: z.strictObject({}),
} as const satisfies Record<ProposalKind, z.ZodType>;

const contentOf = <K extends ProposalKind>(kind: K) =>
  z.strictObject({
    format: z.literal('notarium-proposal/1'),
    /** The log's network, `eip155:<chain id>:<BlockAnchor>`. */
    network: networkNameSchema,
    kind: z.literal(kind),
    title: titleSchema,
    text: textSchema,
    time: timeSchema,
    /** Address of the centre that proposes. */
    proposer: addressSchema,
    effect: effectSchemas[kind],
  });

/** What is proposed; its canonical bytes (RFC 8785) are hashed with SHA-256, and the hash is signed and on chain. */
export const proposalContentSchema = z.discriminatedUnion('kind', [
  contentOf('admission'),
  contentOf('suspension'),
  contentOf('removal'),
  contentOf('authenticator'),
  contentOf('parameter'),
  contentOf('resource'),
  contentOf('general'),
]);

/** See {@link proposalContentSchema}. */
export type ProposalContent = z.infer<typeof proposalContentSchema>;

/** The content of one kind. */
export type ContentOf<K extends ProposalKind> = Extract<ProposalContent, { kind: K }>;

/** A content with what follows from it. */
export type CheckedContent = {
  readonly content: ProposalContent;
  /** Canonical bytes: what the evidence store holds. */
  readonly bytes: Uint8Array;
  /** SHA-256 of them. */
  readonly hash: Hash;
};

/**
 * Checks the form of a content, given as JSON text or as a value.
 * @throws NotariumError the `json-…` codes; `proposal-invalid` with data.field.
 */
export function readProposalContent(
  input: string | Uint8Array | Readonly<Record<string, unknown>>,
  crypto: Pick<Crypto, 'sha256'> = portableCrypto,
): CheckedContent {
  const text = typeof input === 'string' || input instanceof Uint8Array ? input : plainText(input);
  const value = parseStrictJson(text, { maxSize: 2 * maxContentBytes, maxDepth: maxContentDepth });
  const parsed = proposalContentSchema.safeParse(value);
  if (!parsed.success) throw invalidProposal(parsed.error);
  const bytes = utf8(canonicalText(parsed.data));
  if (bytes.length > maxContentBytes) {
    throw new NotariumError('json-too-large', undefined, { data: { have: bytes.length, want: maxContentBytes } });
  }
  return { content: parsed.data, bytes, hash: toHex(crypto.sha256(bytes)) };
}

/** A value of ours may hold what JSON cannot say. */
function plainText(value: unknown): string {
  try {
    return canonicalText(value);
  } catch (cause) {
    throw new NotariumError('proposal-invalid', cause instanceof Error ? cause.message : 'not JSON', { cause });
  }
}

/** The first thing that is wrong, as an error `proposal-invalid` with data.field. */
export function invalidProposal(error: z.ZodError): NotariumError {
  const issue = error.issues[0]!;
  const path = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0]!] : issue.path;
  const field = path.map((step) => String(step).slice(0, 64).toWellFormed()).join('.');
  return new NotariumError('proposal-invalid', `${field || 'content'}: ${issue.message.slice(0, 200)}`, {
    data: { field },
  });
}
