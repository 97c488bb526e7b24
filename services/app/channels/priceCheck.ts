import type { Hash } from '../../core/bytes.ts';
import { requesterBalanceOf } from '../../core/channels/ledger.ts';
import type { Moment } from '../../core/channels/party.ts';
import type { VerifierMemory, VerifierParty } from '../../core/channels/verifierMemory.ts';
import { NotariumError } from '../../core/errors.ts';
import type { ChannelFacts } from './ChannelFacts.ts';

/** Passes where the requester can pay evidence of a digest. @throws NotariumError `channel-balance-short`. */
export type PriceCheck = (digest: Hash, price: bigint) => Promise<void>;

/**
 * Holds prices against what the requester has in no lock, less what other bills ask that can still be paid and what has passed before.
 * A bill that is asked for again counts once: the answer with the first one may have been lost.
 */
export function priceCheck(
  { channel }: VerifierParty,
  { held, ledger, offered }: VerifierMemory,
  chain: Pick<ChannelFacts, 'held'>,
  now: Moment,
): PriceCheck {
  const time = Math.max(now.time, now.chainTime);
  const asked = new Map<Hash, bigint>();
  for (const { bill } of [...offered.values()].map(({ signed }) => signed))
    if (bill.expiry > time) asked.set(bill.digest, max(bill.amount, asked.get(bill.digest) ?? 0n));
  const wanted = (): bigint => [...asked.values()].reduce((sum, amount) => sum + amount, 0n);
  let free = requesterBalanceOf({ ...ledger, held: max(held, ledger.held) });
  return async (digest, price) => {
    const isShort = (): boolean => wanted() - (asked.get(digest) ?? 0n) + max(price, asked.get(digest) ?? 0n) > free;
    // A deposit may have come that nobody has told of yet.
    if (isShort()) free = requesterBalanceOf({ ...ledger, held: max(ledger.held, await chain.held(channel)) });
    if (isShort()) {
      throw new NotariumError('channel-balance-short', `${free} is free, and other bills wait`, {
        data: { have: String(free), want: String(price) },
      });
    }
    asked.set(digest, max(price, asked.get(digest) ?? 0n));
  };
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
