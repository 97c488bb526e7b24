import type { EvidenceChannels } from '../../../types/ethers-contracts/index.ts';
import type { Address } from '../../core/bytes.ts';
import type { ChannelNetwork } from '../../core/channels/channel.ts';
import type { ChangeSource } from '../sendCall.ts';

/** What evidence channels need of a chain. */
export type ChannelSource = ChangeSource & {
  readonly network: ChannelNetwork;
  /** For view calls. */
  readonly contract: EvidenceChannels;
  /** No event is looked for before it. */
  readonly fromBlock: number;
  readonly account: Address | undefined;
};
