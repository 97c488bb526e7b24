/** What the tests of proposals and the gas table work with: a consortium of known keys, its governor, drafts and votes. */
import {
  type BaseWallet,
  type ContractTransactionReceipt,
  type ContractTransactionResponse,
  concat,
  id,
  type Result,
  type Signer,
  TypedDataEncoder,
  toBeHex,
  Wallet,
} from 'ethers';
import type { EdrNetworkConfigOverride } from 'hardhat/types/config';
import type { ConsortiumGovernor, ResourceRegistry } from '../../../types/ethers-contracts/index.ts';
import { compact, createKit, type Member } from './anchorKit.ts';

export const kinds = {
  admission: 0n,
  suspension: 1n,
  removal: 2n,
  authenticator: 3n,
  parameter: 4n,
  resource: 5n,
  general: 6n,
} as const;
export type KindName = keyof typeof kinds;
export const aggregations = { majority: 0n, twoThirds: 1n, unanimity: 2n, weighted: 3n } as const;
export const support = { against: 0, for: 1, abstain: 2 } as const;
export const states = { pending: 0n, active: 1n, canceled: 2n, defeated: 3n, succeeded: 4n, expired: 6n, executed: 7n };

export type Rule = { aggregation: bigint; quorumShare: bigint; delaySeconds: bigint; periodSeconds: bigint };
export const majority: Rule = {
  aggregation: aggregations.majority,
  quorumShare: 5_000n,
  delaySeconds: 0n,
  periodSeconds: 3_600n,
};

export type Draft = { kind: bigint; contentHash: string; validUntil: bigint; calls: string[] };
/** One draft with what its events say: all that `execute` and `cancel` take. */
export type Proposed = { id: bigint; draft: Draft; args: [string[], bigint[], string[], string]; description: string };

const proposalTypes = {
  Proposal: [
    { name: 'proposalId', type: 'uint256' },
    { name: 'kind', type: 'uint8' },
    { name: 'contentHash', type: 'bytes32' },
    { name: 'validUntil', type: 'uint48' },
  ],
};
const ballotFields = [
  { name: 'proposalId', type: 'uint256' },
  { name: 'support', type: 'uint8' },
  { name: 'voter', type: 'address' },
];
const reportTypes = {
  Report: [
    { name: 'resourceSet', type: 'bytes32' },
    { name: 'version', type: 'uint64' },
    { name: 'sequence', type: 'uint64' },
    { name: 'actualHash', type: 'bytes32' },
    { name: 'recordId', type: 'bytes32' },
    { name: 'reporter', type: 'address' },
  ],
};

export type Domain = { name: string; version: string; chainId: bigint; verifyingContract: string };
export type Report = {
  resourceSet: string;
  version: bigint;
  sequence: bigint;
  actualHash: string;
  recordId: string;
};

export type GovernorKitOptions = {
  size?: number;
  members?: readonly Member[];
  /** Of the kinds that are not general majorities. */
  rules?: Partial<Record<KindName, Partial<Rule>>>;
  /** Contracts to take instead of the real resource registry. */
  resources?: string;
  override?: EdrNetworkConfigOverride;
  deployGas?: number;
};

/** What a contract answered for a struct, by its fields. */
export const fieldsOf = (struct: unknown): Record<string, unknown> => (struct as Result).toObject();

/** A fresh chain in this process with registry, resource registry and governor, each knowing the others. */
export async function createGovernorKit(options: GovernorKitOptions = {}) {
  const kit = await createKit({
    size: options.size ?? 4,
    ...(options.members === undefined ? {} : { members: options.members }),
    ...(options.override === undefined ? {} : { override: options.override }),
    ...(options.deployGas === undefined ? {} : { deployGas: options.deployGas }),
  });
  const { ethers, members, registry, chainId } = kit;
  const registryAddress = await registry.getAddress();
  const resources = (await ethers.deployContract(options.resources ?? 'ResourceRegistry', [
    registryAddress,
  ])) as unknown as ResourceRegistry;
  const rules = (Object.keys(kinds) as KindName[]).map((name) => ({ ...majority, ...options.rules?.[name] }));
  const governor = (await ethers.deployContract('ConsortiumGovernor', [
    registryAddress,
    await resources.getAddress(),
    rules,
  ])) as unknown as ConsortiumGovernor;
  const address = await governor.getAddress();
  await registry.setGovernor(address);
  await resources.setGovernor(address);
  const domain: Domain = { name: 'Notarium', version: '1', chainId, verifyingContract: address };
  const reportDomain: Domain = { ...domain, verifyingContract: await resources.getAddress() };

  let contents = 0;
  /** A draft of fresh content. */
  const draftOf = (kind: KindName, calls: string[] = [], changes: Partial<Draft> = {}): Draft => {
    contents += 1;
    return { kind: kinds[kind], contentHash: id(`content ${contents}`), validUntil: 2n ** 47n, calls, ...changes };
  };

  const targetOf = async (kind: bigint): Promise<string> =>
    kind === kinds.parameter ? address : kind === kinds.resource ? await resources.getAddress() : registryAddress;

  const describe = async (draft: Draft, proposer = members[0]!.address): Promise<Proposed> => {
    const [proposalId, description] = await governor.describe(draft, proposer);
    const target = await targetOf(draft.kind);
    return {
      id: proposalId,
      draft,
      description,
      args: [draft.calls.map(() => target), draft.calls.map(() => 0n), draft.calls, id(description)],
    };
  };

  const draftDigest = (proposalId: bigint, draft: Draft, of: Domain = domain): string =>
    TypedDataEncoder.hash(of, proposalTypes, { proposalId, ...draft });

  /** Hands a draft in, signed by the member at this place. */
  const sendDraft = async (draft: Draft, place = 0): Promise<ContractTransactionResponse> => {
    const { epoch, members: current } = await registry.committee();
    const member = members.find((one) => one.address === current[place])!;
    const { id: proposalId } = await describe(draft, member.address);
    return await governor['propose((uint8,bytes32,uint48,bytes[]),uint64,uint8,bytes)'](
      draft,
      epoch,
      place,
      compact(member.key, draftDigest(proposalId, draft)),
      { gasLimit: 10_000_000n },
    );
  };

  const propose = async (kind: KindName, calls: string[] = [], place = 0): Promise<Proposed> => {
    const draft = draftOf(kind, calls);
    await sendDraft(draft, place);
    const { members: current } = await registry.committee();
    return await describe(draft, current[place]!);
  };

  const ballotDigest = (proposalId: bigint, vote: number, voter: string, reason = '', of: Domain = domain): string =>
    reason === ''
      ? TypedDataEncoder.hash(of, { Ballot: ballotFields }, { proposalId, support: vote, voter })
      : TypedDataEncoder.hash(
          of,
          { ReasonedBallot: [...ballotFields, { name: 'reason', type: 'string' }] },
          { proposalId, support: vote, voter, reason },
        );

  /** 66 bytes a vote; the places are those of the kit's members unless another electorate is given. */
  const compactVotes = (
    proposalId: bigint,
    votes: readonly (readonly [place: number, vote: number])[],
    voters: readonly Member[] = members,
  ): string =>
    concat(
      votes.map(([place, vote]) => {
        const { key, address: voter } = voters[place]!;
        return concat([toBeHex(place, 1), toBeHex(vote, 1), compact(key, ballotDigest(proposalId, vote, voter))]);
      }),
    );

  const castBatch = (
    { id: proposalId }: Proposed,
    votes: readonly (readonly [place: number, vote: number])[],
    voters: readonly Member[] = members,
  ): Promise<ContractTransactionResponse> =>
    governor.castVotesBySig(proposalId, compactVotes(proposalId, votes, voters), [], { gasLimit: 10_000_000n });

  const execute = ({ args }: Proposed): Promise<ContractTransactionResponse> =>
    governor.execute(...args, { gasLimit: 5_000_000n });

  /** Votes that decide, and the calls at once. */
  const castAndExecute = (
    { id: proposalId, draft, args }: Proposed,
    votes: readonly (readonly [place: number, vote: number])[],
    voters: readonly Member[] = members,
  ): Promise<ContractTransactionResponse> =>
    governor.castVotesAndExecute(draft.kind, draft.calls, args[3], compactVotes(proposalId, votes, voters), [], {
      gasLimit: 10_000_000n,
    });

  /** Proposed, passed by all of the committee who are the kit's members, executed. */
  const pass = async (kind: KindName, calls: string[]): Promise<Proposed> => {
    const proposed = await propose(kind, calls);
    const { members: current } = await registry.committee();
    const voters = current.flatMap((account) => members.find((member) => member.address === account) ?? []);
    await castBatch(
      proposed,
      voters.map((_, place) => [place, support.for] as const),
      voters,
    );
    await execute(proposed);
    return proposed;
  };

  /** The member at this place as a sender with money for gas. */
  const walletOf = async (place: number): Promise<BaseWallet> => {
    const wallet = new Wallet(members[place]!.key, ethers.provider as never);
    await ethers.provider.send('hardhat_setBalance', [wallet.address, '0x56bc75e2d63100000']);
    return wallet;
  };

  const as = <T extends ConsortiumGovernor | ResourceRegistry>(contract: T, signer: Signer): T =>
    contract.connect(signer as never) as T;

  const state = async ({ id: proposalId }: Proposed): Promise<bigint> => await governor.state(proposalId);

  /** An empty chain block so many seconds after the last. */
  const wait = async (seconds: bigint | number): Promise<void> => {
    await ethers.provider.send('evm_increaseTime', [Number(seconds)]);
    await ethers.provider.send('evm_mine', []);
  };

  const now = async (): Promise<bigint> => BigInt((await ethers.provider.getBlock('latest'))!.timestamp);

  const reportDigest = (report: Report, reporter: string, of: Domain = reportDomain): string =>
    TypedDataEncoder.hash(of, reportTypes, { ...report, reporter });

  /** Calldata of the calls that proposals make. */
  const call = {
    activate: (account: string) => registry.interface.encodeFunctionData('activate', [account]),
    enroll: (entry: object) => registry.interface.encodeFunctionData('enroll', [entry as never]),
    admit: (account: string, application: string) =>
      registry.interface.encodeFunctionData('admit', [account, application]),
    rotate: (account: string, entry: object) =>
      registry.interface.encodeFunctionData('rotate', [account, entry as never]),
    ban: (account: string) => registry.interface.encodeFunctionData('ban', [account]),
    unban: (account: string) => registry.interface.encodeFunctionData('unban', [account]),
    setAdmissionRules: (rules: object) => governor.interface.encodeFunctionData('setAdmissionRules', [rules as never]),
    update: (entry: object) => registry.interface.encodeFunctionData('update', [entry as never]),
    suspend: (account: string) => registry.interface.encodeFunctionData('suspend', [account]),
    remove: (account: string) => registry.interface.encodeFunctionData('remove', [account]),
    authenticator: (account: string, isAllowed: boolean) =>
      registry.interface.encodeFunctionData('setAuthenticator', [account, isAllowed]),
    setRule: (kind: KindName, rule: Rule) => governor.interface.encodeFunctionData('setRule', [kinds[kind], rule]),
    setWeights: (weights: { account: string; votes: bigint }[]) =>
      governor.interface.encodeFunctionData('setWeights', [weights]),
    addVersion: (resourceSet: string, base: bigint, configurationHash: string, uri = 'https://centre.example/c') =>
      resources.interface.encodeFunctionData('addVersion', [resourceSet, base, configurationHash, uri]),
  };

  return {
    ...kit,
    governor,
    resources,
    governorDomain: domain,
    reportDomain,
    draftOf,
    describe,
    draftDigest,
    sendDraft,
    propose,
    ballotDigest,
    compactVotes,
    castBatch,
    castAndExecute,
    execute,
    pass,
    walletOf,
    as,
    state,
    wait,
    now,
    reportDigest,
    call,
  };
}

export type GovernorKit = Awaited<ReturnType<typeof createGovernorKit>>;

export const receiptOf = async (sent: Promise<ContractTransactionResponse>): Promise<ContractTransactionReceipt> =>
  (await (await sent).wait())!;
