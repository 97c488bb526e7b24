import type { Hash } from '../../core/bytes.ts';
import type { Channel, ChannelNetwork } from '../../core/channels/channel.ts';
import type { ChannelSigner } from '../../core/channels/party.ts';
import type { Crypto } from '../../core/crypto.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { ChannelStore } from '../../store/channels/ChannelStore.ts';
import type { NewestStates } from '../../store/channels/NewestStates.ts';
import type { ChannelFacts, Touch } from './ChannelFacts.ts';
import type { EvidenceKeeper } from './EvidenceKeeper.ts';

/** What a verifier asks of channels, and gives them. */
export type VerifierSettings = {
  /** How long before a lock's expiry it goes on chain. */
  readonly safetySeconds: number;
  /** How long a bill is valid. */
  readonly billSeconds: number;
  /** Whether it takes a channel with these terms. @throws NotariumError `channel-invalid`. */
  readonly checkTerms: (channel: Channel, held: bigint) => void;
  /** Where its statements say that evidence is: empty for the evidence store. */
  readonly locator?: string;
};

/** What a verifier is made of. */
export type VerifierParts = {
  readonly network: ChannelNetwork;
  readonly signer: ChannelSigner;
  /** The key of a bill, the same each time: made from a secret. */
  readonly keyOf: (channelId: Hash, billId: Hash) => Hash;
  readonly store: ChannelStore;
  /** Apart from the store: the guard against a restored backup of that. */
  readonly states: NewestStates;
  readonly chain: ChannelFacts;
  readonly evidence: EvidenceKeeper;
  readonly touch: Touch;
  readonly settings: VerifierSettings;
  readonly crypto: Crypto;
  readonly clock: Clock;
  readonly logger: Logger;
};
