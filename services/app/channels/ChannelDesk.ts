import type { Readable } from 'node:stream';
import type { Address, Hash } from '../../core/bytes.ts';
import type { Channel, ChannelNetwork } from '../../core/channels/channel.ts';
import type { ChannelReceipt } from '../../core/channels/channelReceipt.ts';
import type { ErrorCode } from '../../core/errors.ts';
import type { UploadDesk } from './evidence/UploadDesk.ts';
import type { VerifierApi } from './VerifierApi.ts';

/** On what terms a verifier takes channels on. More is for people to read. */
export type DeskTerms = {
  readonly network: ChannelNetwork;
  readonly verifier: Address;
  readonly [more: string]: unknown;
};

/** Content of evidence as a stream. */
export type EvidenceContent = { readonly content: Readable; readonly sizeBytes: number };

/** What keeps a verifier from its work. */
export type DeskProblem = { readonly code: ErrorCode; readonly detail: string };

/** A verifier as its HTTP side sees it. */
export type ChannelDesk = VerifierApi & {
  terms(): DeskTerms;
  /** A channel that was taken on; undefined for any other one. The chain is not asked. */
  known(channelId: Hash): Promise<Channel | undefined>;
  /**
   * Takes an opened channel on; again gives the same.
   * @throws NotariumError `channel-unknown`, `channel-invalid`, `rate-limited`, those of the chain.
   */
  accept(channelId: Hash): Promise<Channel>;
  /**
   * The channel receipt of a bill's digest.
   * @throws NotariumError `evidence-not-found`.
   */
  receipt(channelId: Hash, digest: Hash, signal?: AbortSignal): Promise<ChannelReceipt>;
  /**
   * Content that this channel has paid for.
   * @param key 32 bytes, where it is stored encrypted.
   * @throws NotariumError `evidence-not-found`, `evidence-corrupt`, `evidence-key-missing`.
   */
  content(channelId: Hash, digest: Hash, key?: Uint8Array): Promise<EvidenceContent>;
  readonly uploads: UploadDesk;
  problems(): Promise<readonly DeskProblem[]>;
};
