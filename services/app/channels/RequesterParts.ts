import type { Hash } from '../../core/bytes.ts';
import type { SignedBill } from '../../core/channels/bill.ts';
import type { Channel, ChannelNetwork } from '../../core/channels/channel.ts';
import type { ChannelSigner } from '../../core/channels/party.ts';
import type { Statement } from '../../core/channels/statement.ts';
import type { BillRequest } from '../../core/channels/update.ts';
import type { Crypto } from '../../core/crypto.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { ChannelStore } from '../../store/channels/ChannelStore.ts';
import type { ChannelFacts, Touch } from './ChannelFacts.ts';
import type { VerifierApi } from './VerifierApi.ts';

/** How a requester goes about it. */
export type RequesterSettings = {
  /** That of the verifier: how long after its expiry a lock can be dropped. */
  readonly safetySeconds: number;
  /** Longest time that an amount is locked for. */
  readonly maxLockSeconds: number;
  /** First pause before what was not answered is sent again; each one after it is twice as long. */
  readonly retryMs: number;
  readonly maxRetryMs: number;
  /** Where its statements say that evidence is: empty for the evidence store. */
  readonly locator?: string;
};

/** What a requester is made of. */
export type RequesterParts = {
  readonly network: ChannelNetwork;
  readonly channel: Channel;
  readonly signer: ChannelSigner;
  readonly store: ChannelStore;
  readonly chain: ChannelFacts;
  readonly api: VerifierApi;
  readonly touch: Touch;
  readonly settings: RequesterSettings;
  readonly crypto: Crypto;
  readonly clock: Clock;
  readonly logger: Logger;
};

/** Evidence that was uploaded, and the most that its preservation may cost. */
export type EvidenceItem = BillRequest & { readonly maxAmount: bigint };

/** Evidence that is paid for: its digest is in the evidence tree of a state that both have signed. */
export type PreservedBill = {
  readonly signed: SignedBill;
  readonly key: Hash;
  readonly first: Statement;
  readonly second: Statement;
  readonly leafIndex: number;
};
