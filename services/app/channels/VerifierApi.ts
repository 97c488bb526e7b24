import type { Hash } from '../../core/bytes.ts';
import type {
  BillAnswer,
  BillRequest,
  ChannelView,
  CloseAnswer,
  CloseRequest,
  FoldedBill,
  Update,
  UpdateAnswer,
} from '../../core/channels/update.ts';

/** What a requester asks of a verifier. A NotariumError that no retry helps is a refusal; whatever else fails is silence. */
export type VerifierApi = {
  /** What the verifier has of the channel. */
  channel(channelId: Hash, signal?: AbortSignal): Promise<ChannelView>;
  /** Shows it a newer state than it has; answers what it has then. */
  show(channelId: Hash, view: ChannelView, signal?: AbortSignal): Promise<ChannelView>;
  /** Asks for bills on evidence that was uploaded; an answer each. */
  bills(channelId: Hash, requests: readonly BillRequest[], signal?: AbortSignal): Promise<BillAnswer[]>;
  /** A bill that was not locked is not wanted any more. */
  withdraw(channelId: Hash, billId: Hash, signal?: AbortSignal): Promise<void>;
  update(update: Update, signal?: AbortSignal): Promise<UpdateAnswer>;
  close(request: CloseRequest, signal?: AbortSignal): Promise<CloseAnswer>;
  /** Leaves of the evidence tree from an index on, in order: what receipts are made of, also after a loss. */
  evidence(channelId: Hash, from: number, limit: number, signal?: AbortSignal): Promise<FoldedBill[]>;
};
