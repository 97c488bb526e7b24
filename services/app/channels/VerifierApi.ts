import type { Hash } from '../../core/bytes.ts';
import type { SignedBill } from '../../core/channels/bill.ts';
import type {
  BillRequest,
  ChannelView,
  CloseAnswer,
  CloseRequest,
  FoldedBill,
  Update,
  UpdateAnswer,
} from '../../core/channels/update.ts';
import type { ErrorCode } from '../../core/errors.ts';

/** A bill, or why there is none. */
export type BillAnswer = { signed: SignedBill } | { problem: { code: ErrorCode; detail: string } };

/** What a requester asks of a verifier. */
export type VerifierApi = {
  channel(channelId: Hash, signal?: AbortSignal): Promise<ChannelView>;
  show(channelId: Hash, view: ChannelView, signal?: AbortSignal): Promise<ChannelView>;
  bills(channelId: Hash, requests: readonly BillRequest[], signal?: AbortSignal): Promise<BillAnswer[]>;
  update(update: Update, signal?: AbortSignal): Promise<UpdateAnswer>;
  close(request: CloseRequest, signal?: AbortSignal): Promise<CloseAnswer>;
  evidence(channelId: Hash, from: number, limit: number, signal?: AbortSignal): Promise<FoldedBill[]>;
};
