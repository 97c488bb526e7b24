import { registryInterface } from '../../../services/chain/interfaces.ts';
import type { ChainOptions } from '../../../services/chain/openChain.ts';
import {
  type ApplicationFields,
  attestationDigest,
  entryHashOf,
  packAttestations,
} from '../../../services/core/admission/attestation.ts';
import type { Address, Hash, Hex } from '../../../services/core/bytes.ts';
import type { AdmissionRules, NodeEntry } from '../../../services/core/governance/proposalContent.ts';
import { localSigner } from '../../../services/lib/localSigner.ts';
import { devAddress, devKey, sendAsDeployer } from '../../support/chains.ts';
import { type ChainKit, chainKit, crypto } from './chainKit.ts';

export const hashOf = (byte: string): Hash => `0x${byte.repeat(32)}` as const;

/** Two attestations, an hour from one application to the next. */
export const usualRules: AdmissionRules = {
  manifestHash: hashOf('11'),
  attestations: 2,
  reapplySeconds: 3_600,
  minScore: 500,
  renewSeconds: 2_592_000,
  minHashesPerSecond: 1_000_000,
  memoryMiB: 256,
  minMemoryPassesPerMinute: 30,
  minWrittenMiBPerSecond: 50,
  minReadMiBPerSecond: 100,
};

/** Later than any test. */
export const farExpiry = 2 ** 40;

/**
 * A deployment whose governor is development account 9, with accounts 0 to 3 as centres, the first three of them
 * authenticators, as account 5 sees it, which wants to join.
 */
export type ApplicantKit = ChainKit & {
  readonly entry: NodeEntry;
  /** An act of the governor, by its name. */
  govern(act: string, ...args: readonly unknown[]): Promise<void>;
  /** What the candidate applies with, right in every way but for the changes. */
  fields(changes?: Partial<ApplicationFields>): ApplicationFields;
  /** By these development accounts. */
  attest(fields: ApplicationFields, attesters?: readonly number[]): Promise<Uint8Array>;
  close(): void;
};

export async function applicantKit(
  rpcUrl: string,
  rules = usualRules,
  options: Partial<ChainOptions> = {},
): Promise<ApplicantKit> {
  const kit = await chainKit(rpcUrl, { signer: localSigner(devKey(5), crypto), ...options });
  const { registry } = kit.chain.admission;
  const to = kit.deployed.registry;
  const govern = async (act: string, ...args: readonly unknown[]): Promise<void> => {
    const data = registryInterface.encodeFunctionData(act as 'admit', args as [Address, Hex]) as Hex;
    await sendAsDeployer(rpcUrl, act, { to, data });
  };
  await govern('setGovernor', devAddress(9));
  await govern('setAdmissionRules', rules);
  for (const authenticator of [0, 1, 2]) await govern('setAuthenticator', devAddress(authenticator), true);
  const entry: NodeEntry = {
    account: devAddress(5),
    name: 'Fünf',
    endpoint: 'https://five.example',
    encryptionKey: hashOf('22'),
    noteKey: hashOf('33'),
  };
  return {
    ...kit,
    entry,
    govern,
    fields: (changes = {}) => ({
      entryHash: entryHashOf(entry),
      manifestHash: usualRules.manifestHash,
      profileDigest: hashOf('44'),
      score: 700,
      expiry: farExpiry,
      nonce: 0,
      ...changes,
    }),
    async attest(fields, attesters = [0, 1]) {
      const digest = attestationDigest(registry, entry.account, entry, fields);
      const attestations = attesters.map(async (index) => ({
        address: devAddress(index),
        signature: await localSigner(devKey(index), crypto).sign(digest),
      }));
      return packAttestations(await Promise.all(attestations));
    },
    close: () => kit.chain.close(),
  };
}
