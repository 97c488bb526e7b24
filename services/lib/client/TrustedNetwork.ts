import { z } from 'zod';
import type { Address } from '../../core/bytes.ts';
import type { Committee } from '../../core/committee.ts';
import { type Network, parseNetworkName } from '../../core/eip712.ts';
import { NotariumError } from '../../core/errors.ts';
import { networkNameSchema } from '../../core/networkNameSchema.ts';
import { addressSchema, uintSchema } from '../../core/schemas.ts';
import type { NetworkAnswer } from './answers.ts';

/**
 * What a verifier must know beforehand, from a source that it trusts: which contract, and who the committees were. Kept as
 * one JSON file a network.
 */
const trustedNetworkSchema = z.strictObject({
  format: z.literal('notarium-network/1'),
  /** `eip155:<chain id>:<contract>` */
  network: networkNameSchema,
  /** `ConsortiumGovernor`, under which proposals and their results are signed; the registry gets it once. */
  governor: addressSchema.optional(),
  periodSeconds: z.int().min(1),
  graceSeconds: z.int().min(0),
  /** Every known committee, oldest first. */
  committees: z.array(z.strictObject({ epoch: uintSchema, members: z.array(addressSchema).min(1) })).min(1),
  centres: z
    .array(z.strictObject({ address: addressSchema, name: z.string(), endpoint: z.string(), verifierKey: z.string() }))
    .default([]),
  /** How this file came to be: `first-use <url>` is trust on first use, anything else was put there by somebody. */
  source: z.string().default('given'),
});

/** See {@link trustedNetworkSchema}. */
export type TrustedNetwork = z.infer<typeof trustedNetworkSchema>;

/**
 * Checks the form of a trusted network.
 * @throws NotariumError `config-invalid`.
 */
export function asTrustedNetwork(value: unknown, what = 'trusted network'): TrustedNetwork {
  const parsed = trustedNetworkSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw new NotariumError('config-invalid', `${what}: ${issue.path.join('.') || 'file'}: ${issue.message}`);
}

/**
 * What a centre says about its network, in the form that is kept.
 * @throws NotariumError `server-answer-invalid` when the name does not fit chain id and contract.
 */
export function trustedFromAnswer(answer: NetworkAnswer, url: string): TrustedNetwork {
  const network = parseNetworkName(answer.network);
  if (!network || network.chainId !== answer.chainId || network.contract !== answer.contract) {
    throw new NotariumError('server-answer-invalid', 'the network name does not fit chain id and contract');
  }
  return asTrustedNetwork({
    format: 'notarium-network/1',
    network: answer.network,
    ...(answer.governor === undefined ? {} : { governor: answer.governor }),
    periodSeconds: answer.periodSeconds,
    graceSeconds: answer.graceSeconds,
    committees: answer.committees.map(({ epoch, members }) => ({ epoch, members })),
    centres: answer.centres.map(({ address, name, endpoint, verifierKey }) => ({
      address,
      name,
      endpoint,
      verifierKey: verifierKey ?? '',
    })),
    source: `first-use ${url}`,
  });
}

/**
 * Compares what a centre says now with what is trusted: the epochs that are new, not trusted yet.
 * @throws NotariumError `network-changed` when it contradicts anything trusted.
 */
export function newCommittees(trusted: TrustedNetwork, told: TrustedNetwork): Committee[] {
  const changed = (field: string, have: unknown, want: unknown): NotariumError =>
    new NotariumError('network-changed', field, { data: { field, have, want } });
  for (const field of ['network', 'periodSeconds', 'graceSeconds'] as const) {
    if (trusted[field] !== told[field]) throw changed(field, told[field], trusted[field]);
  }
  // Who has none yet, or a centre of before there was one, contradicts nothing.
  const governors = [told.governor, trusted.governor] as const;
  if (!governors.includes(undefined) && governors[0] !== governors[1]) throw changed('governor', ...governors);
  const known = new Map(trusted.committees.map((committee) => [committee.epoch, committee.members]));
  const added: Committee[] = [];
  for (const committee of told.committees) {
    const members = known.get(committee.epoch);
    if (members === undefined) added.push(committee);
    else if (members.join() !== committee.members.join()) {
      throw changed(`committee of epoch ${committee.epoch}`, committee.members, members);
    }
  }
  return added;
}

/** Chain id and contract of a trusted network. */
export function networkOf(trusted: TrustedNetwork): Network {
  return parseNetworkName(trusted.network)!;
}

/** Whether the address was in any known committee: only such a centre may accept records. */
export function isKnownCentre(trusted: TrustedNetwork, address: Address): boolean {
  return trusted.committees.some((committee) => committee.members.includes(address));
}
