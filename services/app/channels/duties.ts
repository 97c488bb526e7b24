import type { ChannelStatus } from '../../chain/channels/ChannelChain.ts';
import type { Hash } from '../../core/bytes.ts';
import type { SignedState } from '../../core/channels/state.ts';
import type { ClosingReason } from './closingPolicy.ts';
import type { BillKey, SettlementSide, SignedClosing } from './SettlementSide.ts';

/** That a channel is to end, by its policy or because a person asked. */
export type ClosingWish = {
  readonly how: 'together' | 'alone';
  readonly reason: ClosingReason | 'asked';
  /** Since when it is wished, and when the other side was asked last; Unix seconds. */
  readonly since: number;
  readonly askedAt?: number;
};

/** All that decides what is to be done for a channel. */
export type Situation = {
  readonly role: SettlementSide['role'];
  readonly status: ChannelStatus;
  /** Unix seconds: of the chain's newest block, or of the clock, whichever is later. */
  readonly now: number;
  /** Of the chain's newest block alone: what the chain may still take is tried, also by a clock that is ahead. */
  readonly chainNow: number;
  /** A transaction that must not be late is sent so long before. */
  readonly safetyDelta: number;
  readonly newest: SignedState | undefined;
  readonly signedClosing: SignedClosing | undefined;
  /** With the chain time at which it became public, where it did. */
  readonly keys: readonly (BillKey & { readonly revealedAt?: number })[];
  readonly wish: ClosingWish | undefined;
  /** How long the other side is asked to close together, and how often. */
  readonly togetherSeconds: number;
  readonly askAgainSeconds: number;
};

/** One thing to do; those of a list are done side by side. */
export type Duty =
  | { readonly type: 'reveal'; readonly keys: readonly Hash[] }
  | { readonly type: 'challenge'; readonly state: SignedState }
  | { readonly type: 'closeTogether'; readonly closing: SignedClosing }
  | { readonly type: 'settle'; readonly version: number }
  | { readonly type: 'startClosing'; readonly reason: ClosingWish['reason'] }
  | { readonly type: 'askClosing' };

/** What is to be done now. Doing it twice does no harm, so that a crash in between needs no memory. */
export function dutiesOf(situation: Situation): Duty[] {
  const { status } = situation;
  if (status.status === 'open') return whileOpen(situation);
  return status.status === 'closing' ? whileClosing(situation, status) : [];
}

/** When to look again though nothing has happened, Unix seconds; undefined for no such time. */
export function nextLook(situation: Situation): number | undefined {
  const { status, keys, now, safetyDelta, role, wish, togetherSeconds, askAgainSeconds } = situation;
  if (status.status === 'closing') {
    return role === 'watchtower' || now > status.deadline ? undefined : status.deadline + 1;
  }
  if (status.status !== 'open') return undefined;
  const asking = wish ? [wish.since + togetherSeconds, (wish.askedAt ?? now) + askAgainSeconds] : [];
  const later = [...keys.map(({ expiry }) => expiry - safetyDelta), ...asking].filter((at) => at > now);
  return later.length === 0 ? undefined : Math.min(...later);
}

function whileOpen({ role, now, chainNow, safetyDelta, signedClosing, keys, ...rest }: Situation): Duty[] {
  const due = keys.filter(({ expiry }) => expiry - safetyDelta <= now);
  const late = revealable(due, chainNow);
  const duties: Duty[] = late.length > 0 ? [{ type: 'reveal', keys: late }] : [];
  if (role === 'watchtower') return duties;
  if (signedClosing) return [...duties, { type: 'closeTogether', closing: signedClosing }];
  // Its key is public in time, so the lock is paid in every state that has it: the requester had its chance to fold it.
  if (due.some(({ expiry, revealedAt }) => revealedAt !== undefined && revealedAt <= expiry)) {
    return [...duties, { type: 'startClosing', reason: 'expiry' }];
  }
  return [...duties, ...towardsClosing(now, rest)];
}

function towardsClosing(
  now: number,
  { wish, togetherSeconds, askAgainSeconds }: Pick<Situation, 'wish' | 'togetherSeconds' | 'askAgainSeconds'>,
): Duty[] {
  if (!wish) return [];
  const { how, reason, since, askedAt } = wish;
  if (how === 'alone' || now >= since + togetherSeconds) return [{ type: 'startClosing', reason }];
  return askedAt === undefined || now >= askedAt + askAgainSeconds ? [{ type: 'askClosing' }] : [];
}

function whileClosing(
  { role, now, chainNow, newest, signedClosing, keys }: Situation,
  { deadline, version }: Extract<ChannelStatus, { status: 'closing' }>,
): Duty[] {
  if (role !== 'watchtower' && signedClosing) return [{ type: 'closeTogether', closing: signedClosing }];
  const duties: Duty[] = [];
  if (chainNow <= deadline) {
    const hidden = revealable(keys, chainNow);
    if (hidden.length > 0) duties.push({ type: 'reveal', keys: hidden });
    if (newest && newest.state.version > version) duties.push({ type: 'challenge', state: newest });
  }
  if (duties.length > 0 || now <= deadline || role === 'watchtower') return duties;
  return [{ type: 'settle', version }];
}

function revealable(keys: Situation['keys'], chainNow: number): Hash[] {
  return keys.filter(({ expiry, revealedAt }) => revealedAt === undefined && chainNow <= expiry).map(({ key }) => key);
}
