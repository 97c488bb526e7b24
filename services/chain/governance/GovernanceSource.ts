import type { ConsortiumGovernor, ResourceRegistry } from '../../../types/ethers-contracts/index.ts';
import type { Address } from '../../core/bytes.ts';
import type { Committee } from '../../core/committee.ts';
import type { Crypto } from '../../core/crypto.ts';
import type { ChangeSource } from '../sendCall.ts';

/** Where the three contracts are whose calls proposals make. */
export type GovernanceContracts = {
  readonly registry: Address;
  readonly governor: Address;
  readonly resources: Address;
};

/** What governance needs of a chain. */
export type GovernanceSource = ChangeSource & {
  readonly chainId: number;
  readonly contracts: GovernanceContracts;
  /** No event is looked for before this block. */
  readonly fromBlock: number;
  /** For view calls. */
  readonly governor: ConsortiumGovernor;
  readonly resources: ResourceRegistry;
  /** The current one, read anew. */
  readonly committee: () => Promise<Committee>;
  readonly crypto: Crypto;
};
