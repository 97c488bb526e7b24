import { expect } from 'chai';
import type { NodeRegistry } from '../../../types/ethers-contracts/index.ts';
import {
  type Application,
  applicationName,
  applicationOf,
  attestationDigest,
  attestedBy,
  strictRules,
} from './admissionKit.ts';
import { createKit, entryOf, type Member, memberOf } from './anchorKit.ts';

/** States of a node, by their numbers. */
export const status = { none: 0n, candidate: 1n, active: 2n, suspended: 3n, removed: 4n, banned: 5n };

/** Four centres, of whom the first three are authenticators; two must attest. The candidate is a stranger with money. */
export async function admissionSetting(rules = strictRules) {
  const kit = await createKit({ size: 4 });
  const { ethers, registry, members } = kit;
  const [, governor, stranger, other] = await ethers.getSigners();
  await registry.setGovernor(governor!.address);
  const governed = registry.connect(governor!) as unknown as NodeRegistry;
  await governed.setAdmissionRules(rules);
  for (const { address } of members.slice(0, 3)) await governed.setAuthenticator(address, true);
  const domain = { ...kit.domain, verifyingContract: await registry.getAddress() };
  const now = async () => BigInt((await ethers.provider.getBlock('latest'))!.timestamp);
  const expiry = (await now()) + 86_400n;
  const entry = { ...entryOf(memberOf(9), 9), account: stranger!.address };
  const own = registry.connect(stranger!) as unknown as NodeRegistry;
  const make = (changes: Partial<Application> = {}) => applicationOf(entry, { expiry, ...changes });
  const sign = (application: Application, attesters: readonly Member[] = members.slice(0, 2), of = domain) =>
    attestedBy(attesters, attestationDigest(of, entry, application));
  const apply = (application: Application, signatures = sign(application)) => own.applyFor(application, signatures);
  const wait = (seconds: bigint) => ethers.provider.send('evm_increaseTime', [Number(seconds)]);
  const appliedAt = async () => (await registry.node(entry.account)).appliedAt;
  const name = (application: Application) => applicationName(entry, application);
  return {
    ...kit,
    governed,
    governor,
    own,
    other,
    entry,
    domain,
    now,
    expiry,
    make,
    sign,
    apply,
    wait,
    appliedAt,
    name,
  };
}
type Setting = Awaited<ReturnType<typeof admissionSetting>>;

/** Applied and published. */
export async function published(setting: Setting, changes: Partial<Application> = {}): Promise<Application> {
  const application = setting.make(changes);
  await setting.apply(application);
  await setting.registry.publish(setting.entry, application);
  return application;
}

/** That an attempt is refused by an error of the registry. */
export const refused = (setting: Setting, attempt: Promise<unknown>, error: string, values?: unknown[]) => {
  const judged = expect(attempt).to.be.revertedWithCustomError(setting.registry, error);
  return values === undefined ? judged : judged.withArgs(...values);
};
