/** Rows of the gas table about admission; see ../gas-table.ts for how they are measured. */
import type { Signer } from 'ethers';
import {
  applicationName,
  applicationOf,
  attestationDigest,
  attestedBy,
  type Entry,
  strictRules,
} from '../../test/contracts/support/admissionKit.ts';
import { entryOf, memberOf } from '../../test/contracts/support/anchorKit.ts';
import {
  createGovernorKit,
  type GovernorKit,
  type Proposed,
  receiptOf,
  support,
} from '../../test/contracts/support/governorKit.ts';
import type { NodeRegistry } from '../../types/ethers-contracts/index.ts';
import type { GasRow } from './GasRow.ts';

const limits = { application: 58_000n, cycle: 300_000n };

const gasOf = async (sent: Parameters<typeof receiptOf>[0]): Promise<bigint> => (await receiptOf(sent)).gasUsed;

const allOf = (count: number) => Array.from({ length: count }, (_, place) => [place, support.for] as const);

/** A committee whose first members are authenticators, and what candidates do there. */
async function kitOf(size: number, attestations: bigint) {
  const kit = await createGovernorKit({
    size,
    override: { blockGasLimit: 60_000_000, hardfork: 'cancun' },
    deployGas: 55_000_000,
  });
  const attesters = kit.members.slice(0, Number(attestations));
  await kit.pass('parameter', [kit.call.setAdmissionRules({ ...strictRules, attestations })]);
  for (const { address } of attesters) await kit.pass('authenticator', [kit.call.authenticator(address, true)]);
  const domain = { ...kit.governorDomain, verifyingContract: await kit.registry.getAddress() };

  /** Applies and publishes; the gas of both, and what the vote is about. */
  const apply = async (signer: Signer, entry: Entry) => {
    const own = kit.registry.connect(signer as never) as NodeRegistry;
    const nonce = (await kit.registry.node(entry.account)).appliedAt;
    const application = applicationOf(entry, { nonce, expiry: (await kit.now()) + 1_000_000n });
    const signatures = attestedBy(attesters, attestationDigest(domain, entry, application));
    return {
      applied: await gasOf(own.applyFor(application, signatures)),
      published: await gasOf(own.publish(entry, application)),
      name: applicationName(entry, application),
    };
  };
  const [, candidate] = await kit.ethers.getSigners();
  return { ...kit, apply, candidate: candidate!, entry: { ...entryOf(memberOf(9), 9), account: candidate!.address } };
}

/** What candidates pay, what a vote on one costs, and what else can be voted about nodes. */
export async function admissionRows(): Promise<GasRow[]> {
  const kit = await kitOf(4, 1n);
  const first = await kit.apply(kit.candidate, kit.entry);
  await kit.wait(strictRules.reapplySeconds);
  const again = await kit.apply(kit.candidate, kit.entry);
  const strict = await kitOf(4, 3n);
  const three = await strict.apply(strict.candidate, strict.entry);
  return [
    { operation: 'application with an attestation', gas: first.applied, ceiling: limits.application },
    { operation: 'each further attestation', gas: (three.applied - first.applied) / 2n },
    { operation: 'publication of an application, by anyone', gas: first.published },
    { operation: 'another application of a candidate', gas: again.applied },
    ...(await cycleRows()),
    ...(await otherRows()),
  ];
}

/** From 15 centres to 16, by an electorate of five, and by one of fifteen. */
async function cycleRows(): Promise<GasRow[]> {
  const five = await cycleOfFive();
  const kit = await kitOf(15, 1n);
  const { name } = await kit.apply(kit.candidate, kit.entry);
  const eight = await cycleGas(kit, name, 8);
  return [
    { operation: 'propose, admission of a candidate that applied, 5 voters', gas: five.proposed },
    { operation: 'five signed votes and execution in one, a committee of 16 written', gas: five.executed },
    {
      operation: 'whole admission by five votes: propose, vote and execute, a committee of 16 written',
      gas: five.proposed + five.executed,
      ceiling: limits.cycle,
    },
    {
      operation: 'whole admission by 8 of 15 votes: propose, vote and execute, a committee of 16 written',
      gas: eight.proposed + eight.executed,
    },
  ];
}

type CycleGas = { proposed: bigint; executed: bigint };

/** Five founders vote on eleven newcomers at once; the last of them makes the committee one of 16. */
async function cycleOfFive(): Promise<CycleGas> {
  const kit = await kitOf(5, 1n);
  const { name } = await kit.apply(kit.candidate, kit.entry);
  // The other ten come by vote alone.
  await kit.pass('parameter', [kit.call.setAdmissionRules({ ...strictRules, attestations: 0n })]);
  const others = Array.from({ length: 10 }, (_, index) => entryOf(memberOf(index + 20), index + 20));
  const before: Proposed[] = [];
  for (const some of [others.slice(0, 4), others.slice(4, 8), others.slice(8)]) {
    const calls = some.flatMap((entry) => [kit.call.enroll(entry), kit.call.activate(entry.account)]);
    before.push(await kit.propose('admission', calls));
  }
  return await cycleGas(kit, name, 5, async () => {
    for (const proposed of before) await receiptOf(kit.castAndExecute(proposed, allOf(5)));
  });
}

/** @param meanwhile What happens between the proposal and the votes. */
async function cycleGas(
  kit: Awaited<ReturnType<typeof kitOf>>,
  name: string,
  voters: number,
  meanwhile?: () => Promise<void>,
): Promise<CycleGas> {
  const draft = kit.draftOf('admission', [kit.call.admit(kit.entry.account, name)]);
  const proposed = await gasOf(kit.sendDraft(draft));
  await meanwhile?.();
  const executed = await gasOf(kit.castAndExecute(await kit.describe(draft), allOf(voters)));
  const { members } = await kit.registry.committee();
  if (members.length !== 16) throw new Error(`a committee of ${members.length}`);
  return { proposed, executed };
}

/** By a proposal each, of a committee of 5: what its execution costs. */
async function otherRows(): Promise<GasRow[]> {
  const kit = await createGovernorKit({ size: 5 });
  const executed = async (kind: Parameters<GovernorKit['pass']>[0], call: string): Promise<bigint> => {
    const proposed = await kit.propose(kind, [call]);
    await kit.castBatch(proposed, allOf(3));
    return await gasOf(kit.execute(proposed));
  };
  const [, , , , last] = kit.members;
  return [
    {
      operation: 'execute, rules for candidates',
      gas: await executed('parameter', kit.call.setAdmissionRules(strictRules)),
    },
    {
      operation: 'execute, key rotation, a committee of 5 written',
      gas: await executed('admission', kit.call.rotate(last!.address, entryOf(memberOf(9), 9))),
    },
    { operation: 'execute, ban of a stranger', gas: await executed('removal', kit.call.ban(memberOf(30).address)) },
  ];
}
