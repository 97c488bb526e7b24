import type { Chain } from '../../../services/chain/Chain.ts';
import type { Governance, GovernanceEvent, ProposalDraft } from '../../../services/chain/Governance.ts';
import type { Address } from '../../../services/core/bytes.ts';
import { networkName } from '../../../services/core/eip712.ts';
import type { ProposalKind, Support } from '../../../services/core/governance/names.ts';
import { type ContentOf, type Rule, readProposalContent } from '../../../services/core/governance/proposalContent.ts';
import {
  type Ballot,
  ballotDigest,
  type ProposalId,
  proposalDigest,
} from '../../../services/core/governance/signing.ts';
import { localSigner } from '../../../services/lib/localSigner.ts';
import { deployGovernance, devAddress, devKey } from '../../support/chains.ts';
import { type ChainKit, chainKit, crypto } from './chainKit.ts';

export type CreatedEvent = Extract<GovernanceEvent, { type: 'proposal.created' }>;

/** A consortium of development accounts 0 to 3 with a governor, seen by each of them. */
export type GovernanceKit = ChainKit & {
  /** As development account 0. */
  readonly governance: Governance;
  /** The same as another development account. */
  as(account: number): Promise<Governance>;
  /** A draft of a fresh content. */
  draft<K extends ProposalKind>(kind: K, effect: ContentOf<K>['effect'], proposer?: number): ProposalDraft;
  sign(draft: ProposalDraft, account?: number): Promise<Uint8Array>;
  /** Handed in, and its event. */
  propose(draft: ProposalDraft): Promise<CreatedEvent>;
  ballot(
    proposalId: ProposalId,
    voter: number,
    support: Support,
    reason?: string,
  ): Promise<Ballot & { signature: Uint8Array }>;
  /** Proposed, and voted for by all. */
  pass(draft: ProposalDraft): Promise<CreatedEvent>;
  events(): Promise<GovernanceEvent[]>;
  /** Moves the chain's clock. */
  wait(seconds: number): Promise<void>;
  close(): void;
};

/** Opens the chain before it has a governor. `more` are members beside the four. */
export async function governanceKit(
  rpcUrl: string,
  rules: Partial<Record<ProposalKind, Partial<Rule>>> = {},
  more: readonly Address[] = [],
): Promise<GovernanceKit> {
  const kit = await chainKit(rpcUrl, { signer: localSigner(devKey(0), crypto) }, more);
  const { chain, deployed, rpc } = kit;
  await deployGovernance(rpcUrl, deployed.registry, rules);
  await chain.nodes();
  const governance = chain.governance!;
  const opened: Chain[] = [chain];
  const first = (await governance.newestBlock()).number;
  const { latestSeconds } = await chain.chainTime();
  let contents = 0;

  const draft: GovernanceKit['draft'] = (kind, effect, proposer = 0) => {
    const { content, hash } = readProposalContent({
      format: 'notarium-proposal/1',
      network: networkName(chain.info.network),
      kind,
      title: `Proposal ${++contents}`,
      text: '',
      time: '2026-01-01T00:00:00.000Z',
      proposer: devAddress(proposer),
      effect,
    });
    return { content, contentHash: hash, validUntil: latestSeconds + 1_000_000 };
  };
  const sign: GovernanceKit['sign'] = async (signed, account) => {
    const { content, contentHash, validUntil } = signed;
    const proposalId = await governance.proposalIdOf(signed);
    const digest = proposalDigest(governance.governor, { proposalId, kind: content.kind, contentHash, validUntil });
    const place = account ?? [0, 1, 2, 3, 4, 5].findIndex((index) => devAddress(index) === content.proposer);
    return localSigner(devKey(place), crypto).sign(digest);
  };
  const propose: GovernanceKit['propose'] = async (proposed) => {
    const { blockNumber } = await governance.propose(proposed, await sign(proposed));
    const events = await governance.events(blockNumber, blockNumber);
    return events.find(
      (event) => event.type === 'proposal.created' && event.contentHash === proposed.contentHash,
    )! as CreatedEvent;
  };
  const ballot: GovernanceKit['ballot'] = async (proposalId, voter, support, reason = '') => {
    const unsigned = { proposalId, voter: devAddress(voter), support, reason };
    const signature = await localSigner(devKey(voter), crypto).sign(ballotDigest(governance.governor, unsigned));
    return { ...unsigned, signature };
  };
  return {
    ...kit,
    governance,
    async as(account) {
      const other = await kit.open({ signer: localSigner(devKey(account), crypto) });
      opened.push(other);
      return other.governance!;
    },
    draft,
    sign,
    propose,
    ballot,
    async pass(proposed) {
      const event = await propose(proposed);
      const votes = await Promise.all([0, 1, 2, 3].map((voter) => ballot(event.proposalId, voter, 'for')));
      await governance.castVotes(event.proposalId, votes);
      return event;
    },
    events: async () => governance.events(first, (await governance.newestBlock()).number),
    async wait(seconds) {
      await rpc('evm_increaseTime', [seconds]);
    },
    close: () => {
      for (const each of opened) each.close();
    },
  };
}
