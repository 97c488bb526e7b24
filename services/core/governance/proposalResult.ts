import { z } from 'zod';
import { type Address, fromHex } from '../bytes.ts';
import { type Committee, quorumOf } from '../committee.ts';
import { type Crypto, portableCrypto } from '../crypto.ts';
import { parseNetworkName } from '../eip712.ts';
import { isNotariumError, NotariumError } from '../errors.ts';
import { addressSchema, hashSchema, hexSchema, uintSchema } from '../schemas.ts';
import { recoverAddress } from '../signature.ts';
import { anySignatureSchema } from './ballot.ts';
import { invalidProposal, type ProposalContent, readProposalContent } from './proposalContent.ts';
import { decisions, outcomeDigest, type ProposalOutcome, proposalDigest, type Verifier } from './signing.ts';

const weiSchema = z.string().regex(/^(?:0|[1-9][0-9]{0,77})$/, 'not a decimal number');

/** The outcome as centres sign it. */
export const proposalOutcomeSchema = z.strictObject({
  proposalId: hashSchema,
  contentHash: hashSchema,
  decision: z.enum(decisions),
  forVotes: uintSchema,
  againstVotes: uintSchema,
  abstainVotes: uintSchema,
  decidedAt: uintSchema,
});

/** Result data of a proposal, `notarium-proposal-result/1`. Read loosely: a newer centre may say more. */
export const proposalResultSchema = z.looseObject({
  format: z.literal('notarium-proposal-result/1'),
  /** The one that proposed. */
  transaction: z.looseObject({
    hash: hashSchema,
    type: uintSchema,
    nonce: uintSchema,
    from: addressSchema,
    amountWei: weiSchema,
    recipient: addressSchema,
    gasPriceWei: weiSchema,
    gasLimit: weiSchema,
    gasUsed: weiSchema,
    blockNumber: uintSchema,
    signature: z.looseObject({ r: hashSchema, s: hashSchema, v: uintSchema }),
  }),
  data: z.looseObject({
    proposalId: hashSchema,
    /** The proposer. */
    participantId: addressSchema,
    /** Looked at by {@link verifyProposalResult}. */
    content: z.record(z.string(), z.unknown()),
    contentHash: hashSchema,
    /** Of the chain block with the proposal, Unix seconds. */
    time: uintSchema,
    /** Part of what the proposer signed: without it nobody could check the signature. */
    validUntil: uintSchema,
    /** Of the proposer's key, or what the wallet at its address takes (ERC-1271). */
    proposerSignature: anySignatureSchema,
    /** Null while undecided. */
    result: proposalOutcomeSchema.nullable(),
    /** A centre signs by its key: a member that is a contract wallet runs none. */
    signatures: z.array(z.looseObject({ centre: addressSchema, signature: hexSchema(64, 65) })).max(256),
  }),
});

/** See {@link proposalResultSchema}. */
export type ProposalResult = z.infer<typeof proposalResultSchema>;

/** What holds of a result, by what the verifier has computed itself. */
export type VerifiedResult = {
  readonly content: ProposalContent;
  readonly outcome?: ProposalOutcome;
  /** Centres of the electorate that confirm the outcome, each once, in the order of their places. */
  readonly confirmedBy: readonly Address[];
  /** Whether they are a quorum of the electorate, as for a block. */
  readonly isConfirmed: boolean;
};

/** What a verifier knows beforehand. */
export type ResultBasis = {
  /** `ConsortiumGovernor` of the network: from the chain or the operators, not from who gave the result. */
  readonly governor: Verifier;
  /** The electorate: the committee of the proposal's epoch. */
  readonly committee: Committee;
  /** Name of the log's network; any of the governor's chain when left out. */
  readonly network?: string;
  readonly crypto?: Crypto;
};

/** Whether the contract wallet at an address takes a signature over a digest (ERC-1271), as the chain says. */
export type IsTakenByWallet = (account: Address, digest: Uint8Array, signature: Uint8Array) => Promise<boolean>;

/**
 * Checks result data without asking anybody: form, content against its hash, the proposer's signature, and every centre's over
 * the outcome. It says nothing of the transaction, which only the chain can confirm.
 * @throws NotariumError `proposal-invalid`, the `json-…` codes, `proposal-mismatch` with data.field (content, proposer, network
 *   or outcome do not belong together), the signature codes (with data.needsChain where it is the proposer's: the wallet at its
 *   address may take it all the same), `elector-unknown` (signed by who is not in the electorate).
 *   `signature-needs-chain`: the proposer's is no key's, but perhaps that of a contract wallet, see
 *   {@link verifyProposalResultByChain}.
 */
export function verifyProposalResult(value: unknown, basis: ResultBasis): VerifiedResult {
  const read = readResult(value, basis);
  const { crypto = portableCrypto } = basis;
  const { proposed, signature, content } = read;
  if (signature.length !== 64 && signature.length !== 65) {
    const data = { want: content.proposer };
    throw new NotariumError('signature-needs-chain', `the proposer's has ${signature.length} bytes`, { data });
  }
  try {
    checkSigner(crypto, { digest: proposed, signature, want: content.proposer }, 'proposer');
  } catch (cause) {
    if (!isNotariumError(cause)) throw cause;
    // A wallet with one owner may take such a one, too: who has no chain cannot know, and trusts it not.
    const data = { ...cause.data, want: content.proposer, needsChain: true };
    throw new NotariumError(cause.code, 'proposer, unless it is a contract wallet, as only the chain can say', {
      data,
      cause,
    });
  }
  return confirmed(read, basis);
}

/**
 * As {@link verifyProposalResult}, also where the proposer is a contract wallet: the chain is asked about a signature that is not
 * of the proposer's key. A wallet that has changed its mind since takes it no more.
 * @throws NotariumError as `verifyProposalResult` but `signature-needs-chain`; what `isTakenByWallet` throws.
 */
export async function verifyProposalResultByChain(
  value: unknown,
  basis: ResultBasis,
  isTakenByWallet: IsTakenByWallet,
): Promise<VerifiedResult> {
  const read = readResult(value, basis);
  const { crypto = portableCrypto } = basis;
  const { proposed, signature, content } = read;
  try {
    checkSigner(crypto, { digest: proposed, signature, want: content.proposer }, 'proposer');
  } catch (error) {
    if (!isNotariumError(error)) throw error;
    if (!(await isTakenByWallet(content.proposer, proposed, signature))) {
      const data = { want: content.proposer };
      throw new NotariumError('signature-mismatch', 'proposer, by its key and by its wallet', { data, cause: error });
    }
  }
  return confirmed(read, basis);
}

type ReadResult = {
  readonly data: ProposalResult['data'];
  readonly content: ProposalContent;
  /** What the proposer signed, and by what. */
  readonly proposed: Uint8Array;
  readonly signature: Uint8Array;
};

/** Form and content; no signature yet. */
function readResult(value: unknown, { governor, network, crypto = portableCrypto }: ResultBasis): ReadResult {
  const parsed = proposalResultSchema.safeParse(value);
  if (!parsed.success) throw invalidProposal(parsed.error);
  const { data } = parsed.data;
  const { content, hash } = readProposalContent(data.content, crypto);
  same('contentHash', hash, data.contentHash);
  same('participantId', data.participantId, content.proposer);
  same('network', parseNetworkName(content.network)!.chainId, governor.chainId);
  if (network !== undefined) same('network', content.network, network);
  const { proposalId, contentHash, validUntil } = data;
  const signed = { proposalId, kind: content.kind, contentHash, validUntil };
  const proposed = proposalDigest(governor, signed, crypto.keccak256);
  return { data, content, proposed, signature: fromHex(data.proposerSignature) };
}

/** The centres' signatures over the outcome. */
function confirmed({ data, content }: ReadResult, basis: ResultBasis): VerifiedResult {
  const { governor, committee, crypto = portableCrypto } = basis;
  const { result: outcome } = data;
  const confirming = new Set<Address>();
  if (outcome !== null) {
    same('result.proposalId', outcome.proposalId, data.proposalId);
    same('result.contentHash', outcome.contentHash, data.contentHash);
    const digest = outcomeDigest(governor, outcome, crypto.keccak256);
    for (const { centre, signature } of data.signatures) {
      if (!committee.members.includes(centre)) {
        throw new NotariumError('elector-unknown', centre, { data: { have: centre, epoch: committee.epoch } });
      }
      checkSigner(crypto, { digest, signature: fromHex(signature), want: centre }, 'outcome');
      confirming.add(centre);
    }
  }
  const confirmedBy = committee.members.filter((member) => confirming.has(member));
  return {
    content,
    ...(outcome === null ? {} : { outcome }),
    confirmedBy,
    isConfirmed: confirmedBy.length >= quorumOf(committee.members.length),
  };
}

function same(field: string, have: string | number, want: string | number): void {
  if (have !== want) throw new NotariumError('proposal-mismatch', field, { data: { field, have, want } });
}

function checkSigner(
  crypto: Crypto,
  { digest, signature, want }: { digest: Uint8Array; signature: Uint8Array; want: Address },
  what: string,
): void {
  const have = recoverAddress(crypto, digest, signature);
  if (have !== want) throw new NotariumError('signature-mismatch', what, { data: { have, want } });
}
