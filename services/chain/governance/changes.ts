import { id } from 'ethers';
import { type Hex, toHex } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';
import { proposalKinds, supports } from '../../core/governance/names.ts';
import type { ProposalId } from '../../core/governance/signing.ts';
import { type ErrorCodes, named } from '../callErrors.ts';
import type { Governance, ProposalDraft } from '../Governance.ts';
import { governorInterface, resourcesInterface } from '../interfaces.ts';
import type { CallOptions, MinedCall } from '../SentTransaction.ts';
import { type Change, sendCall } from '../sendCall.ts';
import { batchOf } from './batchOf.ts';
import { callsOf } from './callsOf.ts';
import { codesOf } from './codesOf.ts';
import type { GovernanceSource } from './GovernanceSource.ts';
import { describe, hashProposal, proposalArgs } from './hashProposal.ts';

type Changes = Pick<
  Governance,
  'proposalIdOf' | 'propose' | 'castVote' | 'castVotes' | 'castVotesAndExecute' | 'cancel' | 'execute' | 'submitReport'
>;

/** More than the longest vote takes, with its reason, in a transaction of its own. */
const maxKeyVoteGas = 250_000n;
/** What a wallet may take beside it to look at a signature. */
const maxWalletGas = 1_000_000n;

/** What changes something on the chain; see {@link Governance}. */
export function changesOf(source: GovernanceSource): Changes {
  const { contracts } = source;
  const idOf = ({ content, contentHash }: ProposalDraft) => {
    const description = describe(content.kind, contentHash, content.proposer);
    return hashProposal(proposalArgs(contracts, { kind: content.kind, calls: callsOf(content), description }));
  };
  const onGovernor = (name: string, data: Hex, codes: ErrorCodes, options?: CallOptions): Promise<MinedCall> =>
    sendCall(source, { name, to: contracts.governor, key: data, data: () => data, codes }, options);

  const batch = async (proposalId: ProposalId, votes: Parameters<Changes['castVotes']>[1]) => {
    const electorate = await named(codesOf.castVotes, () => source.governor.electorate(proposalId));
    const places = new Map(electorate.map((account, place) => [account.toLowerCase(), place]));
    return batchOf(source, proposalId, votes, places);
  };

  return {
    proposalIdOf: async (draft) => idOf(draft),
    propose: (draft, signature, options) => {
      const change: Change = {
        name: 'proposal',
        to: contracts.governor,
        key: `${idOf(draft)} ${draft.validUntil} ${toHex(signature)}`,
        data: () => proposeData(source, draft, signature),
        codes: codesOf.propose,
      };
      return sendCall(source, change, options);
    },
    castVote: ({ proposalId, support, reason }, options) => {
      const args = [proposalId, supports.indexOf(support)] as const;
      const data =
        reason === ''
          ? governorInterface.encodeFunctionData('castVote', [...args])
          : governorInterface.encodeFunctionData('castVoteWithReason', [...args, reason]);
      return onGovernor('vote', data as Hex, codesOf.castVote, options);
    },
    castVotes: async (proposalId, votes, options) => {
      const { compact, others, wallets } = await batch(proposalId, votes);
      const data = governorInterface.encodeFunctionData('castVotesBySig', [proposalId, compact, others]) as Hex;
      const change = { name: 'votes', to: contracts.governor, key: data, data: () => data, codes: codesOf.castVotes };
      // A wallet may take all gas that there is, or its signature in an estimate only: who hands it in pays for that.
      const maxGas = maxKeyVoteGas * BigInt(votes.length) + maxWalletGas * BigInt(wallets);
      const limits = wallets === 0 ? {} : { attempts: 2, maxGas };
      return sendCall(source, { ...change, ...limits }, options);
    },
    castVotesAndExecute: async ({ proposalId, kind, calls, description }, votes, options) => {
      const { compact, others, wallets } = await batch(proposalId, votes);
      if (wallets > 0) throw new NotariumError('ballot-invalid', 'votes of contract wallets are handed in alone');
      const data = governorInterface.encodeFunctionData('castVotesAndExecute', [
        proposalKinds.indexOf(kind),
        [...calls],
        id(description),
        compact,
        others,
      ]) as Hex;
      const to = contracts.governor;
      const change = { name: 'votes and execution', to, key: data, data: () => data, codes: codesOf.castVotes };
      // There is another way, so what comes to nothing is not paid for again and again.
      return sendCall(source, { ...change, attempts: 2 }, options);
    },
    cancel: (proposal, options) => {
      const args = proposalArgs(contracts, proposal);
      const data = governorInterface.encodeFunctionData('cancel', args) as Hex;
      return onGovernor('cancellation', data, codesOf.cancel, options);
    },
    execute: (proposal, options) => {
      const args = proposalArgs(contracts, proposal);
      const data = governorInterface.encodeFunctionData('execute', args) as Hex;
      return onGovernor('execution', data, codesOf.execute, options);
    },
    submitReport: (report, options) => {
      const data = resourcesInterface.encodeFunctionData('submitReport', [report]) as Hex;
      const to = contracts.resources;
      const change = { name: 'report on a resource', to, key: data, data: () => data, codes: codesOf.resources };
      return sendCall(source, change, options);
    },
  };
}

async function proposeData(source: GovernanceSource, draft: ProposalDraft, signature: Uint8Array): Promise<Hex> {
  const { content, contentHash, validUntil } = draft;
  const { epoch, members } = await source.committee();
  const place = members.indexOf(content.proposer);
  if (place < 0) throw new NotariumError('elector-unknown', `${content.proposer} is no centre`);
  const asked = { kind: proposalKinds.indexOf(content.kind), contentHash, validUntil, calls: callsOf(content) };
  return governorInterface.encodeFunctionData('propose((uint8,bytes32,uint48,bytes[]),uint64,uint8,bytes)', [
    asked,
    epoch,
    place,
    toHex(signature),
  ]) as Hex;
}
