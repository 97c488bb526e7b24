import type { ChannelStatus } from '../../chain/channels/ChannelChain.ts';
import { type ErrorCode, isNotariumError } from '../../core/errors.ts';
import type { ClosingWish } from './duties.ts';

/** What keeps a settlement from its work. */
export type Problem = { readonly code: ErrorCode; readonly detail: string };

/** What a settlement remembers of a channel between two looks. */
export type Watched = {
  /** As the chain said last; asked again when stale. */
  status: ChannelStatus | undefined;
  isStale: boolean;
  /** What the chain said when it last said something new: it may come from a block of which no event was told, and go with that untold. */
  untold: ChannelStatus | undefined;
  /** An event has told of a closing, and none that it is gone. */
  isToldClosing: boolean;
  /** When the channel is looked at, Unix seconds. */
  lookAt: number;
  isBusy: boolean;
  wish: ClosingWish | undefined;
  problem: Problem | undefined;
  /** The contract does not take what both have signed to close together. */
  isClosingRefused: boolean;
  /** When this side does what the other one was left to do, by the clock; undefined while there is no such thing. */
  turnAtMs: number | undefined;
};

/** A channel that was not looked at yet. */
export function unseen(): Watched {
  return {
    status: undefined,
    isStale: true,
    untold: undefined,
    isToldClosing: false,
    lookAt: 0,
    isBusy: false,
    wish: undefined,
    problem: undefined,
    isClosingRefused: false,
    turnAtMs: undefined,
  };
}

/** What is said of a failure. */
export function problemOf(error: unknown): Problem {
  const code = isNotariumError(error) ? error.code : 'internal';
  return { code, detail: isNotariumError(error) ? error.message : String(error) };
}

/** What is seen to first: what has a deadline, then what has changed. */
export function rankOf({ status, isStale }: Watched): number {
  if (status?.status === 'closing') return 0;
  return isStale ? 1 : 2;
}
