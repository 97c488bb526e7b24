import type { BriefResult } from '../../../../services/app/Centre.ts';
import type { Hash } from '../../../../services/core/bytes.ts';

/** Where a sender is killed: between any two of these something is known at one place, and not yet at the next. */
export const killPoints = ['committed', 'sending', 'answered', 'acknowledged', 'handed in', 'noted'] as const;

/** See {@link killPoints}. */
export type KillPoint = (typeof killPoints)[number];

/** What the process of a sender says. */
export type FromSender =
  | { readonly listens: readonly string[]; readonly sent?: never; readonly accept?: never }
  /** Was promised to who has asked for it. */
  | { readonly sent: Hash; readonly listens?: never; readonly accept?: never }
  | {
      readonly accept: { readonly id: number; readonly lines: readonly string[] };
      readonly listens?: never;
      readonly sent?: never;
    };

/** What the log answers. */
export type ToSender = { readonly id: number; readonly results: BriefResult[] };
