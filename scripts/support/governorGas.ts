/** Rows of the gas table about proposals, votes and resource sets; see ../gas-table.ts for how they are measured. */
import { type ContractTransactionResponse, type Interface, id, type Signer } from 'ethers';
import { entryOf, memberOf } from '../../test/contracts/support/anchorKit.ts';
import {
  createGovernorKit,
  type GovernorKit,
  type Proposed,
  receiptOf,
  support,
} from '../../test/contracts/support/governorKit.ts';
import type { GasRow } from './GasRow.ts';

type Calls = [targets: readonly string[], values: readonly bigint[], calldatas: readonly string[]];

/** What the gas table calls of test/contracts/support/StockGovernor.sol. */
type StockGovernor = {
  interface: Interface;
  getAddress(): Promise<string>;
  connect(signer: Signer): StockGovernor;
  propose(...args: [...Calls, description: string]): Promise<ContractTransactionResponse>;
  getProposalId(...args: [...Calls, descriptionHash: string]): Promise<bigint>;
  castVote(proposalId: bigint, support: number): Promise<ContractTransactionResponse>;
  execute(...args: [...Calls, descriptionHash: string]): Promise<ContractTransactionResponse>;
};

const limits = { propose: 75_000n, firstVote: 60_000n, furtherVote: 8_000n, cycle: 220_000n };

const gasOf = async (sent: Parameters<typeof receiptOf>[0]): Promise<bigint> => (await receiptOf(sent)).gasUsed;

/** Electorates that differ in size only; the quorum is everybody, so that no vote comes after the decision. */
const kitOf = (size: number): Promise<GovernorKit> =>
  createGovernorKit({
    size,
    rules: { general: { quorumShare: 10_000n } },
    override: { blockGasLimit: 60_000_000, hardfork: 'cancun' },
    deployGas: 55_000_000,
  });

const allOf = (count: number) => Array.from({ length: count }, (_, place) => [place, support.for] as const);

/** What proposals, votes and reports cost. */
export async function governorRows(): Promise<GasRow[]> {
  const rows: GasRow[] = [];
  for (const size of [4, 16, 64]) rows.push(...(await voteRows(size)));
  return [...(await proposalRows()), ...rows, ...(await cycleRows()), ...(await resourceRows())];
}

async function proposalRows(): Promise<GasRow[]> {
  const kit = await kitOf(4);
  const peer = `OpenZeppelin Governor ${(await stockGas()).propose.toLocaleString('en-US')} (no signature, measured in this run)`;
  const suspension = kit.draftOf('suspension', [kit.call.suspend(kit.members[3]!.address)]);
  const entry = entryOf(memberOf(9), 9);
  const admission = kit.draftOf('admission', [kit.call.enroll(entry), kit.call.activate(entry.account)]);
  return [
    {
      operation: 'propose, general (no call)',
      gas: await gasOf(kit.sendDraft(kit.draftOf('general'))),
      ceiling: limits.propose,
      peer,
    },
    {
      operation: 'propose, suspension (one call)',
      gas: await gasOf(kit.sendDraft(suspension)),
      ceiling: limits.propose,
      peer,
    },
    {
      operation: 'propose, admission (enrol with all of its information, and activate)',
      gas: await gasOf(kit.sendDraft(admission)),
    },
    {
      operation: 'propose, resource (a new version with its URI, base version checked)',
      gas: await gasOf(kit.sendDraft(kit.draftOf('resource', [kit.call.addVersion(id('set'), 0n, id('one'))]))),
    },
  ];
}

async function voteRows(size: number): Promise<GasRow[]> {
  const kit = await kitOf(size);
  const proposed = await kit.propose('general');
  // The last place is found last.
  const first = kit.as(kit.governor, await kit.walletOf(size - 1));
  const second = kit.as(kit.governor, await kit.walletOf(size - 2));
  const peers = { first: 'OpenZeppelin Governor 82,739', next: 'OpenZeppelin Governor 65,639; by signature 97,222' };
  const batch = async (count: number): Promise<bigint> => {
    const one = await kit.propose('general');
    return await gasOf(kit.castBatch(one, allOf(count)));
  };
  const [single, all] = [await batch(1), await batch(size)];
  return [
    {
      operation: `first vote, by the last of ${size} voters`,
      gas: await gasOf(first.castVote(proposed.id, support.for)),
      ceiling: limits.firstVote,
      peer: peers.first,
    },
    {
      operation: `next vote by transaction, ${size} voters`,
      gas: await gasOf(second.castVote(proposed.id, support.for)),
      peer: peers.next,
    },
    { operation: `all ${size} votes in one batch of signatures`, gas: all },
    {
      operation: `each further signed vote in a batch, ${size} voters`,
      // Rounded up.
      gas: (all - single + BigInt(size) - 2n) / BigInt(size - 1),
      ceiling: limits.furtherVote,
      peer: 'OpenZeppelin Governor 97,222 (a transaction each)',
    },
  ];
}

async function cycleRows(): Promise<GasRow[]> {
  const kit = await kitOf(5);
  const draft = kit.draftOf('general');
  const proposed: Proposed = await kit.describe(draft);
  const parts = [
    await gasOf(kit.sendDraft(draft)),
    await gasOf(kit.castBatch(proposed, allOf(5))),
    await gasOf(kit.execute(proposed)),
  ];
  const weighted = await createGovernorKit({ size: 5, rules: { general: { aggregation: 3n, quorumShare: 10_000n } } });
  const weights = weighted.members
    .map(({ address }, index) => ({ account: address, votes: BigInt(index + 1) }))
    .sort((a, b) => (BigInt(a.account) < BigInt(b.account) ? -1 : 1));
  await weighted.pass('parameter', [weighted.call.setWeights(weights)]);
  const [one, five] = [await weighted.propose('general'), await weighted.propose('general')];
  const single = await gasOf(weighted.castBatch(one, allOf(1)));
  return [
    {
      operation: 'five-vote cycle without an effect: propose, five signed votes, execute',
      gas: parts.reduce((sum, part) => sum + part, 0n),
      ceiling: limits.cycle,
      peer: `OpenZeppelin Governor, with timelock, about 694,000; without timelock and vote look-ups ${(await stockGas()).cycle.toLocaleString('en-US')} (measured in this run)`,
    },
    { operation: 'execute, without an effect', gas: parts[2]! },
    {
      operation: 'each further signed vote in a batch, weighted, 5 voters',
      gas: ((await gasOf(weighted.castBatch(five, allOf(5)))) - single + 3n) / 4n,
      ceiling: limits.furtherVote,
    },
  ];
}

async function resourceRows(): Promise<GasRow[]> {
  const kit = await kitOf(4);
  const resourceSet = id('set');
  const proposed = await kit.propose('resource', [kit.call.addVersion(resourceSet, 0n, id('one'))]);
  await kit.castBatch(proposed, allOf(4));
  const executed = await gasOf(kit.execute(proposed));
  const signed = (place: number) => {
    const report = { resourceSet, version: 1n, sequence: 1n, actualHash: id('one'), recordId: id('record') };
    const { address, key } = kit.members[place]!;
    return { report, reporter: place, signature: key.sign(kit.reportDigest(report, address)).compactSerialized };
  };
  const one = await gasOf(kit.resources.submitReportsBySig([signed(0)]));
  const three = await gasOf(kit.resources.submitReportsBySig([1, 2, 3].map(signed)));
  return [
    { operation: 'execute, the first version of a resource set', gas: executed },
    { operation: 'report on a version, the first, by signature', gas: one },
    { operation: 'three more reports in one batch, which verify it', gas: three },
  ];
}

/** OpenZeppelin's own, in this process: one call proposed, five votes by transaction, executed. */
async function stockGas(): Promise<{ propose: bigint; cycle: bigint }> {
  const kit = await createGovernorKit({ size: 4 });
  const stock = (await kit.ethers.deployContract('StockGovernor')) as unknown as StockGovernor;
  const signers = await kit.ethers.getSigners();
  const call = [[await stock.getAddress()], [0n], [stock.interface.encodeFunctionData('name')]] as const;
  const description = `general ${id('content')}#proposer=${signers[0]!.address.toLowerCase()}`;
  const propose = await gasOf(stock.propose(...call, description));
  const proposalId = await stock.getProposalId(...call, id(description));
  await kit.wait(1);
  let cycle = propose;
  for (const signer of signers.slice(0, 5)) cycle += await gasOf(stock.connect(signer).castVote(proposalId, 1));
  await kit.wait(3_601);
  cycle += await gasOf(stock.execute(...call, id(description)));
  return { propose, cycle };
}
